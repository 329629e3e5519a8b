"""Tells how a database's schema stands to what this version needs; changes nothing."""

from enum import Enum, auto
from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from job_service.storage.engine import CONNECT_TIMEOUT_SECONDS, driver_url, naming_troubles

_SCRIPTS = Path(__file__).with_name("migrations")


class Standing(Enum):
    """A database beside this version of the code."""

    EMPTY = auto()
    BEHIND = auto()
    CURRENT = auto()
    AHEAD = auto()


def schema_standing(url: str) -> Standing:
    """Compare the database's revision with this version's newest. Raises StorageUnavailable."""
    engine = create_engine(
        driver_url(url),
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS},
    )
    with naming_troubles(), engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        return Standing.EMPTY
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    if revision == scripts.get_current_head():
        return Standing.CURRENT
    try:
        scripts.get_revision(revision)
    except CommandError:
        # Only a newer version can have made a revision that this one does not know.
        return Standing.AHEAD
    return Standing.BEHIND
