"""Stubs of babelmill.translation.v1, made by protos/generate.py."""
