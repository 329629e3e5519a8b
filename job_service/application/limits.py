"""Every number that bounds the use cases, in one frozen value.

`main` fills it from the settings; nothing here reads the environment.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from job_service.domain.attempts import DeliveryPolicy
from job_service.domain.planned import StepTimeouts
from job_service.domain.quota import Quotas
from job_service.domain.retry_policy import RetryPolicy
from job_service.domain.segments import SegmentPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the use cases keep to."""

    max_waiting_jobs: int = 1000
    """Jobs of one tenant that no worker has started on yet."""
    admission_retry_after: timedelta = timedelta(seconds=5)
    """What a tenant over its limit is told to wait while none of its jobs end."""
    lease_ttl: timedelta = timedelta(seconds=30)
    """A lease ends this long after the last heartbeat."""
    cancel_grace: timedelta = timedelta(seconds=15)
    """A worker that is told to stop and says nothing for this long is taken for gone."""
    cancel_limit: timedelta = timedelta(seconds=120)
    """A step is CANCELLED this long after the request, whatever its worker says."""
    timeout_grace: timedelta = timedelta(seconds=60)
    """How long past a step's timeout its worker may take to report it."""
    step_timeouts: StepTimeouts = field(default_factory=StepTimeouts)
    """How long one attempt at a step may take."""
    segments: SegmentPolicy = field(default_factory=SegmentPolicy)
    """How videos are cut into segments."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    """How often a step is tried."""
    max_text_bytes: int = 64 * 1024 * 1024
    """The largest uploaded text that is translated as plain text."""
    max_document_bytes: int = 256 * 1024 * 1024
    """The largest uploaded file that is translated as a document."""
    max_inline_output_bytes: int = 64 * 1024
    """Larger outputs lie in the artifact store."""
    max_inline_part_bytes: int = 1024
    """Larger parts do: all parts of a document must fit the message of one lease."""
    max_part_lease_bytes: int = 1536
    """What a part takes of a lease's message at most: its bytes, or its place, and its names."""
    max_inline_lease_bytes: int = 3 * 1024 * 1024
    """Inline inputs of all leases granted by one call, to fit one message."""
    max_upload_bytes: int = 8 * 1024**3
    """The largest artifact."""
    retention: timedelta = timedelta(days=7)
    """How long a job is kept after its end, and an upload that no job names."""
    result_ttl: timedelta = timedelta(hours=24)
    """How long a job's outputs are kept after its end."""
    memory_ttl: timedelta = timedelta(hours=24)
    """How long a translated segment is remembered."""
    max_memory_entries: int = 500_000
    """Segments that are remembered for one tenant, give or take those of a minute."""
    max_glossaries: int = 1000
    """Glossaries of one tenant."""
    quotas: Quotas = field(default_factory=Quotas)
    """What a tenant may use in a day and in a month."""
    max_webhooks: int = 20
    """Webhooks of one tenant."""
    orphan_grace: timedelta = timedelta(hours=24)
    """How old an unfinished upload, or a file that nothing refers to, may become."""

    @property
    def delivery(self) -> DeliveryPolicy:
        """The part that the domain decides by."""
        return DeliveryPolicy(
            lease_ttl=self.lease_ttl,
            cancel_grace=self.cancel_grace,
            cancel_limit=self.cancel_limit,
            timeout_grace=self.timeout_grace,
            retry=self.retry,
        )
