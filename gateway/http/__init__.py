"""Transport pieces that know HTTP and nothing of jobs."""
