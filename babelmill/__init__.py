"""Babelmill: translation and media jobs that survive the death of any process."""
