"""Text translation: a whole plain text into one language, chunk by chunk.

A chunk is about 2,000 characters of sentences: the unit of progress and of checkpoints. Repeated
sentences are translated once.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from translation_worker.chain import Chain
from translation_worker.engines.engine import StopCheck
from translation_worker.glossary import Glossary
from translation_worker.protection import find_spans
from translation_worker.segmentation import Piece, segment
from translation_worker.sentence_translation import SentenceTranslator, Translated, Way
from translation_worker.translation_report import TranslationReport

CHUNK_CHARACTERS = 2000
# About 10 MB of sentences of average length.
MAX_REMEMBERED_SENTENCES = 20_000

# Makes of a translated sentence what is put into the text.
Finish = Callable[[Translated], str]
# Told how many characters of the source are done.
OnProgress = Callable[[int], None]


class KeptChunks(Protocol):
    """Where finished chunks are kept for another attempt; what it returns is undamaged."""

    def get(self, key: str) -> bytes | None:
        """Return what was kept."""

    def put(self, key: str, data: bytes) -> None:
        """Keep it."""


OpenCheckpoints = Callable[[], KeptChunks]


def translate_text(
    text: str,
    chain: Chain,
    report: TranslationReport,
    *,
    glossary: Glossary | None = None,
    finish: Finish = lambda translated: translated.text,
    stop: StopCheck,
    on_progress: OnProgress,
    checkpoints: OpenCheckpoints | None = None,
) -> str:
    """Translate a text between the languages of its report; what is not language stays as it is.

    `finish` has the last word on each sentence; what it does is done again in another attempt.
    `checkpoints` is called once if the text has several chunks. Raises StepFailure as the chain
    does, and what `stop` raises.
    """
    source_language = report.source_language

    def find_literals(line: str) -> list[tuple[int, int]]:
        stop()
        return [(span.start, span.end) for span in find_spans(line, source_language)]

    put_in = None if chain.keeps_glossary else glossary
    sentences = SentenceTranslator(chain, source_language, report.target_language, stop, put_in)
    remembered: dict[str, Translated] = {}
    translated: list[str] = []
    done_characters = 0
    line = 1
    chunks = _chunks(segment(text, source_language, find_literals, whole=chain.whole_segments))
    for index, (chunk, kept) in enumerate(_with_checkpoints(chunks, checkpoints)):
        wanted = dict.fromkeys(piece.flat for piece in chunk if piece.translatable)
        missing = [sentence for sentence in wanted if sentence not in remembered]
        if len(remembered) + len(missing) > MAX_REMEMBERED_SENTENCES:
            remembered.clear()
            missing = list(wanted)
        # A checkpoint holds what the chunk asks its engines, not what it becomes: with it, all
        # that is remembered here is the same as in a run that was never broken off.
        results = _recall(kept, index, len(missing))
        if results is None:
            results = sentences.translate(missing)
            _keep(kept, index, results)
        remembered.update(zip(missing, results, strict=True))
        for piece in chunk:
            if piece.translatable:
                result = remembered[piece.flat]
                report.count(result.way, result.route, line)
                translated.append(piece.rebuild(finish(result), find_literals))
            else:
                translated.append(piece.text)
            line += piece.text.count("\n")
            done_characters += len(piece.text)
        stop()
        on_progress(done_characters)
    return "".join(translated)


def _with_checkpoints(
    chunks: Iterator[list[Piece]], checkpoints: OpenCheckpoints | None
) -> Iterator[tuple[list[Piece], KeptChunks | None]]:
    """Give each chunk with the place of its checkpoint: none where there is only one chunk."""
    first, second = next(chunks, None), next(chunks, None)
    if first is None:
        return
    kept = None if second is None or checkpoints is None else checkpoints()
    yield first, kept
    if second is not None:
        yield second, kept
    for chunk in chunks:
        yield chunk, kept


def _recall(kept: KeptChunks | None, index: int, count: int) -> list[Translated] | None:
    data = kept.get(_key(index)) if kept is not None and count else None
    if data is None:
        return None
    return [Translated(text, Way(way), *rest) for text, way, *rest in json.loads(data)]


def _keep(kept: KeptChunks | None, index: int, results: Sequence[Translated]) -> None:
    if kept is not None and results:
        rows = [[each.text, each.way, each.route, each.confidence] for each in results]
        kept.put(_key(index), json.dumps(rows, ensure_ascii=False).encode())


def _key(index: int) -> str:
    return f"chunk-{index:06d}"


def _chunks(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    chunk: list[Piece] = []
    size = 0
    for piece in pieces:
        chunk.append(piece)
        size += len(piece.text)
        if size >= CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
