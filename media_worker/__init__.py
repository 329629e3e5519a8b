"""media_worker."""
