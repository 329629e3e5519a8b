"""Stubs of babelmill.translation, made by protos/generate.py."""
