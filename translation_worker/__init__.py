"""translation_worker."""
