"""The table of hostile input: what is sent, what is answered, and the tests that send it.

A test names its rows by `@pytest.mark.matrix(…)`. `docs/security.md` holds the table
between two markers; run this file to write it anew.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "security.md"
BEGIN = "<!-- hostile input: written by tests/security/matrix.py -->"
END = "<!-- end of hostile input -->"

MATRIX: Mapping[int, tuple[str, str]] = {
    1: ("A gRPC message over 4 MiB", "RESOURCE_EXHAUSTED"),
    2: ("A compressed message that unpacks to much more", "RESOURCE_EXHAUSTED; memory stays flat"),
    3: ("Bytes that are no protobuf, strings that are no UTF-8", "INVALID_ARGUMENT `MALFORMED`"),
    4: ("An enum value that does not exist", "INVALID_ARGUMENT, the field named"),
    5: ("Metadata over 16 KiB", "RESOURCE_EXHAUSTED"),
    6: ("A method that does not exist; reflection from elsewhere", "UNIMPLEMENTED; needs a token"),
    7: ("More calls at once than are allowed", "RESOURCE_EXHAUSTED; workers are still answered"),
    8: ("More watches than a tenant may have", "RESOURCE_EXHAUSTED `TOO_MANY_WATCHERS`"),
    9: ("A watcher that does not read", "let go, and may resume"),
    10: ("No deadline, or one of a year", "the server's own limits hold; a watch ends cleanly"),
    11: ("A deadline that has passed", "DEADLINE_EXCEEDED; nothing is stored"),
    12: ("Hundreds of connections that say nothing", "others are served; they are closed in time"),
    13: ("A flood of pings, or of streams opened and reset", "others are served; GOAWAY for pings"),
    14: ("Thousands of streams begun and abandoned", "memory and calls in flight stay bounded"),
    15: ("Numbers that are huge, negative or none; endless lists", "INVALID_ARGUMENT"),
    16: ("NUL, direction marks, overlong text", "INVALID_ARGUMENT, or the text comes back whole"),
    17: ("No token, or a wrong one", "UNAUTHENTICATED; 401"),
    18: ("A token of another role", "PERMISSION_DENIED; 403"),
    19: ("Another tenant's job, artifact, glossary", "NOT_FOUND; 404"),
    20: ("A client that calls what is the workers'", "PERMISSION_DENIED; not on the clients' port"),
    21: ("A worker with a stale or made-up lease", "ABORTED; nothing is published"),
    22: ("The database in a thief's hands", "tokens are there as hashes only"),
    23: ("A token revoked while its watch is open", "the watch ends within a minute"),
    24: ("SQL in filters, labels, kinds and ids", "INVALID_ARGUMENT, or it is taken literally"),
    25: ("A page token changed, or another tenant's", "INVALID_ARGUMENT; 400"),
    26: ("A request id that another tenant has used", "a job of its own"),
    27: ("More than a quota or a rate allows", "RESOURCE_EXHAUSTED; 429 with Retry-After"),
    28: ("A body over its limit, with or without a length", "413 `TOO_LARGE`"),
    29: ("A head or a body that drips in", "the connection is closed; 408"),
    30: ("A filename with a path, NUL, or of kilobytes", "refused, or a label and never a path"),
    31: ("Multipart with endless parts, headers, no boundary", "400 `MALFORMED_MULTIPART`; 413"),
    32: ("A Range header of a thousand ranges", "416"),
    33: ("Content of another kind than it says", "the job fails by name; served as an attachment"),
    34: ("Zip bombs in documents, nested and lying", "`DOCUMENT_TOO_LARGE`"),
    35: ("Members that lead out of a package, links", "`DOCUMENT_REFUSED`"),
    36: ("XML entities, bombs and external ones", "`DOCUMENT_REFUSED`"),
    37: ("PDFs of 100,000 pages, bombs, loops, passwords", "a typed failure within limits"),
    38: ("Scripts and launches in PDF and HTML", "taken out of PDFs; escaped; sandboxed downloads"),
    39: ("A picture of too many pixels", "the job fails by name"),
    40: ("Addresses of file, gopher, data, ftp", "INVALID_ARGUMENT"),
    41: ("Private, loopback, metadata addresses in any writing", "`URL_REFUSED`"),
    42: ("A redirect to a private address", "`URL_REFUSED` at that hop; at most three"),
    43: ("A name that changes its address", "the checked address is dialled, its name kept in TLS"),
    44: ("A page that is endless, slow, huge, packed", "`URL_TOO_LARGE`, `URL_UNAVAILABLE`"),
    45: ("Credentials in an address", "INVALID_ARGUMENT; not in any log"),
    46: ("A chat model at a private address", "refused by the same rules"),
    47: ("Media that names other files or addresses", "nothing else is read; refused by name"),
    48: ("Options and filters as names", "INVALID_ARGUMENT; names are never arguments"),
    49: ("Media bombs: pixels, streams, hours", "refused by name, within limits"),
    50: ("Instructions to the model in a text", "translated as the data that they are"),
    51: ("Markup and scripts in an engine's answer", "escaped"),
    52: ("A client's key, looked for everywhere", "found nowhere in clear"),
    53: ("A key after its job, or put into another one", "deleted; does not open"),
    54: ("A provider that echoes the key", "told of without it"),
    55: ("Line breaks and terminal codes in names", "escaped in JSON, one line each"),
    56: ("A huge or broken trace header", "bounded; the job begins a trace of its own"),
    57: ("Pickles and garbage in a queue", "dropped; other work goes on"),
    58: ("Redis without its password", "refused by Redis"),
    59: ("Flower from elsewhere", "needs its password; shows ids alone"),
    60: ("TLS: no, wrong or expired certificate, an old version", "the handshake is refused"),
    61: ("Another site's page in the user's browser", "no CORS, no cookies, no frames; CSP"),
    62: ("Changing the audit log", "the database refuses"),
    63: ("A worker that is taken over", "no database; containers without rights"),
    64: ("A dependency that was swapped", "refused by its hash"),
    65: ("A defect", "INTERNAL or 500 with an id; no stack, SQL or path"),
}
"""Every row: what is sent, and what is answered."""


def marked_rows(root: Path = TESTS) -> dict[int, list[str]]:
    """Return each marked row's tests as `path::name`, found without importing them."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.matrix":
                    for argument in mark.args:
                        row: int = ast.literal_eval(argument)
                        found[row].append(f"{path.relative_to(root)}::{node.name}")
    return found


def render(marked: Mapping[int, Sequence[str]]) -> str:
    """Write the table."""
    lines = ["| # | What is sent | What is answered | Tests |", "| --- | --- | --- | --- |"]
    for row, (sent, answered) in MATRIX.items():
        tests = "<br>".join(_linked(test) for test in sorted(marked.get(row, ())))
        lines.append(f"| {row} | {sent} | {answered} | {tests or 'none yet'} |")
    return "\n".join(lines)


def updated(text: str, marked: Mapping[int, Sequence[str]]) -> str:
    """Return a page's text with the table of now. Raises ValueError without a place for it."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("the page has no place for the table")
    return f"{before}{BEGIN}\n\n{render(marked)}\n\n{END}{after}"


def _linked(test: str) -> str:
    path, _, name = test.partition("::")
    words = name.removeprefix("test_").replace("_", " ")
    return f"[{words}](../tests/{path})"


def main() -> int:
    """Write the page, and list the rows that no test drives."""
    marked = marked_rows()
    PAGE.write_text(updated(PAGE.read_text(), marked))
    for row in MATRIX:
        if row not in marked:
            sys.stdout.write(f"no test  {row:<3} {MATRIX[row][0]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
