"""Compares the contract with the one on main, and fails on a breaking change.

Without a main branch to compare with (a shallow checkout, the first commit) it
says so and passes.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# In CI the branch under test may itself be called main: the parent commit is
# then what went before.
CANDIDATES = ("origin/main", "main")


def _git(*arguments: str) -> str | None:
    finished = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return finished.stdout.strip() if finished.returncode == 0 else None


def base_commit() -> str | None:
    """Find the newest commit of main that is not the one checked out."""
    head = _git("rev-parse", "HEAD")
    for name in CANDIDATES:
        commit = _git("rev-parse", "--verify", "--quiet", name)
        if commit and commit != head:
            return commit
    return _git("rev-parse", "--verify", "--quiet", "HEAD~1")


def main() -> int:
    base = base_commit()
    if base is None or _git("cat-file", "-e", f"{base}:buf.yaml") is None:
        sys.stdout.write("buf breaking: nothing to compare with\n")
        return 0
    buf = Path(sys.executable).parent / "buf"
    against = f"{ROOT / '.git'}#ref={base}"
    finished = subprocess.run([buf, "breaking", "--against", against], cwd=ROOT, check=False)
    if finished.returncode == 0:
        sys.stdout.write(f"buf breaking: nothing broken since {base[:12]}\n")
    return finished.returncode


if __name__ == "__main__":
    sys.exit(main())
