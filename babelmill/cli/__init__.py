"""babelmill/cli."""
