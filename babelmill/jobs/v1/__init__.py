"""Stubs of babelmill.jobs.v1, made by protos/generate.py."""
