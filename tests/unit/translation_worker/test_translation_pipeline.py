"""A translate_text attempt, from its input to its outputs."""

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babelmill.kit.worker.cancellation import StopReason
from babelmill.kit.worker.handler import FailureReason, StepFailure, StepStopped
from tests.unit.translation_worker.attempts import Bench, text_work
from tests.unit.translation_worker.scripted_engine import (
    ScriptedEngine,
    scripted_chain,
    scripted_chains,
)
from translation_worker.engines.engine import EngineError, EngineUnavailableError
from translation_worker.output_names import output_filename
from translation_worker.pipeline import TranslateText
from translation_worker.text_translation import translate_text
from translation_worker.translation_report import TranslationReport

PARAGRAPH = "The house is red. Hello {name}! " * 10 + "\r\n\n"


def handler(engine: ScriptedEngine) -> TranslateText:
    return TranslateText(scripted_chains(engine))


def greeting(text: str) -> str:
    return text.replace("Hello", "Olá")


@given(st.text())
def test_the_text_stays_as_it_is_when_the_engine_changes_nothing(text: str) -> None:
    chain = scripted_chain(ScriptedEngine(lambda sentence: sentence))
    report = TranslationReport("en", "pt")
    same = translate_text(text, chain, report, stop=lambda: None, on_progress=lambda _: None)
    assert same == text


def test_the_translation_is_the_only_output_when_all_went_well(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    result = handler(ScriptedEngine(greeting)).run(
        text_work("\ufeffHello {name}!\r\n".encode(), filename="a letter.txt"), bench.attempt
    )
    (output,) = result.outputs
    assert bench.read(output) == "\ufeffOlá {name}!\r\n".encode()
    assert output.filename == "a letter.pt.txt"
    assert output.media_type == "text/plain; charset=utf-8"


def test_a_report_says_what_was_kept_when_a_sentence_could_not_be_done(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    engine = ScriptedEngine(lambda text: None if "red" in text else greeting(text))
    result = handler(engine).run(text_work(b"Hello you.\nA red car.\n"), bench.attempt)
    text, report = result.outputs
    assert bench.read(text).decode() == "Olá you.\nA red car.\n"
    assert report.filename == "report.json"
    told = json.loads(bench.read(report))
    assert told["sentences"]["kept_source"] == 1
    assert told["sentences"]["total"] == 2
    assert told["kept_source_lines"] == [2]
    assert told["engines"] == {"scripted": "1"}
    assert told["routes"] == {"en -scripted-> pt": 1}
    assert "red" not in bench.read(report).decode()


def test_progress_grows_steadily_to_the_end_when_the_text_is_long(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = "".join(f"Hello number {index} of many. " for index in range(1000))
    handler(ScriptedEngine(greeting)).run(text_work(text.encode()), bench.attempt)
    done = [step[0] for step in bench.progress]
    assert done == sorted(done)
    assert done[0] == 0
    assert done[-1] == len(text)
    assert len(done) > len(text) / 4000
    assert {step[1:] for step in bench.progress} == {(len(text), "translate")}


def test_a_sentence_is_asked_once_when_it_is_repeated(tmp_path: Path) -> None:
    engine = ScriptedEngine(greeting)
    handler(engine).run(text_work((PARAGRAPH * 50).encode()), Bench(tmp_path).attempt)
    assert engine.asked == ["The house is red.", "Hello XQZ0!"]


def test_the_work_stops_between_sentences_when_it_is_cancelled(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    asked = 0

    def cancelling(text: str) -> str:
        nonlocal asked
        asked += 1
        if asked == 3:
            bench.token.request(StopReason.CANCELLED)
        return text

    text = "".join(f"Sentence number {index}. " for index in range(100))
    before = threading.active_count()
    with pytest.raises(StepStopped):
        handler(ScriptedEngine(cancelling)).run(text_work(text.encode()), bench.attempt)
    assert asked == 3
    assert threading.active_count() == before


def test_usage_is_measured_when_the_work_is_done(tmp_path: Path) -> None:
    data = PARAGRAPH.encode()
    result = handler(ScriptedEngine(greeting)).run(text_work(data), Bench(tmp_path).attempt)
    assert result.usage is not None
    assert result.usage.input_bytes == len(data)
    assert result.usage.output_bytes == sum(output.size_bytes for output in result.outputs)
    assert result.usage.peak_rss_bytes > 1024 * 1024
    assert 0 < result.usage.processing_seconds < 60
    assert result.usage.HasField("cpu_seconds")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", FailureReason.EMPTY_TEXT),
        (b" \r\n\t ", FailureReason.EMPTY_TEXT),
        (b"--- ... !!!", FailureReason.EMPTY_TEXT),
        ("\ufeff\n".encode(), FailureReason.EMPTY_TEXT),
        (b"caf\xe9", FailureReason.NOT_UTF8),
        ("Hello".encode("utf-16"), FailureReason.NOT_UTF8),
        (b"\xed\xa0\x80", FailureReason.NOT_UTF8),
    ],
)
def test_the_input_is_refused_when_it_is_no_text(
    tmp_path: Path, data: bytes, reason: FailureReason
) -> None:
    with pytest.raises(StepFailure) as failed:
        handler(ScriptedEngine(greeting)).run(text_work(data), Bench(tmp_path).attempt)
    assert failed.value.reason is reason
    assert not failed.value.retryable


def test_the_pairs_are_listed_when_the_wanted_one_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(StepFailure) as failed:
        handler(ScriptedEngine(greeting)).run(
            text_work(b"Hello", target="ja"), Bench(tmp_path).attempt
        )
    assert failed.value.reason is FailureReason.UNSUPPORTED_LANGUAGE_PAIR
    assert failed.value.metadata == {"language_pairs": "en-pt"}


def test_the_engines_are_listed_when_the_wanted_one_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(StepFailure) as failed:
        handler(ScriptedEngine(greeting)).run(
            text_work(b"Hello", engine="none"), Bench(tmp_path).attempt
        )
    assert failed.value.reason is FailureReason.UNSUPPORTED_ENGINE
    assert failed.value.metadata == {"engines": "scripted"}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EngineUnavailableError, FailureReason.ENGINE_UNAVAILABLE),
        (EngineError, FailureReason.ENGINE_FAILED),
    ],
)
def test_the_failure_is_retryable_when_the_engine_breaks(
    tmp_path: Path, error: type[EngineError], reason: FailureReason
) -> None:
    def broken(_: str) -> str:
        raise error

    with pytest.raises(StepFailure) as failed:
        handler(ScriptedEngine(broken)).run(text_work(b"Hello you"), Bench(tmp_path).attempt)
    assert failed.value.reason is reason
    assert failed.value.retryable


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", "pt.txt"),
        ("letter.txt", "letter.pt.txt"),
        ("notes.md", "notes.pt.md"),
        ("../../etc/passwd", "passwd.pt.txt"),
        ("C:\\docs\\a b.txt", "a b.pt.txt"),
        ("x" * 300 + ".txt", "x" * 100 + ".pt.txt"),
        ("evil\x00\n<name>.txt", "evil___name_.pt.txt"),
        ("...", "pt.txt"),
    ],
)
def test_the_name_is_safe_when_it_comes_from_a_client(source: str, expected: str) -> None:
    assert output_filename(source, "pt") == expected
