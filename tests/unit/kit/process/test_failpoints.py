"""Failpoints: what arms them, who may, and that each of them lies somewhere."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from babelmill.kit.process.failpoints import (
    FAILPOINTS,
    LOSING_FAILPOINTS,
    BadFailpoint,
    Failpoint,
    FailpointAction,
    arm,
    failpoint,
)
from babelmill.kit.process.settings import EXIT_CONFIG, Settings, load_settings

ROOT = Path(__file__).resolve().parents[4]


class Lost(Exception):
    """An answer was lost."""


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm(None)


def test_nothing_happens_when_nothing_is_armed() -> None:
    for name in FAILPOINTS:
        failpoint(name, Lost)


def test_the_answer_is_lost_at_the_nth_hit_when_it_is_counted() -> None:
    arm(Failpoint.parse("submission.after_commit:error_after_commit@2"))
    failpoint("submission.after_commit", Lost)
    failpoint("leasing.after_commit", Lost)
    with pytest.raises(Lost):
        failpoint("submission.after_commit", Lost)
    failpoint("submission.after_commit", Lost)


def test_it_acts_once_and_only_with_its_fuse_when_it_has_one(tmp_path: Path) -> None:
    fuse = tmp_path / "fuse"
    arm(Failpoint.parse("submission.after_commit:error_after_commit"), fuse)
    failpoint("submission.after_commit", Lost)
    fuse.touch()
    with pytest.raises(Lost):
        failpoint("submission.after_commit", Lost)
    assert not fuse.exists()
    failpoint("submission.after_commit", Lost)
    fuse.touch()
    with pytest.raises(Lost):
        failpoint("submission.after_commit", Lost)


@pytest.mark.parametrize(("action", "ended"), [("kill", signal.SIGKILL), ("stop", signal.SIGSTOP)])
def test_the_process_ends_or_freezes_when_the_action_says_so(
    action: str, ended: signal.Signals
) -> None:
    code = (
        "from babelmill.kit.process.failpoints import failpoint\n"
        "from babelmill.kit.process.logs import configure_logging\n"
        "from babelmill.kit.process.settings import Settings, load_settings\n"
        "configure_logging('test')\n"
        "load_settings(Settings)\n"
        "failpoint('relay.sent')\n"
        "print('went on')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"BABELMILL_FAILPOINT": f"relay.sent:{action}", "BABELMILL_TEST_MODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if ended is signal.SIGSTOP:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
    output, _ = process.communicate(timeout=20)
    assert output == ("" if ended is signal.SIGKILL else "went on\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "submission.after_commit",
        "nowhere:kill",
        "relay.sent:explode",
        "relay.sent:error_after_commit",
        "relay.sent:kill@0",
        "relay.sent:kill@x",
        "relay.sent:kill@",
    ],
)
def test_it_is_refused_when_it_makes_no_sense(text: str) -> None:
    with pytest.raises(BadFailpoint):
        Failpoint.parse(text)


def test_the_process_does_not_start_when_it_is_not_in_test_mode(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BABELMILL_FAILPOINT", "relay.sent:kill")
    with pytest.raises(SystemExit) as ended:
        load_settings(Settings)
    assert ended.value.code == EXIT_CONFIG
    assert "BABELMILL_TEST_MODE" in capsys.readouterr().err


def test_the_process_does_not_start_when_the_name_is_unknown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BABELMILL_FAILPOINT", "nowhere:kill")
    monkeypatch.setenv("BABELMILL_TEST_MODE", "1")
    with pytest.raises(SystemExit) as ended:
        load_settings(Settings)
    assert ended.value.code == EXIT_CONFIG
    assert "BABELMILL_FAILPOINT: " in capsys.readouterr().err


def test_every_failpoint_lies_in_the_code_once_when_it_is_named() -> None:
    found: list[tuple[str, bool]] = []
    for package in ("babelmill", "gateway", "job_service"):
        for path in (ROOT / package).rglob("*.py"):
            for name, error in re.findall(r'\bfailpoint\("([^"]+)"(, \w+)?\)', path.read_text()):
                if path.name != "failpoints.py":
                    found.append((name, bool(error)))
    assert sorted(name for name, _ in found) == sorted(FAILPOINTS)
    assert {name for name, error in found if error} == LOSING_FAILPOINTS
    assert {Failpoint.parse(f"{name}:kill").action for name in FAILPOINTS} == {FailpointAction.KILL}
