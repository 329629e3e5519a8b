"""Stubs of babelmill.media, made by protos/generate.py."""
