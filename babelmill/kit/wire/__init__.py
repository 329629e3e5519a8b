"""babelmill/kit/wire."""
