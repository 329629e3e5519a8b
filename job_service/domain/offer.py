"""All workers' announcements taken together, and whether they cover a spec.

A kind of work that nobody has announced is not judged: the workers may only
be starting, and a step that finds no worker waits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from job_service.domain import segments
from job_service.domain.catalog import Engine, Format, LanguagePair, Preset, WorkerAnnouncement
from job_service.domain.errors import InvalidRequest, Violation
from job_service.domain.plan_documents import EXTRACT
from job_service.domain.plan_media import SEGMENT_STEPS
from job_service.domain.spec import (
    JobSpec,
    Media,
    Transcode,
    TranslateDocument,
    TranslateText,
    TranslateUrl,
    Translation,
)
from job_service.domain.transcode_options import violations_of

_LONGEST_LIST_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be asked for, by name."""

    step_kinds: frozenset[str] = frozenset()
    engines: dict[str, Engine] = field(default_factory=dict)
    pairs: dict[tuple[str, str], LanguagePair] = field(default_factory=dict)
    presets: dict[str, Preset] = field(default_factory=dict)
    formats: dict[str, Format] = field(default_factory=dict)

    @property
    def translates_text(self) -> bool:
        """Tell whether some worker translates text in one step."""
        return TranslateText.kind in self.step_kinds

    @property
    def extracts(self) -> bool:
        """Tell whether some worker cuts documents into chunks."""
        return EXTRACT in self.step_kinds

    @property
    def presets_in_segments(self) -> frozenset[str]:
        """Name the presets that some worker makes in segments."""
        if not self.step_kinds >= SEGMENT_STEPS:
            return frozenset()
        return frozenset(name for name, each in self.presets.items() if each.takes_segments)

    def judges(self, spec: JobSpec) -> bool:
        """Tell whether workers have said enough to judge such a spec."""
        if isinstance(spec, TranslateText):
            return self.translates_text or self.extracts
        return (spec.kind if isinstance(spec, Media) else EXTRACT) in self.step_kinds


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
        for known_format in said.formats:
            offer.formats.setdefault(known_format.name, known_format)
        for pair in said.pairs:
            key = _pair_key(pair.source_language, pair.target_language)
            known = offer.pairs.get(key)
            if known is None or len(pair.hops) < len(known.hops):
                offer.pairs[key] = pair
    return Offer(frozenset(kinds), offer.engines, offer.pairs, offer.presets, offer.formats)


def check_offered(spec: JobSpec, offer: Offer, path: str = "") -> None:
    """Make sure that the workers can do it. Raises InvalidRequest.

    `path` is put before the field names, such as "requests[3].".
    """
    if not offer.judges(spec):
        return
    if isinstance(spec, Media):
        if isinstance(spec, Transcode):
            _check_preset(spec, offer, f"{path}spec.transcode.")
        return
    here = f"{path}spec.{spec.kind}."
    if isinstance(spec, TranslateDocument | TranslateUrl):
        _check_format(spec.format, offer, here)
    _check_engines(spec, offer, here)
    _check_pairs(spec, offer, here)


def _check_preset(spec: Transcode, offer: Offer, path: str) -> None:
    if spec.preset not in offer.presets:
        raise InvalidRequest(
            Violation(f"{path}preset", "no worker has this preset", "UNSUPPORTED_PRESET"),
            reason="UNSUPPORTED_PRESET",
            presets=_listed(offer.presets),
        )
    taken = offer.presets[spec.preset].options
    violations = violations_of(spec.options, taken, spec.preset, f"{path}options.")
    violations += segments.violations_of(
        spec.segments,
        spec.options,
        f"{path}segments.",
        preset_takes_them=spec.preset in offer.presets_in_segments,
    )
    if violations:
        raise InvalidRequest(*violations)


def _check_format(name: str, offer: Offer, path: str) -> None:
    if name and name not in offer.formats:
        raise InvalidRequest(
            Violation(f"{path}format", "no worker has this format", "UNSUPPORTED_FORMAT"),
            reason="UNSUPPORTED_FORMAT",
            formats=_listed(offer.formats),
        )


def _check_engines(spec: Translation, offer: Offer, path: str) -> None:
    wrong = [
        Violation(where, "no worker has this engine", "UNSUPPORTED_ENGINE")
        for where, name in _named_engines(spec, path)
        if name not in offer.engines
    ]
    if wrong:
        raise InvalidRequest(*wrong, reason="UNSUPPORTED_ENGINE", engines=_listed(offer.engines))
    wrong = [
        Violation(where, "this engine needs a chat_model", "CHAT_MODEL_REQUIRED")
        for where, name in _named_engines(spec, path)
        if offer.engines[name].needs_chat_model and spec.options.chat_model is None
    ]
    if wrong:
        raise InvalidRequest(*wrong)


def _named_engines(spec: Translation, path: str) -> list[tuple[str, str]]:
    """Return the engines that the spec names, in the order in which they are tried."""
    own = spec.engine if isinstance(spec, TranslateText) else ""
    return ([(f"{path}engine", own)] if own else []) + [
        (f"{path}options.engines[{index}]", name) for index, name in enumerate(spec.options.engines)
    ]


def _check_pairs(spec: Translation, offer: Offer, path: str) -> None:
    if not spec.source_language or _takes_any_pair(spec, offer, path):
        return
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


def _takes_any_pair(spec: Translation, offer: Offer, path: str) -> bool:
    """Tell whether one of the engines that may be used takes every pair."""
    named = [name for _, name in _named_engines(spec, path)] or list(offer.engines)
    return any(
        offer.engines[name].any_pair
        and (spec.options.chat_model is not None or not offer.engines[name].needs_chat_model)
        for name in named
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
