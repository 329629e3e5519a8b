"""Units of XLIFF files: where their sources and targets are, and which wait for a translation.

Versions 1.0 to 1.2 have a target for each trans-unit, cut by marks into segments or not; from
version 2.0 on each segment of a unit has its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError
from translation_worker.formats.safe_xml import XML_LANG
from translation_worker.formats.xliff_inline import InlineText, inline_text, local_name, words_of

# A target in one of these states holds no translation yet, whatever is in it.
_WAITING_STATES = frozenset({"new", "needs-translation"})
# A target in one of these is somebody's work.
_DONE_STATES = frozenset(
    {
        "final", "needs-adaptation", "needs-l10n", "needs-review-adaptation", "needs-review-l10n",
        "needs-review-translation", "reviewed", "signed-off", "translated",
    }
)  # fmt: skip
_MAX_CONTEXT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Segmented:
    """A piece of a unit to translate: its id, its source element and what is in that.

    `mark` is the id of its segment mark in the target, if the unit is cut by marks.
    """

    segment_id: str
    source: etree._Element
    text: InlineText
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class XliffUnit:
    """A holder of a source and its target; `waiting` is what in it is not translated yet."""

    holder: etree._Element
    waiting: tuple[Segmented, ...]
    is_done: bool
    context: str
    max_characters: int | None


class XliffTree:
    """The tree of an XLIFF file."""

    def __init__(self, tree: etree._ElementTree) -> None:
        """Take a tree. Raises DocumentError DOCUMENT_DAMAGED if it is no XLIFF."""
        self.root = tree.getroot()
        version = self.root.get("version", "")
        if local_name(self.root) != "xliff" or version[:2] not in {"1.", "2."}:
            raise DocumentError(FailureReason.DOCUMENT_DAMAGED, "The file is no XLIFF.")
        self.is_version_1 = version.startswith("1.")

    def units(self) -> Iterator[XliffUnit]:
        """Yield the holders of targets in the order of the file."""
        number = 0
        for element in self.root.iter("{*}trans-unit" if self.is_version_1 else "{*}unit"):
            number += 1
            if not _is_translatable(element):
                continue
            if self.is_version_1:
                yield _trans_unit(element, number)
            else:
                for index, segment in enumerate(_children(element, "segment"), 1):
                    yield _segment(segment, element, f"u{number}.{index}")

    def target_languages(self) -> set[str]:
        """Return the languages that the file says its targets are in."""
        if not self.is_version_1:
            return {self.root.get("trgLang", "")} - {""}
        return {file.get("target-language", "") for file in self.root.iter("{*}file")} - {""}

    def set_target_language(self, language: str) -> None:
        """Say which language the targets are in."""
        if not self.is_version_1:
            self.root.set("trgLang", language)
        else:
            for file in self.root.iter("{*}file"):
                file.set("target-language", language)


def child_of(element: etree._Element, name: str) -> etree._Element | None:
    """Return the first child of a name; None if there is none."""
    return next(_children(element, name), None)


def target_of(holder: etree._Element, language: str) -> etree._Element:
    """Return the target of a holder, made after its source if there is none."""
    target = child_of(holder, "target")
    if target is None:
        source = child_of(holder, "source")
        assert source is not None, "only holders with a source are translated"
        anchor = child_of(holder, "seg-source")
        anchor = source if anchor is None else anchor
        target = etree.Element(etree.QName(etree.QName(source).namespace, "target"))
        follows_last = anchor.getnext() is None
        indentation = anchor.tail
        anchor.addnext(target)
        target.tail = indentation
        if follows_last and not (holder.text or "").strip():
            anchor.tail = holder.text
        else:
            anchor.tail = indentation
        if source.get(XML_LANG) is not None:
            target.set(XML_LANG, language)
    elif target.get(XML_LANG) is not None:
        target.set(XML_LANG, language)
    return target


def segment_marks(element: etree._Element) -> Iterator[etree._Element]:
    """Return the marks that cut a source or target of version 1.2 into segments."""
    return (each for each in element.iter("{*}mrk") if each.get("mtype") == "seg")


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (child for child in element if local_name(child) == name)


def _is_translatable(element: etree._Element) -> bool:
    """Tell by the nearest element that says so; approved units are done."""
    if element.get("approved") == "yes":
        return False
    for each in (element, *element.iterancestors()):
        if (value := each.get("translate")) is not None:
            return value != "no"
    return True


def _trans_unit(unit: etree._Element, number: int) -> XliffUnit:
    source, target = child_of(unit, "source"), child_of(unit, "target")
    state = "" if target is None else target.get("state", "")
    cut = child_of(unit, "seg-source")
    marks = [] if cut is None else list(segment_marks(cut))
    waiting: list[Segmented] = []
    done = 0
    if marks:
        targets = (
            {} if target is None else {each.get("mid"): each for each in segment_marks(target)}
        )
        for index, mark in enumerate(marks, 1):
            if _is_done(mark, targets.get(mark.get("mid")), state):
                done += 1
            else:
                segment_id = f"u{number}.{index}"
                waiting.append(Segmented(segment_id, mark, inline_text(mark), mark.get("mid", "")))
    elif source is not None and not _is_done(source, target, state):
        waiting.append(Segmented(f"u{number}", source, inline_text(source)))
    else:
        done = 1
    return XliffUnit(
        unit, tuple(waiting), done > 0, _context(unit, "resname"), _max_characters(unit)
    )


def _segment(segment: etree._Element, unit: etree._Element, segment_id: str) -> XliffUnit:
    source, target = child_of(segment, "source"), child_of(segment, "target")
    state = segment.get("state", "")
    is_done = source is None or _is_done(source, target, "" if state == "initial" else state)
    waiting = (
        () if is_done or source is None else (Segmented(segment_id, source, inline_text(source)),)
    )
    return XliffUnit(segment, waiting, is_done, _context(unit, "name"), None)


def _is_done(source: etree._Element, target: etree._Element | None, state: str) -> bool:
    """Tell whether a target holds a translation.

    Many tools put the source where a translation shall be: without a state, that is none.
    """
    words = words_of(target)
    if not words or state in _WAITING_STATES:
        return False
    return state in _DONE_STATES or words != words_of(source)


def _context(element: etree._Element, attribute: str) -> str:
    return element.get(attribute, "")[:_MAX_CONTEXT_CHARACTERS]


def _max_characters(unit: etree._Element) -> int | None:
    width = unit.get("maxwidth", "")
    is_characters = unit.get("size-unit") == "char" and width.isascii() and width.isdigit()
    return int(width[:9]) if is_characters else None
