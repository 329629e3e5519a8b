"""What the benchmarks print."""

import pytest

from bench.samples import Spread
from bench.tables import figure, table, with_range


@pytest.mark.parametrize(
    ("value", "text"), [(0.123, "0.12"), (9.87, "9.87"), (45.67, "45.7"), (12345.6, "12,346")]
)
def test_figure_keeps_few_digits_when_written(value: float, text: str) -> None:
    assert figure(value) == text


def test_range_is_shown_when_a_spread_is_written() -> None:
    assert with_range(Spread(1.5, 1.25, 20.0, 5)) == "1.50 (1.25-20.0)"


def test_columns_are_aligned_when_cells_differ_in_length() -> None:
    assert table(["", "c=1"], [["short", "1"], ["longer name", "1,000"]]).splitlines() == [
        "               c=1",
        "short            1",
        "longer name  1,000",
    ]
