"""From a step's input to its verified outputs: one file for each kind of work.

`transcode` is the handler that chooses by the preset's kind; `rendition` makes
one file of picture and sound; `selection` chooses the input's streams.
"""
