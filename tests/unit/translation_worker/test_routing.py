"""Routes go where quality is best, within three hops and the engine asked for."""

import pytest

from translation_worker.engines.engine import LanguagePair
from translation_worker.routing import MAX_HOPS, Routes


def pairs(*codes: str) -> frozenset[LanguagePair]:
    return frozenset(LanguagePair(*code.split("-")) for code in codes)


BOTH = Routes({
    "bergamot": pairs("en-pt", "pt-en"),
    "apertium": pairs("en-es", "es-en", "pt-es", "es-pt", "es-fr", "fr-es", "en-ca", "pt-ca"),
})  # fmt: skip


@pytest.mark.parametrize(
    ("source", "target", "engine", "expected"),
    [
        ("en", "pt", "", "en -bergamot-> pt"),
        ("en", "es", "", "en -bergamot-> pt -apertium-> es"),
        ("en", "ca", "", "en -bergamot-> pt -apertium-> ca"),
        ("en", "fr", "", "en -bergamot-> pt -apertium-> es -apertium-> fr"),
        ("es", "en", "", "es -apertium-> pt -bergamot-> en"),
        ("es", "fr", "", "es -apertium-> fr"),
        ("en", "es", "apertium", "en -apertium-> es"),
        ("en", "pt", "apertium", "en -apertium-> es -apertium-> pt"),
        ("en-US", "pt-BR", "", "en -bergamot-> pt"),
        ("EN", "Pt", "", "en -bergamot-> pt"),
    ],
)
def test_the_best_route_is_taken_when_there_are_several(
    source: str, target: str, engine: str, expected: str
) -> None:
    assert str(BOTH.find(source, target, engine)) == expected


@pytest.mark.parametrize(
    ("source", "target", "engine"),
    [
        ("en", "xx", ""),
        ("en", "en", ""),
        ("", "pt", ""),
        ("en", "es", "bergamot"),
        ("en", "pt", "none"),
    ],
)
def test_there_is_no_route_when_the_languages_are_not_joined(
    source: str, target: str, engine: str
) -> None:
    assert BOTH.find(source, target, engine) is None


def test_direct_apertium_is_taken_when_it_is_alone() -> None:
    alone = Routes({"apertium": pairs("en-es")})
    assert str(alone.find("en", "es")) == "en -apertium-> es"


def test_no_route_is_longer_than_the_limit_or_visits_a_language_twice() -> None:
    chain = Routes({"apertium": pairs("aa-bb", "bb-cc", "cc-dd", "dd-ee", "bb-aa")})
    routes = chain.all()
    assert LanguagePair("aa", "dd") in routes
    assert LanguagePair("aa", "ee") not in routes
    for route in routes.values():
        stops = [route.hops[0].pair.source, *(hop.pair.target for hop in route.hops)]
        assert len(route.hops) <= MAX_HOPS
        assert len(set(stops)) == len(stops)


def test_there_are_no_pairs_when_there_are_no_engines() -> None:
    assert Routes({}).all() == {}
