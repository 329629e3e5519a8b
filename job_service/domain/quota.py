"""What a tenant may use in a day and in a month, by UTC; 0 is no limit."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from job_service.domain.errors import QuotaUsedUp


@dataclass(frozen=True, slots=True)
class Amount:
    """Bytes taken in, and characters translated."""

    bytes: int = 0
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Used:
    """What a tenant has used of this day and of this month."""

    day: Amount = Amount()
    month: Amount = Amount()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """The limits of each tenant."""

    bytes_per_day: int = 0
    bytes_per_month: int = 0
    characters_per_day: int = 0
    characters_per_month: int = 0

    @property
    def are_set(self) -> bool:
        """Tell whether there is any."""
        return any(
            (
                self.bytes_per_day,
                self.bytes_per_month,
                self.characters_per_day,
                self.characters_per_month,
            )
        )

    def check(self, used: Used, asked: Amount, now: datetime) -> None:
        """Let through what still fits, and nothing once a quota is used up.

        Raises QuotaUsedUp, with the time until the quota begins anew.
        """
        day, month = next_day(now), next_month(now)
        # The longest wait first: it tells best when to come back.
        for name, limit, had, wanted, until in (
            ("characters_per_month", self.characters_per_month, used.month.characters,
             asked.characters, month),
            ("bytes_per_month", self.bytes_per_month, used.month.bytes, asked.bytes, month),
            ("characters_per_day", self.characters_per_day, used.day.characters,
             asked.characters, day),
            ("bytes_per_day", self.bytes_per_day, used.day.bytes, asked.bytes, day),
        ):  # fmt: skip
            if limit and (had >= limit or had + wanted > limit):
                raise QuotaUsedUp(
                    until - now, quota=name, limit=str(limit), used=str(had), asked=str(wanted)
                )


def next_day(now: datetime) -> datetime:
    """Return when the day after begins."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=1)


def next_month(now: datetime) -> datetime:
    """Return when the month after begins."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=31)).replace(day=1)
