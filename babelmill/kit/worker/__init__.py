"""babelmill/kit/worker."""
