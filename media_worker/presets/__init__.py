"""The catalogue of presets: named media recipes, and what a client may choose about them.

`recipe` has the nouns, `options` what can be chosen; `video`, `audio` and
`products` hold the rows, `catalogue` all of them by name; `arguments` turns a
recipe and options into ffmpeg's arguments; `naming` names outputs.
"""
