"""job_service/api."""
