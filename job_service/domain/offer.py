"""All workers' announcements taken together, and whether they cover a spec.

A kind of work that nobody has announced is not judged: the workers may only
be starting, and a step that finds no worker waits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from job_service.domain.catalog import Engine, LanguagePair, Preset, WorkerAnnouncement
from job_service.domain.errors import InvalidRequest, Violation
from job_service.domain.spec import JobSpec, TranslateText

_LONGEST_LIST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be asked for, by name."""

    step_kinds: frozenset[str] = frozenset()
    engines: dict[str, Engine] = field(default_factory=dict)
    pairs: dict[tuple[str, str], LanguagePair] = field(default_factory=dict)
    presets: dict[str, Preset] = field(default_factory=dict)


def merge(announcements: Iterable[WorkerAnnouncement]) -> Offer:
    """Join announcements, newest first: of two that differ the newer counts.

    Of several routes for one pair the one with the fewest hops is kept.
    """
    kinds: set[str] = set()
    offer = Offer()
    for said in announcements:
        kinds.update(said.step_kinds)
        for engine in said.engines:
            offer.engines.setdefault(engine.name, engine)
        for preset in said.presets:
            offer.presets.setdefault(preset.name, preset)
        for pair in said.pairs:
            key = _pair_key(pair.source_language, pair.target_language)
            known = offer.pairs.get(key)
            if known is None or len(pair.hops) < len(known.hops):
                offer.pairs[key] = pair
    return Offer(frozenset(kinds), offer.engines, offer.pairs, offer.presets)


def check_offered(spec: JobSpec, offer: Offer, path: str = "") -> None:
    """Make sure that the workers can do it. Raises InvalidRequest.

    `path` is put before the field names, such as "requests[3].".
    """
    if spec.kind not in offer.step_kinds:
        return
    if isinstance(spec, TranslateText):
        _check_engine(spec, offer, f"{path}spec.translate_text.")
        _check_pairs(spec, offer, f"{path}spec.translate_text.")
    elif spec.preset not in offer.presets:
        raise InvalidRequest(
            Violation(
                f"{path}spec.transcode.preset", "no worker has this preset", "UNSUPPORTED_PRESET"
            ),
            reason="UNSUPPORTED_PRESET",
            presets=_listed(offer.presets),
        )


def _check_engine(spec: TranslateText, offer: Offer, path: str) -> None:
    if spec.engine and spec.engine not in offer.engines:
        raise InvalidRequest(
            Violation(f"{path}engine", "no worker has this engine", "UNSUPPORTED_ENGINE"),
            reason="UNSUPPORTED_ENGINE",
            engines=_listed(offer.engines),
        )


def _check_pairs(spec: TranslateText, offer: Offer, path: str) -> None:
    violations = [
        Violation(
            f"{path}target_languages[{index}]",
            f"no engine translates {spec.source_language} to {language}",
            "UNSUPPORTED_LANGUAGE_PAIR",
        )
        for index, language in enumerate(spec.target_languages)
        if not _covers(offer, spec.source_language, language)
    ]
    if violations:
        raise InvalidRequest(
            *violations,
            reason="UNSUPPORTED_LANGUAGE_PAIR",
            pairs=_listed(
                f"{pair.source_language}>{pair.target_language}" for pair in offer.pairs.values()
            ),
        )


def _covers(offer: Offer, source: str, target: str) -> bool:
    """Look a pair up as RFC 4647, section 3.4, does: "pt-BR" falls back to "pt"."""
    return any(
        _pair_key(some_source, some_target) in offer.pairs
        for some_source in _truncations(source)
        for some_target in _truncations(target)
    )


def _truncations(tag: str) -> Iterable[str]:
    subtags = tag.split("-")
    for length in range(len(subtags), 0, -1):
        yield "-".join(subtags[:length])


def _pair_key(source: str, target: str) -> tuple[str, str]:
    # BCP 47 tags are compared without regard to case (RFC 5646, section 2.1.1).
    return source.casefold(), target.casefold()


def _listed(names: Iterable[str]) -> str:
    """Join names for error metadata, leaving off what makes it too long."""
    text = ", ".join(sorted(names))
    if len(text) <= _LONGEST_LIST_CHARACTERS:
        return text
    return text[:_LONGEST_LIST_CHARACTERS].rpartition(", ")[0] + ", …"
