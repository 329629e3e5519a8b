"""What a real engine answers depends on the sentence alone, not on what it did before.

Checkpoints rest on this: an attempt that goes on where another was killed asks
a fresh engine, in other batches, for what the first would have asked a warm one.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.translation_strings import STRINGS
from translation_worker.engines.engine import LanguagePair
from translation_worker.engines.registry import ENGINE_NAMES, EngineRegistry, find_engines

SENTENCES: tuple[str, ...] = (
    *(text for text, _ in STRINGS if "\n" not in text and text.isprintable()),
    "He said that she can can the can.",
    "Time flies like an arrow; fruit flies like a banana.",
    "the wind blows",
    "wind the clock",
    "I saw the saw.",
    "It is 5 o'clock",
    "Dr. Smith arrived in the U.S. on Monday",
)
SHUFFLES = 8


@pytest.fixture(scope="module")
def engines() -> Iterator[EngineRegistry]:
    engines = find_engines(ENGINE_NAMES, Path("/usr/share/apertium/modes"))
    yield engines
    engines.close()


@pytest.mark.parametrize(
    ("name", "pair"),
    [("bergamot", "en-pt"), ("apertium", "pt-es"), ("apertium", "en-es"), ("apertium", "es-fr")],
)
def test_answer_is_the_same_when_sentences_come_in_other_orders_and_batches(
    engines: EngineRegistry, name: str, pair: str
) -> None:
    direction = LanguagePair(*pair.split("-"))
    if name not in engines or direction not in engines[name].direct_pairs():
        pytest.skip(f"{name} with {pair} is not installed")
    engine = engines[name]
    chosen = SENTENCES[:40] if name == "bergamot" else SENTENCES
    answers = dict(zip(chosen, engine.translate(chosen, direction, lambda: None), strict=True))
    for seed in range(SHUFFLES):
        order = random.Random(seed)
        some = order.sample(chosen, order.randint(1, len(chosen) // 2))
        if seed % 3 == 2:
            engine.close()  # a fresh one knows nothing of what came before
        for sentence, answer in zip(
            some, engine.translate(some, direction, lambda: None), strict=True
        ):
            assert answer == answers[sentence], sentence
