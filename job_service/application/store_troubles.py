"""How the artifact store's errors are named to callers."""

from collections.abc import Iterator
from contextlib import contextmanager

from babelmill.kit.artifacts.store import ObjectMissing, OffsetConflict, StoreError, StoreFull
from job_service.domain.errors import (
    ArtifactDamaged,
    OffsetMismatch,
    OutOfSpace,
    StorageUnavailable,
)


@contextmanager
def naming_store_troubles() -> Iterator[None]:
    """Turn the store's errors into refusals."""
    try:
        yield
    except OffsetConflict as error:
        raise OffsetMismatch(received_bytes=str(error.size_bytes)) from error
    except ObjectMissing as error:
        raise ArtifactDamaged from error
    except StoreFull as error:
        raise OutOfSpace from error
    except StoreError as error:
        raise StorageUnavailable from error
