"""The media worker: it turns one media file into the form that a preset names.

Rooms, outer to inner: app, settings, pipeline, verification, presets | ffmpeg.
"""
