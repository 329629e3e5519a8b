"""One transaction: opened, committed or rolled back, and the rows seen through it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection, func, select

from job_service.storage.accounts import SqlAccountRows
from job_service.storage.artifacts import SqlArtifactRows
from job_service.storage.audit import SqlAuditRows
from job_service.storage.dead_letters import SqlDeadLetterRows
from job_service.storage.directory import SqlDirectoryRows
from job_service.storage.engine import Database, naming_troubles
from job_service.storage.glossaries import SqlGlossaryRows
from job_service.storage.jobs import SqlJobRows
from job_service.storage.leases import SqlLeaseRows
from job_service.storage.queue_figures import SqlQueueFigures
from job_service.storage.retention import SqlRetentionRows
from job_service.storage.reuse import SqlReuseRows
from job_service.storage.secrets import SqlSecretRows
from job_service.storage.segment_memory import SqlMemoryRows
from job_service.storage.step_queue import SqlStepQueue
from job_service.storage.usage import SqlUsageRows
from job_service.storage.webhook_deliveries import SqlDeliveryRows
from job_service.storage.webhook_log import SqlDeliveryLog
from job_service.storage.webhooks import SqlWebhookRows
from job_service.storage.workers import SqlWorkerRows


class SqlUnitOfWork:
    """The rows as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def jobs(self) -> SqlJobRows:
        """Jobs with their steps, targets and events."""
        return SqlJobRows(self._connection)

    @cached_property
    def queue(self) -> SqlStepQueue:
        """Which steps the relay and the reaper must see to."""
        return SqlStepQueue(self._connection)

    @cached_property
    def leases(self) -> SqlLeaseRows:
        """How leases have ended."""
        return SqlLeaseRows(self._connection)

    @cached_property
    def artifacts(self) -> SqlArtifactRows:
        """What is known of artifacts."""
        return SqlArtifactRows(self._connection)

    @cached_property
    def workers(self) -> SqlWorkerRows:
        """Announcements of workers."""
        return SqlWorkerRows(self._connection)

    @cached_property
    def accounts(self) -> SqlAccountRows:
        """Whose a token is."""
        return SqlAccountRows(self._connection)

    @cached_property
    def directory(self) -> SqlDirectoryRows:
        """Tenants, users and tokens as operators see them."""
        return SqlDirectoryRows(self._connection)

    @cached_property
    def audit(self) -> SqlAuditRows:
        """The audit log."""
        return SqlAuditRows(self._connection)

    @cached_property
    def dead_letters(self) -> SqlDeadLetterRows:
        """Jobs out of their retry budget, and what was made of them."""
        return SqlDeadLetterRows(self._connection)

    @cached_property
    def figures(self) -> SqlQueueFigures:
        """How much waits, runs and ends."""
        return SqlQueueFigures(self._connection)

    @cached_property
    def reuse(self) -> SqlReuseRows:
        """Results of ended jobs that can serve new ones."""
        return SqlReuseRows(self._connection)

    @cached_property
    def retention(self) -> SqlRetentionRows:
        """What has been kept for its time."""
        return SqlRetentionRows(self._connection)

    @cached_property
    def glossaries(self) -> SqlGlossaryRows:
        """Tenants' glossaries."""
        return SqlGlossaryRows(self._connection)

    @cached_property
    def secrets(self) -> SqlSecretRows:
        """Jobs' secrets."""
        return SqlSecretRows(self._connection)

    @cached_property
    def usage(self) -> SqlUsageRows:
        """What tenants have used of their quotas."""
        return SqlUsageRows(self._connection)

    @cached_property
    def webhooks(self) -> SqlWebhookRows:
        """Tenants' webhooks."""
        return SqlWebhookRows(self._connection)

    @cached_property
    def deliveries(self) -> SqlDeliveryRows:
        """Events on their way to webhooks."""
        return SqlDeliveryRows(self._connection)

    @cached_property
    def delivery_log(self) -> SqlDeliveryLog:
        """What became of deliveries."""
        return SqlDeliveryLog(self._connection)

    @cached_property
    def memory(self) -> SqlMemoryRows:
        """Remembered segments."""
        return SqlMemoryRows(self._connection)

    def now(self) -> datetime:
        """Read the database's clock."""
        now: datetime = self._connection.execute(select(func.clock_timestamp())).scalar_one()
        return now


class SqlUnitOfWorkFactory:
    """Opens transactions on one pool."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        # One snapshot for all reads; the driver sends this within BEGIN.
        self._reading = database.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @contextmanager
    def write(self) -> Iterator[SqlUnitOfWork]:
        """Open a transaction that commits on a clean exit and rolls back on an exception."""
        with naming_troubles(), self._engine.begin() as connection:
            yield SqlUnitOfWork(connection)

    @contextmanager
    def read(self) -> Iterator[SqlUnitOfWork]:
        """Open a read-only snapshot: all that is read in it is of one moment."""
        with naming_troubles(), self._reading.connect() as connection:
            yield SqlUnitOfWork(connection)
