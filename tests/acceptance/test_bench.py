"""The submission benchmark, run as users run it: it must measure, whatever it measures."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
# In the environment of everything that the run starts, and of nothing else.
MARK = f"BENCH_RUN_{uuid.uuid4().hex}"
CONTESTANTS = {"create", "create_again", "batch", "gateway", "peer_redis", "peer_durable"}

# Half a minute on an idle machine; the suite may leave it a small share of one.
pytestmark = [pytest.mark.alone, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """One quick run's JSON."""
    finished = subprocess.run(
        [sys.executable, ROOT / "bench" / "submit.py", "--quick", "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, MARK: "1"},
        timeout=280,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


def test_everybody_accepts_without_an_error_when_measured(result: dict[str, Any]) -> None:
    assert set(result["contestants"]) == CONTESTANTS
    for name, contestant in result["contestants"].items():
        assert contestant["accepted"] > 0, name
        assert contestant["errors"] == {}, name
        assert contestant["promise"], name


def test_every_accepted_job_is_in_its_store_when_looked_up(result: dict[str, Any]) -> None:
    missing = {name: each["missing"] for name, each in result["contestants"].items()}
    assert missing == dict.fromkeys(CONTESTANTS, 0)


def test_ratios_come_with_a_control_when_printed(result: dict[str, Any]) -> None:
    clients = {str(number) for number in result["plan"]["clients"]}
    assert [each["ours"] for each in result["ratios"] if each["is_control"]] == ["create_again"]
    assert {each["theirs"] for each in result["ratios"] if not each["is_control"]} == {
        "peer_redis",
        "peer_durable",
    }
    for ratio in result["ratios"]:
        assert set(ratio["by_clients"]) == clients
        for quantities in ratio["by_clients"].values():
            for found in quantities.values():
                assert 0 < found["low"] <= found["median"] <= found["high"]
                assert found["count"] == result["plan"]["rounds"]


def test_nothing_is_left_running_when_it_has_ended(result: dict[str, Any]) -> None:
    assert [process.pid for process in psutil.process_iter() if _is_marked(process)] == []


def _is_marked(process: psutil.Process) -> bool:
    try:
        return MARK in process.environ()
    except psutil.Error:
        return False
