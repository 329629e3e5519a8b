"""How long the clients wait, and how patiently they try again.

The channel itself repeats calls that are idempotent as they stand; submitting
a job is so only by its request_id, which the channel does not see.
"""

from dataclasses import dataclass, field

from babelmill.client.resumption import ResumePolicy


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """Times of one client, in seconds."""

    call_seconds: float = 30.0
    # Three of the keep-alives that a watch gets every 15 seconds.
    watch_stall_seconds: float = 45.0
    download_stall_seconds: float = 60.0
    submit: ResumePolicy = field(
        default_factory=lambda: ResumePolicy(
            first_delay_seconds=0.2, largest_delay_seconds=2.0, patience_seconds=5.0
        )
    )
    stream: ResumePolicy = field(default_factory=ResumePolicy)
