"""Apertium engine: rule-based translation by the programs and data that Debian packages.

One pipe per direction runs until it is closed, has been idle, or others are needed more. A
sentence on which the pipe hangs or dies is tried once more on a fresh pipe and then given up, so
that one bad sentence cannot stop a text.
"""

import shutil
import subprocess
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from translation_worker.engines.apertium_modes import Mode, find_modes
from translation_worker.engines.apertium_pipe import (
    MAX_BYTES_IN_FLIGHT,
    ApertiumPipe,
    PipeBrokenError,
    PipeTimeoutError,
)
from translation_worker.engines.apertium_stream import decode, encode, is_complete
from translation_worker.engines.batching import batches
from translation_worker.engines.brief import NO_BRIEF, Brief
from translation_worker.engines.engine import (
    EngineCapabilities,
    EngineError,
    EngineUnavailableError,
    LanguagePair,
    Scored,
    StopCheck,
)

MAX_SENTENCE_CHARACTERS = 2000
CHARACTERS_PER_SECOND = 40_000
# About 50 ms of work: the longest wait for a stop.
BATCH_CHARACTERS = 2000
# As many as fit into a batch, if they are words.
MAX_BATCH_SENTENCES = 500
# A pipe takes 90 to 160 MB; a route has at most three hops.
MAX_OPEN_PIPES = 3
# A pipe that was not needed for so long is ended.
MAX_IDLE_SECONDS = 120.0
EXCHANGE_TIMEOUT_SECONDS = 15.0
_VERSION_TIMEOUT_SECONDS = 10.0


class ApertiumEngine:
    """The directions that are installed in one modes directory."""

    name = "apertium"
    description = "Rule-based translation by the Apertium programs and data installed here."
    max_sentence_characters = MAX_SENTENCE_CHARACTERS
    capabilities = EngineCapabilities(
        characters_per_second=CHARACTERS_PER_SECOND,
        max_batch_segments=MAX_BATCH_SENTENCES,
        max_batch_characters=BATCH_CHARACTERS,
    )

    def __init__(
        self,
        modes_dir: Path,
        *,
        exchange_timeout_seconds: float = EXCHANGE_TIMEOUT_SECONDS,
        max_idle_seconds: float = MAX_IDLE_SECONDS,
    ) -> None:
        """Read the mode files; raises EngineUnavailableError if none is usable."""
        if shutil.which("apertium") is None:
            raise EngineUnavailableError("The apertium program is not installed.")
        self._modes, self.rejected_modes = find_modes(modes_dir)
        if not self._modes:
            raise EngineUnavailableError("No usable mode file is installed.")
        self._timeout_seconds = exchange_timeout_seconds
        self._max_idle_seconds = max_idle_seconds
        self._pipes: OrderedDict[LanguagePair, ApertiumPipe] = OrderedDict()
        # Held while pipes are used or ended: the idle ones are ended by a thread of their own.
        self._lock = threading.Lock()
        self._idle_timer: threading.Timer | None = None
        # The kernel's death signal follows the thread that starts a process, not the process
        # that owns the thread. This thread lives as long as the engine.
        self._starter: ThreadPoolExecutor | None = None
        self._version = ""

    @property
    def version(self) -> str:
        """Version that the apertium program tells."""
        if not self._version:
            self._version = _installed_version()
        return self._version

    def direct_pairs(self) -> frozenset[LanguagePair]:
        """Return the directions with a usable mode file."""
        return frozenset(self._modes)

    def process_ids(self, pair: LanguagePair) -> tuple[int, ...]:
        """Return the ids of the programs that run now for a direction."""
        pipe = self._pipes.get(pair)
        return () if pipe is None else pipe.process_ids

    def translate(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,
    ) -> list[str | None]:
        """Translate in batches of about BATCH_CHARACTERS, asking `stop` before each."""
        scored = self.translate_scored(sentences, pair, stop, brief)
        return [None if each is None else each.text for each in scored]

    def translate_scored(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,  # noqa: ARG002 - the rules take no wishes
    ) -> list[Scored | None]:
        """Translate; the confidence is the share of words that the data knows."""
        mode = self._modes.get(pair)
        if mode is None:
            raise EngineError(f"The apertium engine has no direct pair {pair}.")
        with self._lock:
            try:
                return self._translate_all(mode, sentences, stop)
            finally:
                self._watch_for_idleness()

    def _translate_all(
        self, mode: Mode, sentences: Sequence[str], stop: StopCheck
    ) -> list[Scored | None]:
        results: list[Scored | None] = []
        for batch in batches(
            sentences,
            max_segments=MAX_BATCH_SENTENCES,
            # Escaping and UTF-8 can make four bytes of a character.
            max_size=min(BATCH_CHARACTERS, MAX_BYTES_IN_FLIGHT // 4),
        ):
            stop()
            results += self._translate_batch(mode, batch, stop)
        return results

    def close(self) -> None:
        """End every pipe and its processes."""
        with self._lock:
            timer, self._idle_timer = self._idle_timer, None
            for pair in list(self._pipes):
                self._discard(pair)
            if self._starter is not None:
                self._starter.shutdown()
                self._starter = None
        if timer is not None:
            timer.cancel()
            timer.join()

    def _translate_batch(
        self, mode: Mode, batch: Sequence[str], stop: StopCheck
    ) -> list[Scored | None]:
        try:
            return list(self._exchange(mode, batch))
        except (PipeBrokenError, PipeTimeoutError):
            # One sentence of the batch is bad, or a program was killed: find out which.
            results: list[Scored | None] = []
            for sentence in batch:
                stop()
                results.append(self._translate_alone(mode, sentence))
            if len(batch) > 1 and all(result is None for result in results):
                raise EngineError("The apertium pipe answers nothing.") from None
            return results

    def _translate_alone(self, mode: Mode, sentence: str) -> Scored | None:
        try:
            return self._exchange(mode, [sentence])[0]
        except (PipeBrokenError, PipeTimeoutError):
            return None

    def _exchange(self, mode: Mode, batch: Sequence[str]) -> list[Scored]:
        pipe = self._pipe(mode)
        try:
            answers = pipe.exchange([encode(text) for text in batch], self._timeout_seconds)
            if not all(map(is_complete, answers)):
                raise PipeBrokenError
        except BaseException:
            # Also when the work is stopped from outside: half an answer may still be on its way.
            self._discard(mode.pair)
            raise
        readings = map(decode, answers)
        return [Scored(reading.text, reading.confidence) for reading in readings]

    def _pipe(self, mode: Mode) -> ApertiumPipe:
        pipe = self._pipes.get(mode.pair)
        if pipe is None:
            self._make_room()
            if self._starter is None:
                self._starter = ThreadPoolExecutor(1, thread_name_prefix="apertium-starter")
            pipe = self._pipes[mode.pair] = self._starter.submit(ApertiumPipe, mode).result()
        self._pipes.move_to_end(mode.pair)
        pipe.last_used = time.monotonic()
        return pipe

    def _make_room(self) -> None:
        """End the longest unused pipes if there are too many."""
        while len(self._pipes) >= MAX_OPEN_PIPES:
            self._discard(next(iter(self._pipes)))

    def _watch_for_idleness(self) -> None:
        """Have the pipes ended when they have been idle for long; the lock is held."""
        if self._idle_timer is not None or not self._pipes:
            return
        oldest = min(pipe.last_used for pipe in self._pipes.values())
        seconds = max(0.0, oldest + self._max_idle_seconds - time.monotonic())
        self._idle_timer = threading.Timer(seconds, self._end_idle_pipes)
        self._idle_timer.name = "apertium-idle"
        self._idle_timer.daemon = True
        self._idle_timer.start()

    def _end_idle_pipes(self) -> None:
        with self._lock:
            if self._idle_timer is not threading.current_thread():
                return
            self._idle_timer = None
            now = time.monotonic()
            for pair, pipe in list(self._pipes.items()):
                if now - pipe.last_used >= self._max_idle_seconds:
                    self._discard(pair)
            self._watch_for_idleness()

    def _discard(self, pair: LanguagePair) -> None:
        pipe = self._pipes.pop(pair, None)
        if pipe is not None:
            pipe.close()


def _installed_version() -> str:
    try:
        answer = subprocess.run(
            ["apertium", "-V"],  # noqa: S607 - the one found on PATH at start
            capture_output=True,
            text=True,
            check=False,
            timeout=_VERSION_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    words = (answer.stdout or answer.stderr).split()
    return words[-1] if words else "unknown"
