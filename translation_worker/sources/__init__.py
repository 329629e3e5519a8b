"""Where documents come from: addresses that are safe to visit, and the language of what is read."""
