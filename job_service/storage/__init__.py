"""PostgreSQL: the only room that speaks SQL.

Rooms: engine, unit_of_work, migrate; tables, rows, json_forms; jobs (with
job_reading), step_queue, leases, artifacts, workers, accounts.
"""
