"""Sentences of subtitles: utterances of neighbouring cues, joined where a sentence runs on.

Engines translate a sentence far better than its halves, so a sentence that several cues share is
one segment, without a mark where one cue ends: such a mark in the middle of a sentence changes
how it is translated, and where languages differ in word order it has no place. The translation is
shared out among the same cues by the length of their words.
"""

# ruff: noqa: RUF001 - stops of other scripts are looked for

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from translation_worker.document import Content, Segment, Tag, content_of
from translation_worker.formats.subtitle_layout import MAX_LINE_WIDTH, MAX_LINES
from translation_worker.formats.subtitle_markup import content_with_numbers
from translation_worker.formats.subtitle_utterances import WITHOUT_SPACES, Utterance
from translation_worker.formats.text_slots import has_words

_ENDS = re.compile(r"[.!?:;…。？！؟۔।♪♫\])][\"'”’»)\]*]*\s*\Z")
_OPEN_END = re.compile(r"(?:[,，、—–-]|\.\.\.|…)[\"'”’»]*\s*\Z")
_RUNS_ON = re.compile(r"\s*(?:\.\.\.|…)?\s*[^\W\d_]")
_MAX_JOINED = 6
_MAX_JOINED_CHARACTERS = 600
# A pause longer than this ends a sentence, whatever its stops say.
_MAX_PAUSE_MS = 2000


@dataclass(frozen=True, slots=True)
class PlacedUtterance:
    """An utterance and where it stands: the cue's index, and its own among the cue's.

    Only utterances of the same `voice` are joined: a style, an actor.
    """

    cue: int
    index: int
    is_last: bool
    starts_at_ms: int
    ends_at_ms: int
    voice: str
    utterance: Utterance


@dataclass(frozen=True, slots=True)
class Sentence:
    """A segment and the utterances that it is shared by; `raws` is what stands for its tags."""

    segment: Segment
    utterances: tuple[PlacedUtterance, ...]
    raws: dict[Tag, str]


def sentences(placed: Sequence[PlacedUtterance]) -> Iterator[Sentence]:
    """Yield what there is to translate, in the order of the cues."""
    is_punctuated = _is_punctuated(placed)
    joined: list[PlacedUtterance] = []
    for each in placed:
        if not has_words(each.utterance.text):
            if joined:
                yield _sentence(joined)
            joined = []
            continue
        if joined and not _runs_on(joined, each, is_punctuated=is_punctuated):
            yield _sentence(joined)
            joined = []
        joined.append(each)
    if joined:
        yield _sentence(joined)


def _is_punctuated(placed: Sequence[PlacedUtterance]) -> bool:
    """Tell whether a missing stop means something in these subtitles."""
    texts = [each.utterance.text for each in placed if has_words(each.utterance.text)]
    return sum(_ENDS.search(text) is not None for text in texts) * 3 >= len(texts)


def _runs_on(
    joined: Sequence[PlacedUtterance], following: PlacedUtterance, *, is_punctuated: bool
) -> bool:
    last = joined[-1]
    before, after = last.utterance.text, following.utterance.text
    if (
        following.index != 0
        or not last.is_last
        or following.cue != last.cue + 1
        or following.voice != last.voice
        or following.utterance.has_speaker
        or following.utterance.is_sound
        or last.utterance.is_sound
        or len(joined) >= _MAX_JOINED
        or sum(len(each.utterance.text) for each in joined) + len(after) > _MAX_JOINED_CHARACTERS
    ):
        return False
    pause_ms = following.starts_at_ms - last.ends_at_ms
    if not -_MAX_PAUSE_MS <= pause_ms <= _MAX_PAUSE_MS:
        return False
    first = _RUNS_ON.match(after)
    is_small = first is not None and first[0][-1].islower()
    if _OPEN_END.search(before):
        return is_small or before.rstrip()[-1:] in {",", "，", "、"}
    if _ENDS.search(before):
        return False
    return is_small or is_punctuated


def _sentence(joined: Sequence[PlacedUtterance]) -> Sentence:
    parts: list[str | Tag] = []
    raws: dict[Tag, str] = {}
    number = 1
    for each in joined:
        content = content_with_numbers(each.utterance.parts, number)
        if parts:
            parts.append(_space(parts, content))
        parts += content
        for tag, raw in each.utterance.raws.items():
            raws[Tag(tag.number + number - 1, tag.kind)] = raw
        number += max((tag.number for tag in each.utterance.raws), default=0)
    first = joined[0]
    segment = Segment(
        segment_id=f"c{first.cue + 1}" + (f".{first.index + 1}" if first.index else ""),
        content=content_of(parts),
        context="subtitle",
        max_characters=MAX_LINES * MAX_LINE_WIDTH * len(joined),
    )
    return Sentence(segment, tuple(joined), raws)


def _space(before: Sequence[str | Tag], after: Content) -> str:
    last = next((part[-1] for part in reversed(before) if isinstance(part, str) and part), "")
    first = next((part[0] for part in after if isinstance(part, str)), "")
    return "" if WITHOUT_SPACES.match(last) and WITHOUT_SPACES.match(first) else " "
