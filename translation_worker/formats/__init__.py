"""Formats: one codec a file, behind one protocol, and the registry that tells them apart."""
