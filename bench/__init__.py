"""Measures Babelmill beside plain peers on the same machine; prints ratios.

Rooms: submit and watch (the commands), contestants and submission_rounds
(what submit measures), latency_rounds (what watch measures), samples
(statistics), tables (print), machine (load, CPU, memory), servers (starts and
stops what is measured), stores (what was accepted is there), peers (what it is
compared with), loads (clients in a process of their own), worker_stub (speaks
a worker's side of the contract).
"""
