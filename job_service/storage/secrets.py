"""Jobs' secrets, as ciphertext. They go with the job's end; see SqlJobRows.save."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import Connection, select

from job_service.storage.tables import JOB_SECRETS


class SqlSecretRows:
    """Ciphertexts as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, job_ids: Collection[UUID]) -> Mapping[UUID, bytes]:
        """Return the ciphertexts of those jobs that have one."""
        found = self._connection.execute(
            select(JOB_SECRETS.c.job_id, JOB_SECRETS.c.ciphertext).where(
                JOB_SECRETS.c.job_id.in_(job_ids)
            )
        )
        return {row.job_id: bytes(row.ciphertext) for row in found}
