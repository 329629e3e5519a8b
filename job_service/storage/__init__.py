"""job_service/storage."""
