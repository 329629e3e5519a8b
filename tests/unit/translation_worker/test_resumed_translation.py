"""A translation that is broken off and taken up again: the same bytes, and nothing twice."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babelmill.kit.worker.cancellation import StopReason
from babelmill.kit.worker.handler import Result, StepStopped
from tests.unit.translation_worker.attempts import Bench, text_work
from tests.unit.translation_worker.scripted_engine import (
    ScriptedEngine,
    scripted_chain,
    scripted_chains,
)
from translation_worker.pipeline import TranslateText
from translation_worker.text_translation import translate_text
from translation_worker.translation_report import TranslationReport

REFRAIN = "Nobody loses a letter. The river rises."


def a_text(paragraphs: int) -> str:
    """Several chunks; each paragraph has a sentence of its own and some that were there before."""
    return "\n\n".join(
        f"Paragraph number {number} tells of a mill that grinds on and on.\n{REFRAIN * 3}"
        for number in range(paragraphs)
    )


TEXT = a_text(60)


def scripted(sentence: str) -> str | None:
    """Needs a fallback for some sentences, and can do nothing with others."""
    if "number 7 " in sentence:
        return None
    return sentence.upper()


class Kept:
    """Checkpoints in memory."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}
        self.opened = 0

    def open(self) -> "Kept":
        self.opened += 1
        return self

    def get(self, key: str) -> bytes | None:
        return self.parts.get(key)

    def put(self, key: str, data: bytes) -> None:
        assert self.parts.get(key, data) == data, "the same key with other bytes"
        self.parts[key] = data


class BrokenOffError(Exception):
    """Stands for the death of the process."""


def run(text: str, engine: ScriptedEngine, kept: Kept, until: float = 1.0) -> str:
    """Translate; with `until` break it off after that share of the characters, or in a chunk."""
    limit = until * len(text)
    done = questions = 0

    def note(characters: int) -> None:
        nonlocal done
        done = characters

    def stop() -> None:
        nonlocal questions
        questions += 1
        # Within a chunk too, at a place that depends on the share.
        if until < 1 and done >= limit and questions % 7 == int(limit) % 7:
            raise BrokenOffError

    chain = scripted_chain(engine)
    report = TranslationReport("en", "pt")
    translated = translate_text(
        text,
        chain,
        report,
        stop=stop,
        on_progress=note,
        checkpoints=kept.open,
    )
    return translated + report.to_json(chain).decode()


CALM = run(TEXT, ScriptedEngine(scripted), Kept())


@settings(deadline=None, max_examples=25)
@given(
    breaks=st.lists(st.floats(0, 0.99), max_size=4),
    lost=st.sets(st.integers(0, 8), max_size=4),
)
def test_result_is_the_same_wherever_it_is_broken_off_and_whatever_is_lost(
    breaks: list[float], lost: set[int]
) -> None:
    kept = Kept()
    for until in breaks:
        # So near to the end there may be no progress left to break off at.
        with suppress(BrokenOffError):
            run(TEXT, ScriptedEngine(scripted), kept, until)
        for number in lost:
            kept.parts.pop(f"chunk-{number:06d}", None)
    assert run(TEXT, ScriptedEngine(scripted), kept) == CALM


def test_no_finished_chunk_is_asked_for_again() -> None:
    first, second, kept = ScriptedEngine(scripted), ScriptedEngine(scripted), Kept()
    with pytest.raises(BrokenOffError):
        run(TEXT, first, kept, until=0.5)
    finished = {text for part in kept.parts.values() for text, *_ in json.loads(part)}
    assert finished
    before = len(kept.parts)
    run(TEXT, second, kept)
    assert len(kept.parts) > before
    asked = {sentence.upper() for sentence in second.asked}
    assert not asked & finished
    third = ScriptedEngine(scripted)
    run(TEXT, third, kept)
    assert not third.asked


def test_nothing_is_kept_when_the_text_is_one_chunk() -> None:
    kept = Kept()
    run("One sentence. " * 100, ScriptedEngine(scripted), kept)
    assert (kept.opened, kept.parts) == (0, {})


def a_run(path: Path, engine: ScriptedEngine, text: str) -> tuple[Bench, Result]:
    bench = Bench(path)
    return bench, TranslateText(scripted_chains(engine)).run(
        text_work(text.encode()), bench.attempt
    )


def test_checkpoints_are_those_of_the_step_when_the_handler_runs_again(tmp_path: Path) -> None:
    first, result = a_run(tmp_path, ScriptedEngine(scripted), TEXT)
    (used,) = first.attempt.used_checkpoints
    assert used.written > 1
    first.attempt.scratch.rmdir()
    again = ScriptedEngine(scripted)
    second, same = a_run(tmp_path, again, TEXT)
    assert not again.asked
    assert second.attempt.used_checkpoints[0].reused == used.written
    assert [output.sha256 for output in same.outputs] == [out.sha256 for out in result.outputs]


@pytest.mark.parametrize("changed", ["text", "version"])
def test_nothing_is_taken_over_when_text_or_engine_is_another(tmp_path: Path, changed: str) -> None:
    first, _ = a_run(tmp_path, ScriptedEngine(scripted), TEXT)
    first.attempt.scratch.rmdir()
    other = ScriptedEngine(scripted)
    if changed == "version":
        other.version = "2"
    second, _ = a_run(tmp_path, other, TEXT if changed == "version" else TEXT + " More.")
    assert second.attempt.used_checkpoints[0].reused == 0
    assert other.asked


def test_cost_is_told_when_the_attempt_is_stopped(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def late(sentence: str) -> str:
        bench.token.request(StopReason.TIMEOUT)
        return sentence.upper()

    handler = TranslateText(scripted_chains(ScriptedEngine(late)))
    with pytest.raises(StepStopped):
        handler.run(text_work(TEXT.encode()), bench.attempt)
    assert bench.attempt.usage is not None
    assert bench.attempt.usage.peak_rss_bytes > 0
    assert bench.attempt.usage.input_bytes == len(TEXT.encode())
