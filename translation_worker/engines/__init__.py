"""Engines: one translator a file, all behind the `Engine` protocol of `engine`."""
