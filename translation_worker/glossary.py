"""Glossary: where a text holds a term that is to be translated in one certain way.

Finds terms as whole words, the longest first, and tells whether a translation has kept to them.
It knows nothing of inflection: a term in another form is another term, and not found.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from translation_worker.engines.brief import Term

MAX_GLOSSARY_BYTES = 64 * 1024 * 1024


class DamagedGlossaryError(Exception):
    """The glossary is no list of terms."""


@dataclass(frozen=True, slots=True)
class TermSpot:
    """A term's place in a text, by code point offsets, and what it is to become."""

    start: int
    end: int
    words: str
    term: Term


class Glossary:
    """The terms that hold for one target language."""

    def __init__(self, terms: Iterable[Term]) -> None:
        # The first of several with one source wins, as the client put it first.
        self._exact: dict[str, Term] = {}
        self._folded: dict[str, Term] = {}
        for term in terms:
            source = _spaced(term.source)
            if source and term.case_sensitive:
                self._exact.setdefault(source, term)
            elif source:
                self._folded.setdefault(source.lower(), term)

    def __bool__(self) -> bool:
        return bool(self._exact or self._folded)

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms that can be found."""
        return (*self._exact.values(), *self._folded.values())

    def find(self, text: str) -> list[TermSpot]:
        """Return the terms in a text, in order, without overlaps."""
        if not self:
            return []
        spots: list[TermSpot] = []
        for match in self._pattern.finditer(text):
            found = _spaced(match[0])
            term = self._exact.get(found) or self._folded.get(found.lower())
            if term is not None:
                spots.append(TermSpot(*match.span(), _wanted(match[0], term), term))
        return spots

    def missed(self, source: str, translated: str) -> list[Term]:
        """Return the terms of a source that its translation does not hold often enough."""
        spots = self.find(source)
        folded = _spaced(translated).lower()
        wanted: dict[str, list[Term]] = {}
        for spot in spots:
            wanted.setdefault(_spaced(spot.words).lower(), []).append(spot.term)
        missed: list[Term] = []
        for words, terms in wanted.items():
            missed += terms[_count(words, folded) :]
        return missed

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        sources = sorted({*self._exact, *self._folded}, key=lambda each: (-len(each), each))
        alternatives = "|".join(
            r"\s+".join(re.escape(word) for word in source.split()) for source in sources
        )
        return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)


def read_glossary(data: bytes, target_language: str) -> Glossary:
    """Read the terms of a job that hold for one language: JSON, as the job service keeps it.

    Raises DamagedGlossaryError.
    """
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DamagedGlossaryError from error
    if not isinstance(rows, list):
        raise DamagedGlossaryError
    terms = [_term(row) for row in rows]
    return Glossary(term for language, term in terms if _holds_for(language, target_language))


def _term(row: object) -> tuple[str, Term]:
    if not isinstance(row, dict):
        raise DamagedGlossaryError
    source, target = row.get("source"), row.get("target", "")
    language = row.get("target_language", "")
    case_sensitive = row.get("case_sensitive", False)
    if not isinstance(source, str) or not isinstance(target, str):
        raise DamagedGlossaryError
    if not isinstance(language, str) or not isinstance(case_sensitive, bool):
        raise DamagedGlossaryError
    return language, Term(source, target, case_sensitive)


def _holds_for(language: str, target_language: str) -> bool:
    """Tell whether a term's language is the target, or is the one that the target is a form of."""
    wanted, target = language.lower(), target_language.lower()
    return not wanted or target == wanted or target.startswith(f"{wanted}-")


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _wanted(found: str, term: Term) -> str:
    """Return what a found term is to become: with a capital if it had one that the term has not."""
    if not term.target:
        return found
    if found[:1].isupper() and not term.source[:1].isupper() and term.target[:1].islower():
        return term.target[:1].upper() + term.target[1:]
    return term.target


def _count(words: str, text: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(words)}(?!\w)", text))


def digest_of(glossary: Glossary) -> str:
    """Return a digest of the terms in their order, empty if there are none."""
    rows = [[term.source, term.target, term.case_sensitive] for term in glossary.terms]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest() if rows else ""
