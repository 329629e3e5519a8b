"""Qualities come from a table; what was not measured is estimated."""

import json

import pytest

from translation_worker.engines.engine import LanguagePair
from translation_worker.route_quality import (
    MalformedQualityError,
    RouteQuality,
    measured_quality,
    parse_quality,
)
from translation_worker.routing import Routes

EN_PT, PT_ES, EN_ES = LanguagePair("en", "pt"), LanguagePair("pt", "es"), LanguagePair("en", "es")


def test_the_tables_figure_counts_when_a_hop_was_measured() -> None:
    row = {"engine": "a", "source": "en", "target": "pt", "quality": 0.4, "sentences": 250}
    quality = parse_quality(json.dumps({"written": "today", "measured": [row]}))
    assert quality.of("a", EN_PT) == 0.4


def test_relatives_keep_more_when_nothing_was_measured() -> None:
    assert RouteQuality({}).of("a", PT_ES) > RouteQuality({}).of("a", EN_PT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"measured": [{}]}',
        '{"measured": [{"engine": "a", "source": "en", "target": "pt", "quality": 0}]}',
        '{"measured": [{"engine": "a", "source": "en", "target": "pt", "quality": 1.5}]}',
        '{"measured": [{"engine": "a", "source": "en", "target": "pt", "quality": "good"}]}',
    ],
)
def test_a_table_is_refused_when_it_is_malformed(text: str) -> None:
    with pytest.raises(MalformedQualityError):
        parse_quality(text)


def test_the_products_table_is_well_formed() -> None:
    assert measured_quality().of("bergamot", EN_PT) > 0


@pytest.mark.parametrize(("direct", "hops"), [(0.5, 1), (0.2, 2)])
def test_the_measured_way_is_taken_when_there_are_two(direct: float, hops: int) -> None:
    quality = RouteQuality({("a", EN_PT): 0.6, ("b", PT_ES): 0.6, ("b", EN_ES): direct})
    routes = Routes({"a": {EN_PT}, "b": {PT_ES, EN_ES}}, quality=quality)
    route = routes.find("en", "es")
    assert route is not None
    assert len(route.hops) == hops


def test_no_route_goes_through_an_engine_that_stands_alone() -> None:
    routes = Routes({"a": {EN_PT}, "b": {PT_ES}}, alone=["b"])
    assert routes.find("en", "es") is None
    assert str(routes.find("pt", "es")) == "pt -b-> es"


def test_any_pair_is_translated_when_the_engine_is_named() -> None:
    routes = Routes({"chat": set()}, any_pair=["chat"])
    assert str(routes.find("en", "zh-Hant", "chat")) == "en -chat-> zh-hant"
    assert routes.find("en", "en-GB", "chat") is not None
    assert routes.find("en", "EN", "chat") is None
    assert routes.all() == {}
