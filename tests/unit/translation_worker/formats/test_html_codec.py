"""HTML: only words and readable attributes change, in the bytes of the page."""

import sysconfig
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.text_round_trips import (
    kept,
    louder,
    replaced,
    same,
    segments_of,
    texts_of,
    written,
)
from translation_worker.document import Content, Segment, Tag, plain_text, tags_of
from translation_worker.formats.html_codec import HtmlCodec

HTML = HtmlCodec()

SAMPLE = """<!DOCTYPE html>
<html lang="en-US">
<head><meta charset="utf-8"><title>The &amp; page</title>
<meta name="description" content='It&#39;s nice'><style>p { color: red }</style></head>
<body class=x>
<h1>Heading <em>two</em></h1>
<p title="A title">Some words with <b>bold <i title="in">it</i></b>, <code>x &lt; y</code>
and a <a href="u">link&nbsp;here</a>.<br>
<p translate=no>Not this <b>x</b>
<p>But this <span class="notranslate">Brand</span> and <span lang=fr>bonjour</span> 5 &lt; 6
<ul><li><a href=x><b>Wrapped</b></a><li>Two <img src=a alt="A picture"></ul>
<pre>code <b>x</b></pre><script>if (a < b) "text"</script>
<input type=submit value=Send><input value=Keep placeholder="Your name">
<textarea>keep</textarea><select><option>One choice</select>
<!-- comment --></body></html>
"""

PIECES = st.sampled_from(
    ["<p>", "</p>", "<b>", "</b>", "<i title='t w'>", "</i>", "<br>", "<img alt=word>", "<li>",
     "<a href=u>",
     "</a>", "<code>", "</code>", "<pre>", "</pre>", "<script>", "</script>", "<!--", "-->", "<",
     ">", "&amp;", "&", "&nbsp;", "word ", "two words", " ", "\n", "<div translate=no>", "</div>",
     "<title>", "</title>", "é", "'", '"', "=", "/", "<span lang=fr>", "</span>", "<html lang=en>"]
)  # fmt: skip


class _Skeleton(HTMLParser):
    """Gathers the tags of a page, and its words apart."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.tags: list[object] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept_names = {"href", "src", "class", "type"}
        self.tags.append((tag, [pair for pair in attrs if pair[0] in kept_names]))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(tag)

    def handle_comment(self, data: str) -> None:
        self.tags.append(data)


def test_only_words_change_when_they_are_translated() -> None:
    out = replaced(SAMPLE.encode(), HTML, louder)

    assert out.startswith('<!DOCTYPE html>\n<html lang="pt">')
    assert _Skeleton(out).tags == _Skeleton(SAMPLE).tags
    for expected in (
        "<title>THE &amp; PAGE</title>",
        "content='IT&#39;S NICE'",
        "<style>p { color: red }</style>",
        "<h1>HEADING <em>TWO</em></h1>",
        '<p title="A TITLE">SOME WORDS WITH <b>BOLD <i title="IN">IT</i></b>, <code>x &lt; y</code>'
        ' AND A <a href="u">LINK&nbsp;HERE</a>.<br>\n',
        "<p translate=no>Not this <b>x</b>\n",
        '<p>BUT THIS <span class="notranslate">Brand</span> AND <span lang=fr>bonjour</span>'
        " 5 &lt; 6\n",
        '<a href=x><b>WRAPPED</b></a><li>TWO <img src=a alt="A PICTURE"></ul>',
        '<pre>code <b>x</b></pre><script>if (a < b) "text"</script>',
        '<input type=submit value="SEND"><input value=Keep placeholder="YOUR NAME">',
        "<textarea>keep</textarea><select><option>ONE CHOICE</select>",
    ):
        assert expected in out


def test_segment_is_the_words_alone_when_markup_is_around_all_of_it() -> None:
    (segment,) = segments_of(HTML, b"<td>\n <a href=u><b>Just <i>these</i> words</b> </a></td>")

    assert plain_text(segment.content) == "Just these words"
    assert len(tags_of(segment.content)) == 2


def test_line_begins_a_segment_when_a_sentence_ended_before_it() -> None:
    page = b"<p>One.<br>Two <br/>three!<br><br>Four <b>five.<br>Six</b></p>"

    assert texts_of(HTML, page) == ["One.", "Two three!", "Four five.Six"]
    assert written(HTML, page, louder)[0] == page.upper().replace(b"P>", b"p>").replace(
        b"BR", b"br"
    ).replace(b"B>", b"b>")


@pytest.mark.matrix(51)
def test_words_are_escaped_when_they_look_like_markup() -> None:
    out = replaced(
        b"<p title='t'>text</p>", HTML, lambda segment: ("<script>&amp; ' \" </script>",)
    )

    assert out == (
        "<p title='&lt;script>&amp;amp; &#39; \" &lt;/script>'>"
        "&lt;script>&amp;amp; ' \" &lt;/script></p>"
    )


def test_characters_are_references_when_the_encoding_lacks_them() -> None:
    data = '<html lang="en"><meta charset="iso-8859-1"><p>Caf\u00e9 au lait</p>'.encode("cp1252")

    assert texts_of(HTML, data) == ["Café au lait"]
    new, _ = written(HTML, data, lambda segment: ("Кафé",), language="ru")
    assert new.startswith(b'<html lang="ru">')
    assert unescape(new.decode("cp1252")).endswith("<p>Кафé</p>")


def test_characters_are_spelled_as_before_when_the_page_always_spells_them_so() -> None:
    page = "<p>a&nbsp;b &eacute; \u00e9 &#65; &#32; &gt; 5</p>".encode()

    out = replaced(page, HTML, lambda segment: ("x\u00a0y \u00e9 A > 6",))
    assert out == "<p>x&nbsp;y \u00e9 A &gt; 6</p>"


def test_direction_is_set_when_the_target_is_written_from_the_right() -> None:
    new, _ = written(HTML, b"<html><p>Text</p>", lambda segment: ("نص",), language="ar")

    assert new.decode() == '<html lang="ar" dir="rtl"><p>نص</p>'


def test_source_is_kept_when_a_translation_has_lost_a_tag() -> None:
    new, outcome = written(HTML, b"<p>A <b>bold</b> word.", lambda segment: ("Palavra.",))

    assert new == b"<p>A <b>bold</b> word."
    assert outcome.notes == {"tags_lost": 1}


def test_long_text_is_cut_when_it_is_past_what_a_segment_holds() -> None:
    data = b"<p>" + b"A sentence of words. " * 1000 + b"<b>x</b> <i>y</i> " * 1000 + b"</p>"

    assert max(map(len, texts_of(HTML, data))) < 8000
    assert max(len(segment.content) for segment in segments_of(HTML, data)) < 1000
    assert written(HTML, data, same)[0] == data


@settings(deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_bytes_stay_when_nothing_is_translated(text: str) -> None:
    for page in (text, f"<?xml version='1.0'?>{text}"):
        assert kept(HTML, page.encode()) == page.encode()


@settings(deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_tags_stay_when_words_are_replaced(text: str) -> None:
    def shouted(segment: Segment) -> Content:
        return tuple(
            part if isinstance(part, Tag) else part.replace("word", "<WORT")
            for part in segment.content
        )

    out = replaced(text.encode(), HTML, shouted)
    assert out.count("&lt;WORT") == sum(
        plain_text(segment.content).count("word") for segment in segments_of(HTML, text.encode())
    )
    assert texts_of(HTML, out.encode()) == [
        one.replace("word", "<WORT") for one in texts_of(HTML, text.encode())
    ]


def test_bytes_stay_when_pages_are_real() -> None:
    folder = Path(sysconfig.get_paths()["purelib"])
    pages = [*sorted(folder.rglob("*.html")), *sorted(Path("/usr/share/doc").rglob("*.html"))[:6]]
    for path in pages:
        data = path.read_bytes()
        assert written(HTML, data, same)[0] == data
        out, _ = written(HTML, data, louder, language="en")
        assert len(texts_of(HTML, out)) == len(texts_of(HTML, data))
        before, after = data.decode("utf-8", "replace"), out.decode("utf-8", "replace")
        assert _Skeleton(after).tags == _Skeleton(before).tags
    assert pages


@pytest.mark.parametrize(
    "data",
    [b"<b>" * 10_000, b"<div>" * 10_000 + b"x", b"<" * 5_000, b"<a b=" * 5_000, b"<!--" * 10_000,
     b"<a '" * 5_000, b"<title>" * 5_000, b"&" * 5_000, b"<a " + b" " * 5_000,
     b"</b>" * 10_000,
     b"<b>" * 5_000 + b"x" + b"</i>" * 5_000, b"<![CDATA[" * 5_000, b"x <b>" * 5_000],
    ids=lambda data: repr(data[:9]),
)  # fmt: skip
@pytest.mark.timeout(60)
def test_page_ends_in_time_when_it_is_hostile(data: bytes) -> None:
    assert kept(HTML, data) == data
    assert HTML.recognises(data[:4096], ()) is False


@pytest.mark.matrix(36)
def test_page_is_refused_when_it_declares_entities() -> None:
    bomb = b'<!DOCTYPE html [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><html><p>&b;</p></html>'

    assert kept(HTML, bomb) is FailureReason.DOCUMENT_REFUSED


def test_page_is_refused_when_it_is_no_text() -> None:
    assert kept(HTML, b"<html>\0</html>") is FailureReason.DOCUMENT_DAMAGED


@pytest.mark.parametrize(
    ("head", "is_html"),
    [(b"<!doctype HTML>", True), (b"\xef\xbb\xbf <!-- x --><html lang=en>", True),
     (b"<svg>", False),
     (b'<?xml version="1.0"?><html xmlns="x">', True), (b"<!---->" * 580 + b"x", False),
     (b"", False)],
)  # fmt: skip
def test_page_is_recognised_when_it_begins_like_one(head: bytes, *, is_html: bool) -> None:
    assert HTML.recognises(head, ()) is is_html
