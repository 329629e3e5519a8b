"""Stubs of babelmill.jobs, made by protos/generate.py."""
