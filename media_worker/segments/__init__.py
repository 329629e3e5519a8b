"""A long video in segments: cut, encoded by several workers at once, joined.

`split`, `encode` and `join` are the handlers of the three kinds of steps.
`frame_times` reads when a source's frames are shown, `cutting` decides where to
cut, `plan_file` carries that from step to step, `arguments` tells ffmpeg.
"""
