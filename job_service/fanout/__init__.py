"""job_service/fanout."""
