"""Brings a database's schema up to this version of the service.

Forward only. Several services may start at once: the first one migrates, the
others wait for it. The migration scripts lie in this package.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from job_service.storage.engine import (
    CONNECT_TIMEOUT_SECONDS,
    driver_url,
    naming_troubles,
)

_SCRIPTS = Path(__file__).with_name("migrations")
# Any number will do, so long as nobody else locks the same one.
_ADVISORY_LOCK = 0x6261_6265_6C
_LOCK_TIMEOUT_SECONDS = 10


def migrate(url: str) -> None:
    """Migrate to the newest revision, in one transaction.

    Raises StorageUnavailable.
    """
    engine = create_engine(
        driver_url(url),
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS},
    )
    config = Config()
    # Alembic reads this as an ini value, in which a percent sign is special.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with naming_troubles(), engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_SECONDS}s'"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
