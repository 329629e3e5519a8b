"""Translation worker: turns text into other languages, offline.

Rooms: `app` wires, `settings` reads the environment, `pipeline` runs one attempt,
`text_translation` goes through a text, `sentence_translation` takes sentences along a route with
fallbacks, `segmentation` and `sentence_splitting` cut text, `protection`, `foreign_script` and
`placeholders` keep literals exact, `tag_projection` keeps markup around its words, `typography`
suits a sentence to an engine and undoes it, `verification` judges a translation,
`translation_report` tells what went otherwise, `routing` finds the way between languages,
`resource_usage` measures what work costs, `engines` translate.
"""
