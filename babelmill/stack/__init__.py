"""babelmill/stack."""
