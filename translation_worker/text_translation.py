"""Text translation: a whole plain text into one language, chunk by chunk.

A chunk is about 2,000 characters of sentences: the unit of progress. Repeated sentences are
translated once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from translation_worker.engines.engine import Engine, StopCheck
from translation_worker.protection import find_spans
from translation_worker.routing import Route
from translation_worker.segmentation import Piece, segment
from translation_worker.sentence_translation import SentenceTranslator, Translated
from translation_worker.translation_report import TranslationReport

CHUNK_CHARACTERS = 2000
# About 10 MB of sentences of average length.
MAX_REMEMBERED_SENTENCES = 20_000

# Told how many characters of the source are done.
OnProgress = Callable[[int], None]


def translate_text(
    text: str,
    route: Route,
    source_language: str,
    engines: Mapping[str, Engine],
    report: TranslationReport,
    *,
    stop: StopCheck,
    on_progress: OnProgress,
) -> str:
    """Translate a text along a route; what is not language stays as it is.

    Raises EngineError, and what `stop` raises.
    """

    def find_literals(line: str) -> list[tuple[int, int]]:
        stop()
        return [(span.start, span.end) for span in find_spans(line, source_language)]

    sentences = SentenceTranslator(engines, route, source_language, stop)
    remembered: dict[str, Translated] = {}
    translated: list[str] = []
    done_characters = 0
    line = 1
    for chunk in _chunks(segment(text, source_language, find_literals)):
        wanted = dict.fromkeys(piece.flat for piece in chunk if piece.translatable)
        missing = [sentence for sentence in wanted if sentence not in remembered]
        if len(remembered) + len(missing) > MAX_REMEMBERED_SENTENCES:
            remembered.clear()
            missing = list(wanted)
        remembered.update(zip(missing, sentences.translate(missing), strict=True))
        for piece in chunk:
            if piece.translatable:
                result = remembered[piece.flat]
                report.count(result.way, line)
                translated.append(piece.rebuild(result.text, find_literals))
            else:
                translated.append(piece.text)
            line += piece.text.count("\n")
            done_characters += len(piece.text)
        stop()
        on_progress(done_characters)
    return "".join(translated)


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
