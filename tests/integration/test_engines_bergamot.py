"""The real neural engine: what it translates, and that it loses nothing."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.translation_strings import STRINGS
from tests.unit.translation_worker.attempts import Bench, text_work
from translation_worker.app import describe
from translation_worker.chain import Chains
from translation_worker.engines.bergamot import BergamotEngine
from translation_worker.engines.engine import LanguagePair
from translation_worker.engines.plausibility import longest_echo
from translation_worker.engines.registry import find_engines
from translation_worker.pipeline import TranslateText
from translation_worker.settings import TranslationSettings

EN_PT, PT_EN = LanguagePair("en", "pt"), LanguagePair("pt", "en")


@pytest.fixture(scope="module")
def engine() -> Iterator[BergamotEngine]:
    engine = BergamotEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def handler() -> Iterator[TranslateText]:
    engines = find_engines(["bergamot"], Path("/nowhere"))
    yield TranslateText(Chains(engines))
    engines.close()


def translate(
    handler: TranslateText, tmp_path: Path, text: str, source: str = "en", target: str = "pt"
) -> tuple[str, int]:
    """Return the translation and how many outputs there are."""
    bench = Bench(tmp_path)
    work = text_work(text.encode(), source=source, target=target)
    outputs = handler.run(work, bench.attempt).outputs
    return bench.read(outputs[0]).decode(), len(outputs)


def test_negation_is_kept_when_english_becomes_portuguese(engine: BergamotEngine) -> None:
    (translated,) = engine.translate(["I do not want to press the button."], EN_PT, lambda: None)
    assert translated is not None
    assert "não" in translated.lower()
    assert "no botão" in translated or "o botão" in translated
    assert "15:00" not in translated


def test_english_is_read_back_when_portuguese_becomes_english(engine: BergamotEngine) -> None:
    (translated,) = engine.translate(["A casa é vermelha e o carro é azul."], PT_EN, lambda: None)
    assert translated is not None
    for word in ("house", "red", "car", "blue"):
        assert word in translated.lower()


def test_nothing_is_cut_when_a_sentence_has_no_end(engine: BergamotEngine) -> None:
    words = "the big house near the river has a red roof and a small garden with many flowers "
    sentence = (words * 80)[:6000]
    (translated,) = engine.translate([sentence], EN_PT, lambda: None)
    assert translated is not None
    assert 0.8 < len(translated) / len(sentence) < 1.5
    assert translated.lower().count("jardim") >= sentence.count("garden") * 0.9
    assert longest_echo(translated) <= longest_echo(sentence) + 1


def test_every_sentence_is_answered_when_a_batch_holds_odd_ones(engine: BergamotEngine) -> None:
    odd = ["", " ", ".", "x" * 1000, "日本語", "\u200b", "a " * 500, "Hello."]
    assert len(engine.translate(odd, EN_PT, lambda: None)) == len(odd)


def test_answers_are_the_same_when_several_threads_work(engine: BergamotEngine) -> None:
    texts = [text for text, _ in STRINGS] * 2 + ["x" * 1000, "a " * 400]
    threaded = BergamotEngine(threads=2)
    try:
        answers = threaded.translate(texts, EN_PT, lambda: None)
    finally:
        threaded.close()
    assert answers == engine.translate(texts, EN_PT, lambda: None)


def test_no_thread_works_on_when_the_work_was_stopped() -> None:
    class Stopped(Exception):
        pass

    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise Stopped

    threaded = BergamotEngine(threads=2)
    try:
        with pytest.raises(Stopped):
            threaded.translate(["The house is red and old."] * 200, EN_PT, stop)
        assert asked == 3
        assert threaded.translate(["It rains."] * 2, EN_PT, lambda: None) == ["Ele chove."] * 2
    finally:
        threaded.close()


@pytest.mark.parametrize(("text", "literals"), STRINGS, ids=range(len(STRINGS)))
def test_literals_are_exact_when_real_strings_are_translated(
    handler: TranslateText, tmp_path: Path, text: str, literals: tuple[str, ...]
) -> None:
    translated, _ = translate(handler, tmp_path, text)
    for literal in set(literals):
        assert translated.count(literal) == text.count(literal), translated


def test_nearly_all_strings_go_the_plain_way_when_they_hold_literals(
    handler: TranslateText, tmp_path: Path
) -> None:
    text = "\n".join(text for text, _ in STRINGS)
    bench = Bench(tmp_path)
    outputs = handler.run(text_work(text.encode()), bench.attempt).outputs
    translated = bench.read(outputs[0]).decode()
    assert translated.count("\n") == text.count("\n")
    changed = sum(
        before != after
        for before, after in zip(text.split("\n"), translated.split("\n"), strict=True)
    )
    assert changed >= 0.9 * len(STRINGS)


def test_memory_stays_bounded_when_the_text_has_200_kilobytes(
    handler: TranslateText, tmp_path: Path
) -> None:
    translate(handler, tmp_path / "first", "Hello, world of ours.")
    sentences = [
        f"Paragraph {index} of the {kind} book tells about the old house by the river.\n"
        for index in range(20)
        for kind in ("red", "blue")
    ]
    text = ("".join(sentences) * 80)[: 200 * 1024]
    before = psutil.Process().memory_info().rss
    bench = Bench(tmp_path)
    result = handler.run(text_work(text.encode()), bench.attempt)
    grown = psutil.Process().memory_info().rss - before
    assert bench.read(result.outputs[0]).decode().count("\n") == text.count("\n")
    assert result.outputs[0].storage_key is not None
    assert grown < 64 * 1024 * 1024
    assert result.usage is not None
    # This whole process was measured, tests and all: what counts is the growth.
    assert result.usage.peak_rss_bytes < before + 64 * 1024 * 1024
    assert [step[0] for step in bench.progress] == sorted(step[0] for step in bench.progress)


def test_the_announcement_names_pairs_and_engines_when_the_worker_starts(tmp_path: Path) -> None:
    settings = TranslationSettings.model_validate({
        "worker_token": "token",
        "redis_url": "redis://127.0.0.1:1/0",
        "artifacts": str(tmp_path),
        "engines": "bergamot",
    })  # fmt: skip
    announcement = describe(settings)
    assert {"translate_text", "translate_segments"} <= set(announcement.step_kinds)
    assert [(item.name, item.version) for item in announcement.engines] == [("bergamot", "0.2.0")]
    pairs = {(pair.source_language, pair.target_language) for pair in announcement.language_pairs}
    assert pairs == {("en", "pt"), ("pt", "en")}
    assert all(len(pair.hops) == 1 for pair in announcement.language_pairs)
