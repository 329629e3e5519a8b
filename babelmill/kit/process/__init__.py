"""babelmill/kit/process."""
