"""Translation worker: turns text into other languages, offline.

Rooms: `app` wires, `settings` reads the environment, `pipeline` runs one attempt,
`sentence_translation` takes sentences through a route with fallbacks, `segmentation` and
`sentence_splitting` cut text, `protection` and `placeholders` keep literals exact, `typography`
suits a sentence to an engine and undoes it, `verification` judges a translation, `routing` finds
the way between languages, `engines` translate.
"""
