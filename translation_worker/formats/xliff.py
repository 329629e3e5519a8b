"""XLIFF files, versions 1.x and 2.x: targets are filled in, sources and the rest stay.

What has a translation already - a target that says so, an approved unit - is left alone, so that
a file can be translated, edited, and translated again where it has grown. Codes of a source come
into its target whole; a translation without them is not written.
"""

import copy
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from lxml import etree

from translation_worker.document import Content, Segment, plain_text
from translation_worker.formats.codec import CodecOptions, Written
from translation_worker.formats.safe_xml import parse_xml, serialise_xml
from translation_worker.formats.text_encoding import read_bytes
from translation_worker.formats.text_slots import Slot, counted, has_words
from translation_worker.formats.xliff_inline import local_name
from translation_worker.formats.xliff_units import (
    Segmented,
    XliffTree,
    XliffUnit,
    child_of,
    segment_marks,
    target_of,
)

_HEADS = tuple(
    f"<{prefix}xliff".encode(coding)
    for prefix in ("", "x:", "xliff:")
    for coding in ("utf-8", "utf-16-le", "utf-16-be")
)


class XliffCodec:
    """Codec of XLIFF."""

    name = "xliff"
    description = "XLIFF 1.x and 2.x; units without a translation get one, marked with its state."
    extensions = (".xliff", ".xlf")
    media_types = ("application/xliff+xml", "application/x-xliff+xml")

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by the root element."""
        return not members and any(each in head for each in _HEADS)

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return a segment for each source without a translation. Raises DocumentError."""
        data = read_bytes(path, options.limits)
        tree = XliffTree(parse_xml(data, options.limits))
        slots = (
            Slot(
                Segment(each.segment_id, each.text.content, unit.context, unit.max_characters), 0, 0
            )
            for unit in tree.units()
            for each in unit.waiting
            if has_words(plain_text(each.text.content))
        )
        return [slot.segment for slot in counted(slots, options)]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        """Fill in the targets, and say that they are translated. Raises DocumentError."""
        data = read_bytes(path, options.limits)
        parsed = parse_xml(data, options.limits)
        tree = XliffTree(parsed)
        notes: Counter[str] = Counter()
        done = written = 0
        # All units first: the targets that are made would be met on the way.
        for number, unit in enumerate(list(tree.units())):
            if number % 1000 == 0:
                options.stop()
            done += unit.is_done
            if _fill_unit(unit, translations, target_language, notes):
                written += 1
        if written:
            if done and tree.target_languages() - {target_language}:
                notes["translations_of_another_language_kept"] += done
            tree.set_target_language(target_language)
            data = serialise_xml(parsed, data)
        target.write_bytes(data)
        return Written(notes=dict(notes))


def _fill_unit(
    unit: XliffUnit, translations: Mapping[str, Content], language: str, notes: Counter[str]
) -> bool:
    """Fill in what of a unit is translated; tell whether anything is."""
    chosen: dict[str, Content] = {}
    for each in unit.waiting:
        content = translations.get(each.segment_id)
        if content is None:
            continue
        if each.text.fits(content):
            chosen[each.segment_id] = content
        else:
            notes["tags_lost"] += 1
    if not chosen:
        return False
    target = target_of(unit.holder, language)
    for each in unit.waiting:
        place = target if each.mark is None else _mark_in(target, unit.holder, each)
        if each.segment_id in chosen:
            each.text.fill(place, chosen[each.segment_id])
    _set_state(unit.holder, target, is_whole=len(chosen) == len(unit.waiting))
    return True


def _set_state(holder: etree._Element, target: etree._Element, *, is_whole: bool) -> None:
    if local_name(holder) == "segment":
        # A finer state of the work before says nothing of this one.
        holder.attrib.pop("subState", None)
        holder.set("state", "translated")
    elif is_whole:
        target.set("state", "translated")
        target.set("state-qualifier", "leveraged-mt")
    else:
        target.attrib.pop("state-qualifier", None)
        target.set("state", "needs-translation")


def _mark_in(target: etree._Element, holder: etree._Element, piece: Segmented) -> etree._Element:
    """Return a segment's mark in a target, which is cut as the source is if it was not yet."""
    marks = list(segment_marks(target))
    cut = child_of(holder, "seg-source")
    if not marks and cut is not None:
        for child in list(target):
            target.remove(child)
        target.text = cut.text
        target.extend(copy.deepcopy(child) for child in cut)
        marks = list(segment_marks(target))
    for mark in marks:
        if mark.get("mid", "") == piece.mark:
            return mark
    added = copy.deepcopy(piece.source)
    added.tail = None
    target.append(added)
    return added
