"""Retry-After is a number of seconds or a date; anything else says nothing."""

import datetime
import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation_worker.engines.remote_calls import MAX_RETRY_AFTER_SECONDS, retry_after_seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("17", 17.0),
        (" 2.5 ", 2.5),
        ("999999999", MAX_RETRY_AFTER_SECONDS),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("1e9", None),
    ],
)
def test_seconds_are_read_when_the_value_is_one_of_the_forms(
    value: str, seconds: float | None
) -> None:
    assert retry_after_seconds(value) == seconds


def test_a_date_is_seconds_from_now_when_it_is_to_come() -> None:
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    seconds = retry_after_seconds(email.utils.format_datetime(then, usegmt=True))
    assert seconds is not None
    assert 55 <= seconds <= 60


@given(st.text())
def test_nothing_is_raised_when_the_value_is_anything(value: str) -> None:
    seconds = retry_after_seconds(value)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_SECONDS
