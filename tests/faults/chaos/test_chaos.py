"""A short run of chaos with a fixed seed. `make soak` is the long one."""

import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.chaos.run import ChaosPlan, keep_evidence, run_chaos
from tests.faults.house import FaultHouse

SEED = 170


@pytest.mark.timeout(400)
def test_every_promise_is_kept_when_everything_dies_at_random(house: FaultHouse) -> None:
    """I1 to I7 and I9, with hundreds of jobs and dozens of blows."""
    plan = ChaosPlan(seed=SEED, seconds=25)
    report = run_chaos(house, plan)
    text = "\n".join(report.lines())
    sys.stdout.write(f"\n{text}\n")
    if report.broken:
        kept = keep_evidence(house, Path(tempfile.gettempdir()) / f"babelmill-chaos-{SEED}")
        pytest.fail(f"{text}\nseed {SEED}; the evidence is kept in {kept}")
    verdict = report.judgement.verdict
    verdict.insist()
    assert verdict.jobs >= 200, text
    assert sum(report.blows.values()) >= 10, text
    assert any("postgres" in blow for blow in report.blows), text
    assert report.judgement.resumed, text
    assert report.judgement.kinds["transcode"], text
    assert report.judgement.ends["COMPLETED"], text
