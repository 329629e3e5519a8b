"""The real rule-based engine: its traps, its processes, and routes through both engines."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.deadlines import eventually
from tests.integration.translation_strings import STRINGS
from tests.unit.translation_worker.attempts import Bench, text_work
from translation_worker.chain import Chains
from translation_worker.engines.apertium import MAX_OPEN_PIPES, ApertiumEngine
from translation_worker.engines.apertium_modes import find_modes
from translation_worker.engines.apertium_pipe import ApertiumPipe, PipeTimeoutError
from translation_worker.engines.engine import LanguagePair
from translation_worker.engines.registry import ENGINE_NAMES, find_engines
from translation_worker.pipeline import TranslateText

MODES = Path("/usr/share/apertium/modes")
PT_ES = LanguagePair("pt", "es")

pytestmark = pytest.mark.skipif(
    shutil.which("apertium") is None or PT_ES not in find_modes(MODES)[0],
    reason="apertium with apertium-es-pt is not installed (Debian packages)",
)


@pytest.fixture
def engine() -> Iterator[ApertiumEngine]:
    engine = ApertiumEngine(MODES)
    yield engine
    engine.close()


def translate(engine: ApertiumEngine, *sentences: str) -> list[str | None]:
    return engine.translate(sentences, PT_ES, lambda: None)


def all_gone(pids: tuple[int, ...]) -> bool:
    return not any(psutil.pid_exists(pid) for pid in pids)


def test_a_sentence_is_translated_whole_when_it_is_plain(engine: ApertiumEngine) -> None:
    assert translate(engine, "A casa é vermelha.") == ["La casa es roja."]


def test_the_pipe_does_not_hang_when_a_sentence_has_no_end(engine: ApertiumEngine) -> None:
    started = time.monotonic()
    assert translate(engine, "A casa é vermelha", "a", "", " ", ".") == [
        "La casa es roja", "a", "", "", ".",
    ]  # fmt: skip
    assert time.monotonic() - started < 10


def test_the_last_stop_is_kept_when_a_sentence_ends_with_it(engine: ApertiumEngine) -> None:
    for stop in ".!?;:…":
        (translated,) = translate(engine, f"A casa é vermelha{stop}")
        assert translated is not None
        assert translated.endswith(stop)


def test_answers_stay_in_step_when_sentences_hold_nuls(engine: ApertiumEngine) -> None:
    assert translate(engine, "A casa\0 é\0\0 vermelha.", "O gato dorme.") == [
        "La casa es roja.", "El gato duerme.",
    ]  # fmt: skip


def test_special_characters_are_exact_when_they_stand_alone(engine: ApertiumEngine) -> None:
    for special in "\\[]{}^$/@<>*#~|_+=&%-\"'`":
        (translated,) = translate(engine, f"A casa {special} é vermelha.")
        assert translated == f"La casa {special} es roja."


def test_no_marks_are_left_when_words_are_unknown(engine: ApertiumEngine) -> None:
    (translated,) = translate(engine, "O flibbertigibbet vermelho XQZ0.")
    assert translated is not None
    assert "*" not in translated
    assert "flibbertigibbet" in translated
    assert "XQZ0" in translated


def test_order_is_kept_when_a_batch_is_large(engine: ApertiumEngine) -> None:
    answers = translate(engine, *(f"A casa número {index}." for index in range(500)))
    assert [answer and answer.split()[-1] for answer in answers] == [
        f"{index}." for index in range(500)
    ]


def test_a_long_sentence_comes_back_whole(engine: ApertiumEngine) -> None:
    (translated,) = translate(engine, "casa vermelha " * 4000)
    assert translated is not None
    assert translated.lower().count("roja") == 4000


def test_the_pipe_starts_again_when_its_first_program_was_killed(engine: ApertiumEngine) -> None:
    translate(engine, "A casa é vermelha.")
    before = engine.process_ids(PT_ES)
    os.kill(before[0], signal.SIGKILL)
    assert translate(engine, "A casa é vermelha.") == ["La casa es roja."]
    assert not set(before) & set(engine.process_ids(PT_ES))
    eventually(lambda: all_gone(before))


def test_the_pipe_starts_again_when_a_middle_program_was_killed(engine: ApertiumEngine) -> None:
    translate(engine, "A casa é vermelha.")
    before = engine.process_ids(PT_ES)
    os.kill(before[len(before) // 2], signal.SIGKILL)
    assert translate(engine, "A casa é vermelha.", "O gato dorme.") == [
        "La casa es roja.", "El gato duerme.",
    ]  # fmt: skip
    eventually(lambda: all_gone(before))


def test_the_work_goes_on_when_the_pipe_hangs() -> None:
    engine = ApertiumEngine(MODES, exchange_timeout_seconds=1.0)
    try:
        translate(engine, "A casa é vermelha.")
        stopped = engine.process_ids(PT_ES)
        os.kill(stopped[1], signal.SIGSTOP)
        assert translate(engine, "A casa é vermelha.") == ["La casa es roja."]
        eventually(lambda: all_gone(stopped))
    finally:
        engine.close()


def test_a_timeout_is_told_when_the_end_of_a_message_is_missing() -> None:
    pipe = ApertiumPipe(find_modes(MODES)[0][PT_ES])
    try:
        with pytest.raises(PipeTimeoutError):
            pipe.exchange([b"A casa"], timeout_seconds=0.3)
    finally:
        pipe.close()


def test_no_process_is_left_when_the_engine_is_closed(engine: ApertiumEngine) -> None:
    translate(engine, "A casa é vermelha.")
    pids = engine.process_ids(PT_ES)
    assert pids
    engine.close()
    assert all_gone(pids)
    assert engine.process_ids(PT_ES) == ()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("apertium")]
    assert translate(engine, "A casa é vermelha.") == ["La casa es roja."]


def test_pipes_are_ended_when_nobody_has_needed_them_for_long() -> None:
    engine = ApertiumEngine(MODES, max_idle_seconds=1.0)
    try:
        translate(engine, "A casa é vermelha.")
        pids = engine.process_ids(PT_ES)
        assert pids
        eventually(lambda: all_gone(pids))
        assert engine.process_ids(PT_ES) == ()
        assert translate(engine, "O gato dorme.") == ["El gato duerme."]
        again = engine.process_ids(PT_ES)
        eventually(lambda: all_gone(again))
    finally:
        engine.close()


def test_confidence_is_the_share_of_known_words(engine: ApertiumEngine) -> None:
    known, half, literal = engine.translate_scored(
        ["A casa é vermelha.", "A casa flibbertigibbet qwertyuiop.", "A casa XQZ0."],
        PT_ES,
        lambda: None,
    )
    assert known is not None
    assert half is not None
    assert literal is not None
    assert known.confidence == 1
    assert half.confidence == 0.5
    assert literal.confidence == 1, "what stands for a literal is not an unknown word"


def test_the_programs_are_a_group_of_their_own_when_they_run(engine: ApertiumEngine) -> None:
    translate(engine, "A casa é vermelha.")
    groups = {os.getpgid(pid) for pid in engine.process_ids(PT_ES)}
    assert len(groups) == 1
    assert os.getpgid(0) not in groups


def test_no_process_is_orphaned_when_the_worker_is_killed() -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from translation_worker.engines.apertium import ApertiumEngine\n"
        "from translation_worker.engines.engine import LanguagePair\n"
        f"engine = ApertiumEngine(Path({str(MODES)!r}))\n"
        "engine.translate(['A casa.'], LanguagePair('pt', 'es'), lambda: None)\n"
        "print(*engine.process_ids(LanguagePair('pt', 'es')), flush=True)\n"
        "time.sleep(600)\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout is not None
        pids = tuple(int(word) for word in worker.stdout.readline().split())
        assert pids
        # One program is stopped, so that it cannot see the end of its input.
        os.kill(pids[1], signal.SIGSTOP)
    finally:
        worker.kill()
        worker.wait()
        if worker.stdout is not None:
            worker.stdout.close()
    eventually(lambda: all_gone(pids))


@pytest.mark.parametrize("target", ["es"])
def test_literals_are_exact_when_strings_go_through_both_engines(
    tmp_path: Path, target: str
) -> None:
    engines = find_engines(ENGINE_NAMES, MODES)
    handler = TranslateText(Chains(engines))
    try:
        text = "\n".join(string for string, _ in STRINGS)
        bench = Bench(tmp_path)
        result = handler.run(text_work(text.encode(), target=target), bench.attempt)
    finally:
        engines.close()
    lines = bench.read(result.outputs[0]).decode().split("\n")
    for line, (source, literals) in zip(lines, STRINGS, strict=True):
        for literal in set(literals):
            assert line.count(literal) == source.count(literal), line
    assert "El archivo report-2024.pdf" in "\n".join(lines)
    assert result.usage is not None
    assert result.usage.cpu_seconds > 0


def test_few_pipes_stay_open_when_many_directions_are_used(engine: ApertiumEngine) -> None:
    pairs = sorted(engine.direct_pairs())
    for pair in pairs:
        assert engine.translate(["XQZ0."], pair, lambda: None) == ["XQZ0."]
    running = [pair for pair in pairs if engine.process_ids(pair)]
    assert len(running) <= MAX_OPEN_PIPES
    assert running[-1:] == pairs[-1:]
