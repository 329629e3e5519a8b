"""Settings of fetching and of confinement, from the environment."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from babelmill.kit.worker.settings import WorkerSettings

_MIB = 1024 * 1024


class SourceSettings(WorkerSettings):
    """What a worker may fetch, and what reading a document may cost; times are in seconds."""

    # Hosts, as `host` or `host:port`, separated by commas, that may be fetched from although they
    # are not public.
    fetch_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    fetch_max_bytes: int = Field(default=32 * _MIB, ge=1024, le=1024 * _MIB)
    fetch_timeout_seconds: float = Field(default=60.0, gt=0, le=600)
    # Limits of the process that reads or writes a document of a format with its own parser.
    confinement_memory_bytes: int = Field(default=1024 * _MIB, ge=128 * _MIB)
    confinement_cpu_seconds: int = Field(default=300, ge=1, le=3600)

    @field_validator("fetch_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip().lower() for host in value.split(",") if host.strip())
        return value
