"""UUIDv7."""

from datetime import UTC, datetime, timedelta

from job_service.domain.ids import uuid7

# RFC 9562, appendix A.6: 2022-02-22 14:22:22.00 -05:00.
RFC_TIME = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_id_is_that_of_the_rfc_when_made_from_its_example() -> None:
    noise = (0x0CC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert str(uuid7(RFC_TIME, lambda _: noise)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_ids_sort_by_time_and_differ_within_it() -> None:
    early = {uuid7(RFC_TIME) for _ in range(100)}
    late = {uuid7(RFC_TIME + timedelta(milliseconds=1)) for _ in range(100)}
    assert len(early) == len(late) == 100
    assert max(early) < min(late)
    assert {made.version for made in early} == {7}
