"""Clients that cost little, in a process of their own.

Rooms: http_connection, submitters (one kind of request each), closed_loop
(drives them), watchers (many open streams), latencies (one job at a time),
generator (the process), driver (the parent's side of it).
"""
