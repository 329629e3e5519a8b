"""babelmill/kit/artifacts."""
