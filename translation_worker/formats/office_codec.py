"""What the codecs of office documents have in common: parts with slots, read and written in turn.

A codec says which members of its package hold words and how to find the slots in one. A part in
which nothing changes is not written anew, so that it stays equal to the last byte.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment, plain_text
from translation_worker.formats.codec import CodecOptions, DocumentError, Written
from translation_worker.formats.office_items import Item
from translation_worker.formats.office_layout import Layout, lay_out
from translation_worker.formats.office_slots import Slot
from translation_worker.formats.packages import Package, open_package, rewrite_package
from translation_worker.formats.safe_xml import parse_xml, serialise_xml

FindSlots = Callable[[etree._Element], Sequence[Slot]]
SetLanguage = Callable[[etree._Element, str], bool]


def no_slots(root: etree._Element) -> Sequence[Slot]:
    """Find no words: for a part in which only the language is named."""
    del root
    return ()


def no_language(root: etree._Element, language: str) -> bool:
    """Set no language: for a part that names none."""
    del root, language
    return False


@dataclass(frozen=True, slots=True)
class PartKind:
    """How a part is read, and how its language is set, which tells whether that changed it."""

    find_slots: FindSlots = no_slots
    set_language: SetLanguage = no_language


class OfficeCodec(ABC):
    """Reads and writes packages of XML parts."""

    name: str
    description: str
    extensions: tuple[str, ...]
    media_types: tuple[str, ...]

    @abstractmethod
    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        """Tell by the first bytes and the names of the members if a package surely is one."""

    @abstractmethod
    def parts(self, package: Package, options: CodecOptions) -> Mapping[str, PartKind]:
        """Return the parts to read, by their names, in the order of the document."""

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        """Return the segments in the order of the document. Raises DocumentError."""
        segments: list[Segment] = []
        characters = 0
        seen: set[str] = set()
        with open_package(path, options.limits) as package:
            for name, kind in self.parts(package, options).items():
                options.stop()
                if kind.find_slots is no_slots or name not in package:
                    continue
                root = parse_xml(package.read(name), options.limits).getroot()
                for segment in _segments(name, kind.find_slots(root), seen, options):
                    segments.append(segment)
                    characters += len(plain_text(segment.content))
                    _check_size(len(segments), characters, options)
        return segments

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        """Write the translated document to `target`, from the original at `path`.

        A segment that has no translation keeps its words. Raises DocumentError.
        """
        replaced: dict[str, bytes] = {}
        with open_package(path, options.limits) as package:
            for name, kind in self.parts(package, options).items():
                options.stop()
                if name not in package:
                    continue
                data = package.read(name)
                tree = parse_xml(data, options.limits)
                root = tree.getroot()
                # All are read before the first is filled: a text box lies in a paragraph.
                changed = False
                for slot, items in _translated(name, kind.find_slots(root), translations, options):
                    slot.fill(items, target_language)
                    changed = True
                if target_language and kind.set_language(root, target_language):
                    changed = True
                if changed:
                    replaced[name] = serialise_xml(tree, data)
        rewrite_package(path, target, replaced, options.limits)
        return Written()


def _segments(
    name: str, slots: Sequence[Slot], seen: set[str], options: CodecOptions
) -> Iterator[Segment]:
    """Yield a segment for each slot with words that does not repeat one that was seen."""
    for slot in slots:
        options.stop()
        one_id = segment_id(name, slot)
        if one_id in seen:
            continue
        layout = lay_out(slot.items())
        if layout.has_words:
            seen.add(one_id)
            yield Segment(one_id, layout.content, slot.context)


def _translated(
    name: str,
    slots: Sequence[Slot],
    translations: Mapping[str, Content],
    options: CodecOptions,
) -> list[tuple[Slot, list[Item]]]:
    """Return the slots in which something else than the source is to stand, with it."""
    filled: list[tuple[Slot, list[Item]]] = []
    for slot in slots:
        options.stop()
        content = translations.get(segment_id(name, slot))
        if content is None:
            continue
        layout: Layout = lay_out(slot.items())
        if content != layout.content:
            filled.append((slot, layout.arrange(content)))
    return filled


def segment_id(part_name: str, slot: Slot) -> str:
    """Return the id of the segment that a slot of a part is."""
    # A key with a colon is the id of a slot in another part that holds the same.
    return slot.key if ":" in slot.key else f"{part_name.removesuffix('.xml')}:{slot.key}"


def _check_size(segments: int, characters: int, options: CodecOptions) -> None:
    limits = options.limits
    if segments > limits.max_segments or characters > limits.max_characters:
        raise DocumentError(
            FailureReason.DOCUMENT_TOO_LARGE, "The document has more text than is accepted."
        )
