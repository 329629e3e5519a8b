"""What holds for every office document: read and written, only its words are others."""

import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from lxml import etree

from translation_worker.document import Content, Segment, is_well_formed, plain_text
from translation_worker.formats.codec import Codec, CodecOptions
from translation_worker.tagged_text import flatten

OPTIONS = CodecOptions()


def read(codec: Codec, path: Path) -> dict[str, Segment]:
    segments = codec.read(path, OPTIONS)
    by_id = {segment.segment_id: segment for segment in segments}
    assert len(by_id) == len(segments)
    assert all(is_well_formed(segment.content) for segment in segments)
    return by_id


def texts(codec: Codec, path: Path) -> list[str]:
    """Return the segments with their tags written out."""
    return [flatten(segment.content).text for segment in read(codec, path).values()]


def swapped(content: Content) -> Content:
    """Return a content with other words of the same letters; "ß" and its like stay."""
    return tuple(
        "".join(one.swapcase() if one.swapcase().swapcase() == one else one for one in part)
        if isinstance(part, str)
        else part
        for part in content
    )


def write_swapped(codec: Codec, path: Path, target: Path, language: str = "") -> None:
    translations = {name: swapped(one.content) for name, one in read(codec, path).items()}
    codec.write(path, translations, target, language, OPTIONS)


def assert_keeps_everything_but_words(codec: Codec, path: Path, folder: Path) -> None:
    """Write the source, then other words, then the source's again, and compare each time."""
    segments = read(codec, path)
    same, other, again = folder / "same", folder / "other", folder / "again"
    codec.write(path, {name: one.content for name, one in segments.items()}, same, "", OPTIONS)
    assert same.read_bytes() == path.read_bytes()
    write_swapped(codec, path, other)
    found = read(codec, other)
    assert list(found) == list(segments)
    for name, segment in segments.items():
        assert plain_text(found[name].content) == plain_text(swapped(segment.content))
    write_swapped(codec, other, again)
    back = read(codec, again)
    for name, segment in segments.items():
        assert plain_text(back[name].content) == plain_text(segment.content)
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(other) as after:
        assert after.testzip() is None
        assert after.namelist() == before.namelist()
        for name in before.namelist():
            if before.read(name) != after.read(name):
                assert _skeleton(after.read(name)) == _skeleton(before.read(name))
                assert _fixed(after.read(name)) == _fixed(before.read(name))
                assert _all_text(after.read(name)) == _all_text(before.read(name))


# Runs and their properties, and what is forgotten of a paragraph, may be others.
_RUN_NAMES = frozenset(
    {
        *("r", "t", "rPr", "proofErr", "lastRenderedPageBreak", "smartTag", "smartTagPr"),
        *("softHyphen", "noBreakHyphen", "span", "s", "phoneticPr", "tableColumn"),
        "soft-page-break",
    }
)

_DESCRIBING = frozenset({"alt", "descr", "title"})


def _all_text(data: bytes) -> str:
    """Return the text of all elements, be it translated or not, without spaces and case."""
    text = "".join(str(text) for text in etree.fromstring(data).itertext())
    return "".join(text.replace("\u2011", "").split()).casefold()


def _fixed(data: bytes) -> Counter[str]:
    """Count all elements outside of runs' properties, with their attributes but descriptions."""
    return Counter(
        f"{element.tag!s}{sorted(one for one in element.items() if one[0] not in _DESCRIBING)}"
        for element in etree.fromstring(data).iter("{*}*")
        if not _is_of_run(element)
    )


def _skeleton(data: bytes) -> list[str]:
    """Return the tags of paragraphs and what is above them, in their order."""
    kept = {"p", "tc", "tbl", "body", "txBody", "sp", "h", "si", "row", "c", "hdr", "ftr"}
    return [
        str(element.tag)
        for element in etree.fromstring(data).iter("{*}*")
        if etree.QName(element).localname in kept
    ]


def _is_of_run(element: etree._Element) -> bool:
    return any(
        etree.QName(one).localname in _RUN_NAMES and not _is_alone(element, one)
        for one in (element, *_line(element))
    )


def _is_alone(element: etree._Element, run: etree._Element) -> bool:
    """Tell whether an element only lies in a run, such as a drawing."""
    between = [one for one in (element, *_line(element)) if one is not run]
    names = {etree.QName(one).localname for one in between}
    return etree.QName(run).localname == "r" and element is not run and not names & {"rPr", "t"}


def _line(element: etree._Element) -> Iterator[etree._Element]:
    yield from element.iterancestors()


def translations_of(codec: Codec, path: Path, words: Mapping[str, str]) -> dict[str, Content]:
    """Return translations for segments without tags, by their words."""
    return {
        name: (words[plain_text(segment.content)],)
        for name, segment in read(codec, path).items()
        if plain_text(segment.content) in words
    }
