"""Stubs of babelmill.media.v1, made by protos/generate.py."""
