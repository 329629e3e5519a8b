"""Gives a text a tone by the rules of its language."""

from collections.abc import Mapping
from dataclasses import dataclass

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.outcome import StepFailure
from translation_worker.tone import catalan_galician, english, french, portuguese, spanish
from translation_worker.tone.rules import Manner, apply

FORMAL, INFORMAL, NEUTRAL = "formal", "informal", "neutral"

_MANNERS: Mapping[tuple[str, str], Manner] = {
    ("en", FORMAL): english.FORMAL,
    ("en", INFORMAL): english.INFORMAL,
    ("en", NEUTRAL): english.NEUTRAL,
    ("pt", FORMAL): portuguese.FORMAL,
    ("pt", INFORMAL): portuguese.INFORMAL,
    ("pt", NEUTRAL): portuguese.NEUTRAL,
    ("es", FORMAL): spanish.FORMAL,
    ("es", INFORMAL): spanish.INFORMAL,
    ("fr", FORMAL): french.FORMAL,
    ("ca", FORMAL): catalan_galician.CATALAN_FORMAL,
    ("gl", FORMAL): catalan_galician.GALICIAN_FORMAL,
}
# Higher when the rules change: what was adapted by other rules is not the same.
RULES_VERSION = 1


@dataclass(frozen=True, slots=True)
class Adapted:
    """The text in its tone, and how many places were changed for it."""

    text: str
    changes: int


def is_supported(language: str, tone: str) -> bool:
    """Tell whether there are rules for a language by BCP 47 and a tone's word."""
    return (_primary(language), tone) in _MANNERS


def adapt(text: str, language: str, tone: str) -> Adapted:
    """Return a text of words alone (no tags, no placeholders) in a tone.

    `tone` is "formal", "informal" or "neutral". Raises StepFailure UNSUPPORTED_TONE, with the
    tones that there are rules for.
    """
    manner = _MANNERS.get((_primary(language), tone))
    if manner is None:
        tones = sorted(known for of, known in _MANNERS if of == _primary(language))
        raise StepFailure(
            FailureReason.UNSUPPORTED_TONE,
            metadata={"language": language, "tone": tone, "supported_tones": ",".join(tones)},
        )
    return Adapted(*apply(manner, text))


def _primary(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()
