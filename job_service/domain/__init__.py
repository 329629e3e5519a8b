"""What a job is and how it may change; pure, with no framework in sight.

Rooms: spec, job, events, errors, state_machine, plan, retry_policy, progress.
"""
