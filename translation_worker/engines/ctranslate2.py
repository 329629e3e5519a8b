"""CTranslate2 engine: the operator's own models, each in a directory of its own.

Known are Argos packages, unpacked, and other converted models in a directory named by their pair
("en-de") together with their SentencePiece models. The library is an optional part of the
installation (`models`); without it, or without models, the engine is left out.
"""

import hashlib
import importlib.metadata
import math
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

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
from translation_worker.engines.model_directories import ModelDirectory, find_models
from translation_worker.engines.plausibility import is_plausible

MAX_SENTENCE_CHARACTERS = 300
# About a second of work for one thread: the longest wait for a stop.
MAX_BATCH_SEGMENTS = 16
MAX_BATCH_CHARACTERS = 1000
# A model takes some 100 MB; a route has at most three hops.
MAX_LOADED_MODELS = 3
_BEAM_SIZE = 2
# More than any translation needs; a model that does not find an end is cut off here.
_TOKENS_PER_PIECE = 3
_MORE_TOKENS = 16
_PLAUSIBLE_RATIO = (0.3, 3.0)
_END = "</s>"
_SPACE = "\u2581"


class _Hypotheses(Protocol):
    hypotheses: list[list[str]]
    scores: list[float]


class _Translator(Protocol):
    def translate_batch(
        self,
        source: list[list[str]],
        target_prefix: list[list[str]] | None = None,
        *,
        beam_size: int,
        max_decoding_length: int,
        return_scores: bool,
    ) -> list[_Hypotheses]: ...


class _Model:
    """One loaded model."""

    def __init__(self, directory: ModelDirectory) -> None:
        """Load it, one thread to do its work; raises EngineUnavailableError."""
        try:
            import ctranslate2  # type: ignore[import-untyped]  # published without types
            import sentencepiece

            self._pieces = sentencepiece.SentencePieceProcessor(model_file=str(directory.pieces))
            self._translator: _Translator = ctranslate2.Translator(
                str(directory.model), device="cpu", inter_threads=1, intra_threads=1
            )
        except Exception as error:
            raise EngineUnavailableError("A model does not load.") from error
        self._ends = [_END] if directory.adds_end else []
        self._prefix = [directory.target_prefix] if directory.target_prefix else []

    def translate(self, sentences: Sequence[str]) -> list[Scored | None]:
        """Translate a batch. Raises EngineError."""
        try:
            source = [[*self._pieces.encode_as_pieces(text), *self._ends] for text in sentences]
            answers = self._translator.translate_batch(
                source,
                [self._prefix] * len(source) if self._prefix else None,
                beam_size=_BEAM_SIZE,
                max_decoding_length=_TOKENS_PER_PIECE * max(map(len, source)) + _MORE_TOKENS,
                return_scores=True,
            )
            return [
                self._judged(text, answer) for text, answer in zip(sentences, answers, strict=True)
            ]
        except Exception as error:
            raise EngineError("A model has failed.") from error

    def _judged(self, source: str, answer: _Hypotheses) -> Scored | None:
        pieces = answer.hypotheses[0][len(self._prefix) :]
        text = " ".join("".join(pieces).replace(_SPACE, " ").split())
        if "<unk>" in pieces or not is_plausible(source, text, _PLAUSIBLE_RATIO):
            return None
        return Scored(text, min(1.0, math.exp(min(0.0, answer.scores[0]))))


class CTranslate2Engine:
    """The directions of the models in one directory; each loads at its first use."""

    name = "ctranslate2"
    description = "Neural translation by the operator's own models, offline."
    max_sentence_characters = MAX_SENTENCE_CHARACTERS
    capabilities = EngineCapabilities(
        max_batch_segments=MAX_BATCH_SEGMENTS, max_batch_characters=MAX_BATCH_CHARACTERS
    )

    def __init__(self, models_dir: Path) -> None:
        """Look for models; raises EngineUnavailableError without any, or without the library."""
        try:
            for distribution in ("ctranslate2", "sentencepiece"):
                importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError as error:
            raise EngineUnavailableError("CTranslate2 is not installed.") from error
        self._directories, self.rejected_directories = find_models(models_dir)
        if not self._directories:
            raise EngineUnavailableError("There is no model in the directory of models.")
        self._models: OrderedDict[LanguagePair, _Model] = OrderedDict()

    @property
    def version(self) -> str:
        """Version of the models together: it changes when any of them does."""
        facts = sorted(f"{pair} {each.version}" for pair, each in self._directories.items())
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]

    def direct_pairs(self) -> frozenset[LanguagePair]:
        """Return the directions of the models that were found."""
        return frozenset(self._directories)

    def process_ids(self, pair: LanguagePair) -> tuple[int, ...]:  # noqa: ARG002 - has none
        """Return nothing: the models run inside this process."""
        return ()

    def translate(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,
    ) -> list[str | None]:
        """Translate in batches, asking `stop` before each."""
        scored = self.translate_scored(sentences, pair, stop, brief)
        return [None if each is None else each.text for each in scored]

    def translate_scored(
        self,
        sentences: Sequence[str],
        pair: LanguagePair,
        stop: StopCheck,
        brief: Brief = NO_BRIEF,  # noqa: ARG002 - the models take no wishes
    ) -> list[Scored | None]:
        """Translate; the confidence is the mean probability of the pieces."""
        model = self._model(pair)
        results: list[Scored | None] = []
        for batch in batches(
            sentences, max_segments=MAX_BATCH_SEGMENTS, max_size=MAX_BATCH_CHARACTERS
        ):
            stop()
            results += model.translate(batch)
        return results

    def close(self) -> None:
        """Drop the loaded models."""
        self._models.clear()

    def _model(self, pair: LanguagePair) -> _Model:
        directory = self._directories.get(pair)
        if directory is None:
            raise EngineError(f"The ctranslate2 engine has no direct pair {pair}.")
        model = self._models.get(pair)
        if model is None:
            while len(self._models) >= MAX_LOADED_MODELS:
                self._models.popitem(last=False)
            model = self._models[pair] = _Model(directory)
        self._models.move_to_end(pair)
        return model
