"""babelmill/client."""
