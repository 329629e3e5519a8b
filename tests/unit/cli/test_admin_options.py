"""Words of `babelmill admin` are read, and wrong ones refused."""

from datetime import UTC, datetime, timedelta

import pytest
import typer
from google.protobuf.timestamp_pb2 import Timestamp

from babelmill.cli.admin_options import day, parse_role, parse_since, parse_span, second


@pytest.mark.parametrize(
    ("word", "span"),
    [
        ("", None),
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("365d", timedelta(days=365)),
    ],
)
def test_span_is_read_when_well_formed(word: str, span: timedelta | None) -> None:
    assert parse_span(word, "--expires-in") == span


@pytest.mark.parametrize("word", ["0d", "d", "1w", "-1d", "1.5h", "999999d", "1d "])
def test_span_is_refused_when_malformed(word: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_span(word, "--expires-in")


def test_since_is_a_time_ago_when_read() -> None:
    since = parse_since("1h")
    assert since is not None
    assert timedelta(minutes=59) < datetime.now(UTC) - since < timedelta(minutes=61)
    assert parse_since("") is None


def test_role_is_refused_when_unknown() -> None:
    assert parse_role("operator") == "operator"
    with pytest.raises(typer.BadParameter):
        parse_role("admin")


def test_times_are_short_when_written() -> None:
    time = Timestamp(seconds=1_700_000_000, nanos=5_000_000)
    assert (day(time), second(time)) == ("2023-11-14", "2023-11-14T22:13:20Z")
    assert (day(Timestamp()), second(Timestamp())) == ("", "")
