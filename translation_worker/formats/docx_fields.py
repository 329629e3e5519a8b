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
    places: dict[etree._Element, FieldPlace] = {}
    opened: list[Field] = []
    for element in _run_contents(root):
        kind = ""
        if local_name(element) == "fldChar":
            kind = word_attribute(element, "fldCharType")
        if kind == "begin":
            opened.append(Field())
        if not opened:
            continue
        governing = next((one for one in opened if not (one.in_result and one.has_words)), None)
        if governing is not None:
            places[element] = FieldPlace(governing)
        if kind == "separate":
            opened[-1].in_result = True
            opened[-1].has_words = has_words(opened[-1].instruction)
        elif kind == "end":
            ended = opened.pop()
            if governing is None:
                places[element] = FieldPlace(ended, is_end=True)
        elif local_name(element) == "instrText" and not opened[-1].in_result:
            opened[-1].instruction += element.text or ""
    return places


def _run_contents(root: etree._Element) -> Iterator[etree._Element]:
    for run in root.iter("{*}r"):
        if local_name(run) == "r":
            yield from (child for child in run if local_name(child) != "rPr")
