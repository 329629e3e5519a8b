"""Tells the language of a text, or that it cannot be told.

The model is py3langid's (naive Bayes over byte n-grams, bundled with it). A long text is cut into
pieces that vote, so that the confidence is the share of the document that is in its language: a
model's own probability of a long text is always 1, however mixed it is.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from py3langid.langid import (  # type: ignore[import-untyped]  # published without types
    MODEL_FILE,
    LanguageIdentifier,
)

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.outcome import StepFailure

LEAST_CONFIDENCE = 0.5
LEAST_CONFIDENCE_ALONE = 0.35
_LEAD = 2.0
_CODES = """
af ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id
is it ja ka kk km kn ko la lo lt lv mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru
si sk sl so sq sr sv sw ta te th tl tr uk ur uz vi zh
"""
LANGUAGES = tuple(_CODES.split())
"""What is told apart by default: a dialect that few write in wins too often on short texts."""

_PIECE_CHARACTERS = 300
_MOST_PIECES = 60
_MOST_CHARACTERS = 2_000_000
_CANDIDATES = 3
# What no word of a language holds: it is in addresses, names of files and variables, numbers.
_NO_WORD = re.compile(r"://|@|\d|_|[\\/]|\w\.\w")
_LONGEST_WORD = 60  # of a script with spaces; in one without, a run is many words
_SIGNS = re.compile(r"[^\w\s'\u2019\u00b7-]+")
_OWN_NAMES = {"no": "nb"}


@dataclass(frozen=True, slots=True)
class Detected:
    """The language by BCP 47, and how much of the text speaks for it, from 0 to 1."""

    language: str
    confidence: float


def detect(texts: Iterable[str], languages: Collection[str] = LANGUAGES) -> Detected:
    """Tell the language that most of the texts are in.

    Raises StepFailure LANGUAGE_UNKNOWN, with the candidates in its metadata, if no language of
    `languages` (codes of the model) stands out.
    """
    votes: defaultdict[str, float] = defaultdict(float)
    shares = _shares(_evenly(_pieces(texts)), tuple(sorted(set(languages))))
    for language, share in shares:
        votes[language] += share
    total = sum(votes.values())
    ranked = sorted(votes.items(), key=lambda vote: vote[1], reverse=True)
    confidences = [
        (_OWN_NAMES.get(language, language), share / total) for language, share in ranked
    ]
    if confidences and _is_clear([confidence for _, confidence in confidences]):
        language, confidence = confidences[0]
        return Detected(language, round(confidence, 4))
    candidates = ",".join(f"{name}={share:.2f}" for name, share in confidences[:_CANDIDATES])
    raise StepFailure(FailureReason.LANGUAGE_UNKNOWN, metadata={"candidates": candidates})


def _is_clear(confidences: Sequence[float]) -> bool:
    """Tell whether the first one stands out: by itself, or far before the next."""
    first, second = [*confidences, 0.0][:2]
    return first >= LEAST_CONFIDENCE or (
        first >= LEAST_CONFIDENCE_ALONE and first >= _LEAD * second
    )


def _pieces(texts: Iterable[str]) -> list[str]:
    pieces: list[str] = []
    piece = ""
    left = _MOST_CHARACTERS
    for text in texts:
        words = _words(text[:left])
        left -= len(text)
        if any(map(str.isalpha, words)):
            piece += " " + words
        while len(piece) > _PIECE_CHARACTERS:
            pieces.append(piece[:_PIECE_CHARACTERS])
            piece = piece[_PIECE_CHARACTERS:]
        if left <= 0:
            break
    # A short rest has its say only if there is nothing else.
    return [*pieces, piece] if piece.strip() and not pieces else pieces


def _words(text: str) -> str:
    words = (w for w in text.split() if len(w) > _LONGEST_WORD or not _NO_WORD.search(w))
    return " ".join(_SIGNS.sub(" ", " ".join(words)).split())


def _evenly(pieces: Sequence[str]) -> Sequence[str]:
    """Choose pieces from all over the document: it may begin with a licence in English."""
    if len(pieces) <= _MOST_PIECES:
        return pieces
    return [pieces[i * len(pieces) // _MOST_PIECES] for i in range(_MOST_PIECES)]


def _shares(pieces: Sequence[str], languages: tuple[str, ...]) -> Iterable[tuple[str, float]]:
    if not pieces:
        return
    identifier = _identifier(languages)
    for piece in pieces:
        for language, share in identifier.rank(piece):
            yield str(language), float(share)


@cache
def _identifier(languages: tuple[str, ...]) -> LanguageIdentifier:
    """Load the model; it stays for the process's life, some 100 MB of it."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(languages))
    return identifier
