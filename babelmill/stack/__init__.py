"""Starts the whole system on one machine, with embedded PostgreSQL and Valkey.

Rooms: main (the command), settings, environment (the env file), supervisor
(starts, watches, stops), services, postgres, valkey, ports, demo.
"""
