"""job_service/dispatch."""
