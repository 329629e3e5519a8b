"""What still fits into a day and a month."""

from datetime import UTC, datetime, timedelta

import pytest

from job_service.domain.errors import QuotaUsedUp
from job_service.domain.quota import Amount, Quotas, Used, next_month

NOW = datetime(2026, 12, 31, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("quotas", "used", "asked", "named", "hours"),
    [
        (Quotas(bytes_per_day=10), Used(Amount(bytes=8)), Amount(bytes=3), "bytes_per_day", 6),
        (Quotas(bytes_per_day=10), Used(Amount(bytes=10)), Amount(), "bytes_per_day", 6),
        (Quotas(bytes_per_month=10), Used(month=Amount(10)), Amount(), "bytes_per_month", 6),
        (
            Quotas(characters_per_day=10),
            Used(Amount(characters=10)),
            Amount(bytes=1),
            "characters_per_day",
            6,
        ),
        (Quotas(characters_per_day=10), Used(), Amount(characters=11), "characters_per_day", 6),
    ],
)
def test_request_is_refused_when_it_does_not_fit(
    quotas: Quotas, used: Used, asked: Amount, named: str, hours: int
) -> None:
    with pytest.raises(QuotaUsedUp) as refused:
        quotas.check(used, asked, NOW)
    assert refused.value.metadata["quota"] == named
    assert refused.value.retry_after == timedelta(hours=hours)


def test_request_is_let_through_when_it_fits_exactly() -> None:
    Quotas(bytes_per_day=10, characters_per_month=5).check(
        Used(Amount(7, 99), Amount(999, 3)), Amount(3, 2), NOW
    )
    assert not Quotas().are_set
    Quotas().check(Used(Amount(10**12, 10**12)), Amount(10**12, 10**12), NOW)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (datetime(2026, 1, 31, 23, 59, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        (datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_next_month_begins_on_its_first_day(now: datetime, then: datetime) -> None:
    assert next_month(now) == then
