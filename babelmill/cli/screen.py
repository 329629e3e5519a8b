"""All that the command prints: results to stdout, everything else to stderr.

What comes from users, files and the service is text, never markup. On a
terminal its control characters are shown instead of obeyed; into a file or
pipe results go as they are.
"""

import sys
import unicodedata
from collections.abc import Sequence

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Explicit bidirectional controls reorder what is around them.
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def neutralise(text: str) -> str:
    """Show control characters as escapes, but for line ends and tabs."""
    return "".join(
        character if _is_harmless(character) else _escaped(character)
        for character in text.replace("\r\n", "\n")
    )


def one_line(text: str) -> str:
    """Make a text safe for one line of a message or table."""
    return neutralise(" ".join(text.splitlines())).replace("\t", " ")


def to_json(message: Message) -> str:
    """Write a message in the protobuf JSON mapping with the contract's names, in one line."""
    return json_format.MessageToJson(
        message, indent=None, ensure_ascii=False, preserving_proto_field_name=True
    )


def moment(time: Timestamp) -> str:
    """Write a time by RFC 3339; "" when there is none."""
    return time.ToJsonString() if time.seconds else ""


class Screen:
    """The two streams of this process, as they are now."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout.isatty()
        self.err = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)

    @property
    def shows_bars(self) -> bool:
        """Whether stderr is a terminal that can move its cursor."""
        return self.err.is_terminal and not self.err.is_dumb_terminal

    def result(self, text: str) -> None:
        """Print a result, ending in one line end."""
        shown = neutralise(text) if self.is_terminal else text
        self._line(shown.removesuffix("\n"))

    def note(self, line: str) -> None:
        """Tell something about the work, on stderr."""
        self.err.print(Text(one_line(line)))

    def problem(self, lines: Sequence[str]) -> None:
        """Tell what went wrong, on stderr."""
        first, *rest = lines
        self.err.print(Text(f"babelmill: {one_line(first)}"))
        for line in rest:
            self.err.print(Text("  " + one_line(line).strip()))

    def rows(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table: aligned on a terminal, else lines of tab-separated values."""
        if not self.is_terminal:
            for row in rows:
                self._line("\t".join(one_line(cell) for cell in row))
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for index, head in enumerate(heads):
            # The first column is what other commands are given: it stays whole.
            table.add_column(head, no_wrap=index == 0, min_width=_widest(rows) if not index else 0)
        for row in rows:
            table.add_row(*(Text(one_line(cell)) for cell in row))
        Console(markup=False, highlight=False).print(table)

    @staticmethod
    def _line(text: str) -> None:
        # Not typer.echo: into a file it drops what looks like colours.
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _widest(rows: Sequence[Sequence[str]]) -> int:
    """Return the width of the first column's widest cell."""
    return max((len(one_line(row[0])) for row in rows if row), default=0)


def _is_harmless(character: str) -> bool:
    if character in "\n\t":
        return True
    if unicodedata.category(character) in {"Cc", "Cs"}:
        return False
    return character not in _BIDIRECTIONAL


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"  # noqa: PLR2004  # one byte
