"""The bilingual page and the XLIFF twin: everything escaped, every segment there."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from translation_worker.document import Segment, SegmentTranslation, Tag, TagKind
from translation_worker.document_bilingual import bilingual_page
from translation_worker.xliff_twin import xliff_twin

OPEN, CLOSE = Tag(1, TagKind.OPENING), Tag(1, TagKind.CLOSING)
BREAK = Tag(1, TagKind.ALONE)
HOSTILE = '<script>alert("x")</script> & \' <img src=x onerror=y>'
NAMESPACE = {"x": "urn:oasis:names:tc:xliff:document:2.0"}


def a_pair(
    words: str, way: str = "masked", segment_id: str = "p1"
) -> tuple[Segment, SegmentTranslation]:
    return (
        Segment(segment_id, (words, OPEN, "b", CLOSE, BREAK)),
        SegmentTranslation(segment_id, (OPEN, "B", CLOSE, words, BREAK), way),
    )


class Page(HTMLParser):
    """Notes what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_nothing_can_run_when_the_words_are_hostile() -> None:
    page = bilingual_page(HOSTILE, 'en"><script>', "pt", [a_pair(HOSTILE)])
    seen = Page()
    seen.feed(page.decode())
    assert "script" not in seen.elements
    assert "img" not in seen.elements
    assert seen.attributes == {"lang", "charset", "http-equiv", "content", "dir"}
    assert f"{HOSTILE}b " in seen.words
    assert f"B{HOSTILE} " in seen.words
    assert "default-src &#x27;none&#x27;" in page.decode()


def test_a_row_is_marked_when_it_keeps_its_source() -> None:
    page = bilingual_page("a", "en", "pt", [a_pair("x"), a_pair("y", "kept_source", "p2")])
    assert len(re.findall(r'<tr class="kept">', page.decode())) == 1


@given(st.text(st.characters(), min_size=1), st.text(st.characters(), min_size=1))
def test_the_twin_holds_every_word_when_it_is_parsed(words: str, segment_id: str) -> None:
    tree = ElementTree.fromstring(
        xliff_twin("a.md", "en", "pt", [a_pair(words, "masked", segment_id)])
    )
    source = tree.find(".//x:source", NAMESPACE)
    assert source is not None
    found = source.text or ""
    for child in source:
        if child.tag.endswith("}cp"):
            found += chr(int(child.attrib["hex"], 16)) + (child.tail or "")
    assert found == words


def test_tags_have_the_same_ids_when_the_twin_is_written() -> None:
    data = xliff_twin("a.md", "en", "pt", [a_pair("w"), a_pair("k", "kept_source", "p2")]).decode()
    assert '<source>w<pc id="g1">b</pc><ph id="x1"/></source>' in data
    assert '<target><pc id="g1">B</pc>w<ph id="x1"/></target>' in data
    assert data.count('state="translated"') == data.count('state="initial"') == 1
