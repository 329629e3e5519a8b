"""What can be asked for now, from what the workers announce."""

import time
from datetime import timedelta

from job_service.application.ports import UnitOfWork, UnitOfWorkFactory
from job_service.domain.catalog import Engine, Format, LanguagePair, Preset, WorkerAnnouncement
from job_service.domain.errors import InvalidRequest
from job_service.domain.offer import Offer, check_offered, merge
from job_service.domain.spec import JobSpec

ANNOUNCEMENT_TTL = timedelta(minutes=5)


class Catalog:
    """Keeps announcements for 5 minutes; what has expired is gone."""

    def __init__(self, *, units: UnitOfWorkFactory) -> None:
        self._units = units

    def announce(self, announcement: WorkerAnnouncement) -> None:
        """Record what a worker can do, instead of what it said before."""
        with self._units.write() as uow:
            uow.workers.announce(announcement, ANNOUNCEMENT_TTL)

    def engines(self) -> list[Engine]:
        """Return the engines by name."""
        offered = self._offer().engines
        return [offered[name] for name in sorted(offered)]

    def pairs(self, source_language: str = "") -> list[LanguagePair]:
        """Return the pairs by source, then target; of several routes the shortest."""
        offered = self._offer().pairs
        wanted = source_language.casefold()
        return [offered[key] for key in sorted(offered) if wanted in {"", key[0]}]

    def formats(self) -> list[Format]:
        """Return the formats by name."""
        offered = self._offer().formats
        return [offered[name] for name in sorted(offered)]

    def presets(self) -> list[Preset]:
        """Return the presets by name."""
        offered = self._offer().presets
        return [offered[name] for name in sorted(offered)]

    def _offer(self) -> Offer:
        with self._units.read() as uow:
            return merge(uow.workers.live())


class OfferCache:
    """Checks specs against announcements without reading these for each job.

    It only ever hastens a yes: before a no, and while nothing is announced,
    the announcements are read anew.
    """

    MAX_AGE_SECONDS = 2.0

    def __init__(self) -> None:
        self._read: tuple[float, Offer] | None = None

    def check(self, uow: UnitOfWork, spec: JobSpec, path: str) -> Offer:
        """Make sure that the workers can do it; return what they offer. Raises InvalidRequest."""
        read = self._read
        if read is not None and time.monotonic() - read[0] < self.MAX_AGE_SECONDS:
            try:
                check_offered(spec, read[1], path)
            except InvalidRequest:
                pass  # It may have been announced since.
            else:
                if read[1].judges(spec):
                    return read[1]
        offer = merge(uow.workers.live())
        self._read = (time.monotonic(), offer)
        check_offered(spec, offer, path)
        return offer

    def current(self, uow: UnitOfWork) -> Offer:
        """Return what the workers offer, without judging anything."""
        read = self._read
        if read is None or time.monotonic() - read[0] >= self.MAX_AGE_SECONDS:
            read = self._read = (time.monotonic(), merge(uow.workers.live()))
        return read[1]
