"""What can be asked for now, from what the workers announce."""

from job_service.application.ports import UnitOfWorkFactory
from job_service.domain.catalog import Engine, LanguagePair, Preset, WorkerAnnouncement


class Catalog:
    """Keeps announcements for 5 minutes; what has expired is gone."""

    def __init__(self, *, units: UnitOfWorkFactory) -> None:
        self._units = units

    def announce(self, announcement: WorkerAnnouncement) -> None:
        """Record what a worker can do, instead of what it said before."""
        raise NotImplementedError

    def engines(self) -> list[Engine]:
        """Return the engines by name."""
        raise NotImplementedError

    def pairs(self, source_language: str = "") -> list[LanguagePair]:
        """Return the pairs by source, then target; of several routes the shortest."""
        raise NotImplementedError

    def presets(self) -> list[Preset]:
        """Return the presets by name."""
        raise NotImplementedError
