"""The whole suite: what can run side by side, then what must be alone, then what failed once more.

docs/adr/015 says why there is a second run, and for which tests.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"

# More than two cores: they wait for servers and processes more than they compute.
SIDE_BY_SIDE = ("-n", "3", "--dist", "loadfile", "-m", "not slow and not alone", "--cache-clear")
ALONE = ("-m", "alone and not slow")

# What these hold does not depend on how fast the machine is.
ONE_RUN = ("tests/unit/", "tests/architecture/")
# More than so many is no accident of timing.
MOST_FILES = 6

_PASSED, _TESTS_FAILED = 0, 1


def main() -> int:
    """Run everything; return 0 when each test has passed, in its second run at the latest."""
    statuses = {_pytest(*SIDE_BY_SIDE), _pytest(*ALONE)}
    if statuses == {_PASSED}:
        return 0
    failed = failed_tests()
    if statuses - {_PASSED, _TESTS_FAILED} or not deserves_second_run(failed):
        return 1
    sys.stdout.write(f"\n{len(failed)} of the tests failed and run once more, alone.\n")
    sys.stdout.flush()
    status = _pytest("-m", "not slow", *failed)
    steady = failed_tests()
    for test in failed:
        sys.stdout.write(f"{'FAILED TWICE' if test in steady else 'UNSTEADY'} {test}\n")
    return int(status != _PASSED)


def failed_tests() -> list[str]:
    """Return the tests whose last run failed, as pytest's cache has them."""
    return sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []


def deserves_second_run(failed: Iterable[str]) -> bool:
    """Say whether all that failed may have failed for want of time."""
    files = {test.partition("::")[0] for test in failed}
    return 0 < len(files) <= MOST_FILES and not any(file.startswith(ONE_RUN) for file in files)


def _pytest(*arguments: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
