"""The job service: the only owner of state, and the only process that talks to PostgreSQL."""
