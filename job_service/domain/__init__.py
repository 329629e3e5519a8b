"""What a job is and how it may change; pure, with no framework in sight.

Rooms: spec, plan, opening; job, lease, events; state_machine, attempts, settlement,
sweeping; retry_policy, progress; catalog, principal, ids, errors.
"""
