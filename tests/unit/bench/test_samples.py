"""The benchmarks' statistics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.samples import (
    Spread,
    completed_within,
    is_noisy,
    order_of_round,
    paired_ratios,
    percentile,
    spread,
)


def test_spread_tells_median_and_range_when_values_are_unordered() -> None:
    assert spread([3.0, 1.0, 10.0, 2.0]) == Spread(median=2.5, low=1.0, high=10.0, count=4)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_spread_refuses_when_values_cannot_be_summed_up(values: list[float]) -> None:
    with pytest.raises(ValueError, match="value"):
        spread(values)


def test_ratios_are_made_round_by_round_when_the_machine_slows_down() -> None:
    # Twice as fast in every round, on a machine that loses nine tenths of its speed.
    assert paired_ratios([200.0, 20.0, 20.0], [100.0, 10.0, 10.0]) == Spread(2.0, 2.0, 2.0, 3)


def test_ratios_differ_from_those_of_medians_when_rounds_disagree() -> None:
    ours, theirs = [10.0, 30.0, 20.0], [10.0, 10.0, 40.0]
    assert paired_ratios(ours, theirs).median == 1.0
    assert spread(ours).median / spread(theirs).median == 2.0


@pytest.mark.parametrize(
    ("ours", "theirs", "message"),
    [([1.0], [1.0, 2.0], "paired"), ([1.0], [0.0], "positive"), ([], [], "no values")],
)
def test_ratios_are_refused_when_rounds_do_not_match(
    ours: list[float], theirs: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        paired_ratios(ours, theirs)


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.51, 3.0), (0.95, 4.0), (1.0, 4.0)]
)
def test_percentile_takes_the_nearest_rank_when_asked(fraction: float, expected: float) -> None:
    assert percentile([4.0, 2.0, 3.0, 1.0], fraction) == expected


@pytest.mark.parametrize(("values", "fraction"), [([], 0.5), ([1.0], -0.1), ([1.0], 1.1)])
def test_percentile_refuses_when_there_is_none(values: list[float], fraction: float) -> None:
    with pytest.raises(ValueError, match=r"rank|fraction"):
        percentile(values, fraction)


@given(
    st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1),
    st.floats(0, 1, allow_nan=False),
)
def test_percentile_covers_its_fraction_when_values_are_any(
    values: list[float], fraction: float
) -> None:
    found = percentile(values, fraction)
    assert found in values
    assert sum(value <= found for value in values) >= fraction * len(values)


@given(st.lists(st.integers(), max_size=8, unique=True), st.integers(0, 50))
def test_order_keeps_everybody_when_rounds_pass(items: list[int], number: int) -> None:
    assert sorted(order_of_round(items, number)) == sorted(items)


def test_order_gives_everybody_each_place_when_all_rotations_have_passed() -> None:
    items = ["a", "b", "c"]
    first = {order_of_round(items, number)[0] for number in range(6)}
    last = {order_of_round(items, number)[-1] for number in range(6)}
    assert first == last == set(items)


def test_order_changes_neighbours_when_a_round_runs_backwards() -> None:
    items = ["a", "b", "c", "d"]
    before_b = {
        order[order.index("b") - 1]
        for number in range(4)
        if (order := order_of_round(items, number)).index("b")
    }
    assert before_b == {"a", "c"}


def test_window_takes_its_start_and_leaves_its_end_when_counting() -> None:
    assert completed_within([0.9, 1.0, 1.5, 2.0, 2.1], 1.0, 2.0) == [1, 2]


@pytest.mark.parametrize(
    ("median", "noisy"), [(1.0, False), (1.19, False), (0.81, False), (1.25, True), (0.7, True)]
)
def test_control_is_noisy_when_it_is_off_by_more_than_a_fifth(median: float, noisy: bool) -> None:
    assert is_noisy(Spread(median, median, median, 5)) is noisy
