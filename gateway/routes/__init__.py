"""The paths of /v1, one resource a file."""
