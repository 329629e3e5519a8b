"""Fields of a Word document: which parts of one are code, and which results hold words.

A complex field (ECMA-376 part 1, 17.16.18) is a begin, its code, a separator, its result and an
end, in runs that may lie in several paragraphs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from translation_worker.formats.docx_names import local_name, word_attribute

# The results of these are words of the document or of its author; all others are made by a
# program: numbers, dates, names, references of a citation manager.
_WORDED = frozenset({"HYPERLINK", "INDEX", "QUOTE", "REF", "STYLEREF", "SUBJECT", "TITLE", "TOC"})


@dataclass(eq=False, slots=True)
class Field:
    """One complex field."""

    instruction: str = ""
    in_result: bool = False
    has_words: bool = False


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """That an element of a run belongs to a field.

    Of a field with words, only the code and the end do; of any other, all of it.
    """

    field: Field
    is_end: bool = False


def has_words(instruction: str) -> bool:
    """Tell by a field's code whether its result is translated."""
    words = instruction.split(maxsplit=1)
    return bool(words) and words[0].upper() in _WORDED


def find_fields(root: etree._Element) -> dict[etree._Element, FieldPlace]:
    """Return the elements of runs that belong to fields."""
    finder = _Finder()
    for element in _run_contents(root):
        finder.see(element)
    return finder.places


class _Finder:
    """Goes through the elements of runs in their order, and notes where fields are."""

    def __init__(self) -> None:
        self.places: dict[etree._Element, FieldPlace] = {}
        self._opened: list[Field] = []
        # The outermost open field of which this place is code, or whose result has no words.
        self._governing: Field | None = None

    def see(self, element: etree._Element) -> None:
        kind = ""
        if local_name(element) == "fldChar":
            kind = word_attribute(element, "fldCharType")
        if kind == "begin":
            self._opened.append(Field())
            self._governing = self._governing or self._opened[-1]
        if not self._opened:
            return
        if self._governing is not None:
            self.places[element] = FieldPlace(self._governing)
        if kind == "separate":
            self._start_result(self._opened[-1])
        elif kind == "end":
            self._end(element, self._opened.pop())
        elif local_name(element) == "instrText" and not self._opened[-1].in_result:
            self._opened[-1].instruction += element.text or ""

    def _start_result(self, field: Field) -> None:
        field.in_result = True
        field.has_words = has_words(field.instruction)
        if self._governing is field and field.has_words:
            self._governing = None

    def _end(self, element: etree._Element, field: Field) -> None:
        if self._governing is None:
            self.places[element] = FieldPlace(field, is_end=True)
        elif self._governing is field:
            self._governing = None


def _run_contents(root: etree._Element) -> Iterator[etree._Element]:
    for run in root.iter("{*}r"):
        if local_name(run) == "r":
            yield from (child for child in run if local_name(child) != "rPr")
