"""The only caller of the job service: plain calls, watches, transfers."""
