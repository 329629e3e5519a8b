"""Lists the mission's rows beside the tests that drive them.

The rows are in docs/rows.md; a test names its rows by `@pytest.mark.row`.
"""

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).resolve().parent
ROWS = TESTS.parent / "docs" / "rows.md"


def known_rows() -> dict[str, str]:
    """Return each row's id and words."""
    pattern = re.compile(r"^\| ([A-Z]\d*(?:\.\d+)?) \| (.+) \|$", re.MULTILINE)
    return dict(pattern.findall(ROWS.read_text()))


def marked_rows() -> dict[str, list[str]]:
    """Return each marked row's tests, found without importing them."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.row":
                    for argument in mark.args:
                        name = f"{path.relative_to(TESTS)}::{node.name}"
                        found[ast.literal_eval(argument)].append(name)
    return found


def main() -> int:
    """Print the rows with no test, then those with one; fail on an unknown row."""
    rows, marked = known_rows(), marked_rows()
    missing = [row for row in rows if row not in marked]
    for row in missing:
        sys.stdout.write(f"no test  {row:<6} {rows[row]}\n")
    for row in rows:
        for test in marked.get(row, ()):
            sys.stdout.write(f"tested   {row:<6} {test}\n")
    unknown = sorted(set(marked) - set(rows))
    sys.stdout.write(f"{len(rows) - len(missing)} of {len(rows)} rows have a test\n")
    if unknown:
        sys.stdout.write(f"unknown rows: {', '.join(unknown)}\n")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
