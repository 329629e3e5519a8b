"""The clients' history in a file: JSON lines, each written as soon as it is known.

One line says what kind of evidence it holds: `run` (what was asked for),
`call` (one call and its outcome) or `watch` (all that one watcher has got).
"""

import json
import threading
from dataclasses import asdict
from pathlib import Path

from tests.faults.history import Call, History, Outcome
from tests.faults.watchers import Watched


class RecordFile:
    """Appends lines, from any thread; a line is complete or not there."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def write(self, kind: str, body: object) -> None:
        line = json.dumps({kind: body})
        with self._lock:
            self._file.write(line + "\n")

    def close(self) -> None:
        self._file.close()


class FileHistory(History):
    """A history that is written down as it happens."""

    def __init__(self, file: RecordFile) -> None:
        super().__init__()
        self._file = file

    def add(self, call: Call) -> None:
        super().add(call)
        self._file.write("call", asdict(call))


def read_record(path: Path) -> tuple[History, list[Watched]]:
    """Read a file back. A last line that was cut short by a crash is left out."""
    history = History()
    watched = []
    text = path.read_text()
    for line in text[: text.rfind("\n") + 1].splitlines():
        ((kind, body),) = json.loads(line).items()
        if kind == "call":
            history.add(Call(**{**body, "outcome": Outcome(body["outcome"])}))
        elif kind == "watch":
            pairs = [(str(code), str(reason)) for code, reason in body["breaks"]]
            watched.append(Watched(**{**body, "breaks": pairs}))
    return history, watched
