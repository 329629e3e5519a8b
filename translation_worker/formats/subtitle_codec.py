"""Reading and writing subtitles of any format: cues to segments, and translations into cues.

A format says where the cues are and what their markup is; the rest is the same for all. Only the
words of cues are replaced, in the text of the file itself: times, positions, styles, notes and
whatever else there is stay byte for byte, and no cue is ever merged, split or moved.
"""

import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment, is_well_formed, tags_of
from translation_worker.formats.codec import CodecOptions, DocumentError, Written
from translation_worker.formats.subtitle_layout import ShownCue, breaks, layout_report
from translation_worker.formats.subtitle_markup import MarkedText, Token, TokenKind, marked_text
from translation_worker.formats.subtitle_sentences import PlacedUtterance, Sentence, sentences
from translation_worker.formats.subtitle_sharing import share
from translation_worker.formats.subtitle_utterances import Utterance, utterances
from translation_worker.formats.text_encoding import EncodedText, decode, read_bytes

_CUES_BETWEEN_STOPS = 1000


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue: the offsets of its payload in the text of the file, and its time.

    Sentences run on between cues of the same `voice` only. What is not `translatable` - drawings,
    effects - is only counted.
    """

    start: int
    end: int
    starts_at_ms: int
    ends_at_ms: int
    voice: str = ""
    translatable: bool = True


class SubtitleFormat(Protocol):
    """Knows where the cues of a format are, and their markup."""

    wraps_itself: bool
    """Whether players break long lines, so that only the lines of the source are kept."""

    def cues(self, text: str) -> Iterator[Cue]:
        """Yield the cues in their order. Raises DocumentError DOCUMENT_DAMAGED."""

    def tokens(self, payload: str) -> list[Token]:
        """Cut a payload into tokens; joined, their raw texts are the payload."""

    def words_of(self, raw: str) -> str:
        """Return the words that a raw text stands for."""

    def raw_of(self, words: str) -> str:
        """Return words so that nothing in them is taken for markup."""

    def line_break(self, text: str) -> str:
        """Return what ends a line within a cue of this file."""


class SubtitleDocument:
    """A subtitle file, understood: its text, cues, and what there is to translate."""

    def __init__(self, form: SubtitleFormat, path: Path, options: CodecOptions) -> None:
        """Read a file. Raises DocumentError."""
        self.form = form
        self.encoded: EncodedText = decode(read_bytes(path, options.limits))
        self.text = self.encoded.text
        self.cues = self._read_cues(options)
        self._utterances: dict[tuple[int, int], tuple[str, Utterance]] = {}
        self.sentences: tuple[Sentence, ...] = tuple(sentences(self._place(options)))
        characters = sum(
            len(each.utterance.text) for sentence in self.sentences for each in sentence.utterances
        )
        if characters > options.limits.max_characters:
            raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE)

    def payload(self, cue: Cue) -> str:
        """Return the payload of a cue as it is in the file."""
        return self.text[cue.start : cue.end]

    def utterances_of(self, cue: int) -> list[tuple[str, Utterance]]:
        """Return the utterances of a cue, each with the end of line before it."""
        found: list[tuple[str, Utterance]] = []
        while (each := self._utterances.get((cue, len(found)))) is not None:
            found.append(each)
        return found

    def _read_cues(self, options: CodecOptions) -> list[Cue]:
        cues: list[Cue] = []
        for cue in self.form.cues(self.text):
            cues.append(cue)
            if len(cues) > options.limits.max_segments:
                raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE)
            if len(cues) % _CUES_BETWEEN_STOPS == 0:
                options.stop()
        return cues

    def _place(self, options: CodecOptions) -> list[PlacedUtterance]:
        placed: list[PlacedUtterance] = []
        for number, cue in enumerate(self.cues):
            if number % _CUES_BETWEEN_STOPS == 0:
                options.stop()
            if not cue.translatable:
                continue
            found = utterances(self.form.tokens(self.payload(cue)), self.form.words_of)
            for index, each in enumerate(found):
                self._utterances[number, index] = each
                placed.append(
                    PlacedUtterance(
                        cue=number,
                        index=index,
                        is_last=index == len(found) - 1,
                        starts_at_ms=cue.starts_at_ms,
                        ends_at_ms=cue.ends_at_ms,
                        voice=cue.voice,
                        utterance=each[1],
                    )
                )
        return placed


def read_subtitles(form: SubtitleFormat, path: Path, options: CodecOptions) -> list[Segment]:
    """Return the segments of a subtitle file. Raises DocumentError."""
    return [sentence.segment for sentence in SubtitleDocument(form, path, options).sentences]


def write_subtitles(
    form: SubtitleFormat,
    path: Path,
    translations: Mapping[str, Content],
    target: Path,
    options: CodecOptions,
) -> Written:
    """Write a subtitle file with the words of its cues replaced. Raises DocumentError."""
    document = SubtitleDocument(form, path, options)
    notes: Counter[str] = Counter()
    replaced: dict[tuple[int, int], str] = {}
    line_break = form.line_break(document.text)
    for number, sentence in enumerate(document.sentences):
        if number % _CUES_BETWEEN_STOPS == 0:
            options.stop()
        content = translations.get(sentence.segment.segment_id)
        if content is None or content == sentence.segment.content:
            continue
        if not _has_the_same_tags(sentence, content):
            notes["tags_lost"] += 1
            continue
        weights = [max(len(each.utterance.text), 1) for each in sentence.utterances]
        parts = share(_on_one_line(marked_text(content)), weights)
        for each, part in zip(sentence.utterances, parts, strict=True):
            replaced[each.cue, each.index] = _rendered(
                form, sentence, each.utterance, part, line_break
            )
    pieces: list[str] = []
    shown: list[ShownCue] = []
    position = 0
    for number, cue in enumerate(document.cues):
        if number % _CUES_BETWEEN_STOPS == 0:
            options.stop()
        payload = document.payload(cue)
        if cue.translatable:
            payload = "".join(
                before + replaced.get((number, index), utterance.raw)
                for index, (before, utterance) in enumerate(document.utterances_of(number))
            )
            shown.append(_shown(form, number, cue, payload, document.payload(cue)))
        pieces += [document.text[position : cue.start], payload]
        position = cue.end
    data, kept_encoding = document.encoded.encode("".join([*pieces, document.text[position:]]))
    if not kept_encoding:
        notes["encoding_changed"] += 1
    target.write_bytes(data)
    return Written(layout=layout_report(shown), notes=dict(notes))


def _has_the_same_tags(sentence: Sentence, content: Content) -> bool:
    return Counter(tags_of(content)) == Counter(sentence.raws.keys()) and is_well_formed(content)


def _on_one_line(text: MarkedText) -> MarkedText:
    """Make a space of every character that would end a line or the text."""
    words = "".join(" " if each in "\0\r\n\t\v\f\x85\u2028\u2029" else each for each in text.text)
    return MarkedText(words, text.marks)


def _rendered(
    form: SubtitleFormat,
    sentence: Sentence,
    utterance: Utterance,
    part: MarkedText,
    line_break: str,
) -> str:
    """Return the payload of an utterance with other words."""
    # Stable, so tags at one offset stay in their order, and no pair is crossed.
    marks = sorted(
        [(offset, sentence.raws[tag]) for offset, tag in part.marks]
        + _timed_inserts(part.text, utterance.timed),
        key=lambda mark: mark[0],
    )
    ends = breaks(part.text, utterance.line_count, wraps_itself=form.wraps_itself)
    coming = 0
    pieces: list[str] = [utterance.lead]
    position = 0
    for offset, raw in [*marks, (len(part.text), "")]:
        while coming < len(ends) and ends[coming][1] <= offset:
            end, start = ends[coming]
            coming += 1
            if position <= end:
                pieces += [form.raw_of(part.text[position:end]), line_break]
                position = start
        if offset > position:
            pieces.append(form.raw_of(part.text[position:offset]))
            position = offset
        pieces.append(raw)
    return "".join([*pieces, utterance.tail])


def _timed_inserts(text: str, timed: Sequence[tuple[float, str]]) -> list[tuple[int, str]]:
    """Return timed tokens at the beginnings of the words nearest to their share of the line."""
    starts = [0, *(index + 1 for index, each in enumerate(text) if each == " "), len(text)]
    inserts: list[tuple[int, str]] = []
    for share_before, raw in timed:
        after = bisect.bisect_left(starts, share_before * len(text), 1, len(starts) - 1)
        before, at = starts[after - 1], starts[after]
        is_nearer = share_before * len(text) - before <= at - share_before * len(text)
        inserts.append((before if is_nearer else at, raw))
    return inserts


def _shown(
    form: SubtitleFormat, number: int, cue: Cue, payload: str, source_payload: str
) -> ShownCue:
    lines = _lines(form, payload)
    return ShownCue(
        number=number + 1,
        lines=lines,
        source_lines=lines if payload == source_payload else _lines(form, source_payload),
        duration_ms=cue.ends_at_ms - cue.starts_at_ms,
    )


def _lines(form: SubtitleFormat, payload: str) -> list[str]:
    """Return the lines that a viewer sees."""
    pieces: list[list[str]] = [[]]
    for token in form.tokens(payload):
        if token.kind is TokenKind.BREAK:
            pieces.append([])
        elif token.kind is TokenKind.TEXT:
            pieces[-1].append(form.words_of(token.raw))
    lines = ["".join(line).strip() for line in pieces]
    return [line for line in lines if line]
