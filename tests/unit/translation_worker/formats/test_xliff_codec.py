"""XLIFF: targets are filled in with their codes, what is done stays, bombs are refused."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.subtitle_samples import (
    OPTIONS,
    contents,
    swap_case,
    translated_by,
    written,
)
from translation_worker.document import (
    Content,
    Segment,
    SegmentTranslation,
    Tag,
    TagKind,
    plain_text,
)
from translation_worker.formats.codec import DocumentError
from translation_worker.formats.xliff import XliffCodec
from translation_worker.xliff_twin import xliff_twin

V12 = """\
<?xml version='1.0' encoding="UTF-8"?>
<!-- made by hand -->
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2" xmlns:okp="okapi">
  <file source-language="en" datatype="plaintext" original="a.txt">
    <body>
      <trans-unit id="1" resname="title">
        <source>Hello <g id="1">big</g> world<x id="2"/>!</source>
      </trans-unit>
      <trans-unit id="2" approved="yes">
        <source>Approved</source>
        <target>Aprovado</target>
      </trans-unit>
      <trans-unit id="3">
        <source>Same</source>
        <target okp:a="1">Same</target>
        <note>keep me</note>
      </trans-unit>
      <trans-unit id="4">
        <source>Kept</source>
        <target>Mantido</target>
      </trans-unit>
      <group translate="no"><trans-unit id="5"><source>Never</source></trans-unit>
        <trans-unit id="6" translate="yes" maxwidth="9" size-unit="char">
          <source>Yes</source>
        </trans-unit>
      </group>
      <trans-unit id="7">
        <source>One. Two.</source>
        <seg-source
          ><mrk mtype="seg" mid="0">One.</mrk> <mrk mtype="seg" mid="1">Two.</mrk></seg-source>
      </trans-unit>
      <trans-unit id="8">
        <source>Press <ph id="1">&lt;b&gt;</ph>now <mrk mtype="protected">ACME</mrk></source>
        <target state="new">x</target>
        <alt-trans><source>No</source><target>Não</target></alt-trans>
      </trans-unit>
    </body>
  </file>
</xliff>
"""
V20 = """\
<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="en">
 <file id="f1">
  <unit id="1" name="heading">
   <originalData><data id="d1">&lt;br/&gt;</data></originalData>
   <segment id="s1">
    <source>Hello <pc id="1">big</pc> world<ph id="2" dataRef="d1"/></source>
   </segment>
   <ignorable><source> </source></ignorable>
   <segment id="s2" state="final"><source>Done</source><target>Feito</target></segment>
   <segment id="s3" state="initial"><source>Again</source><target>Again</target></segment>
  </unit>
  <unit id="2" translate="no"><segment><source>Never</source></segment></unit>
 </file>
</xliff>
"""


def placed(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "source.xlf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def texts(tmp_path: Path, text: str) -> dict[str, str]:
    found = contents(XliffCodec(), placed(tmp_path, text))
    return {key: plain_text(content) for key, content in found.items()}


def test_what_waits_is_read_when_the_version_is_1(tmp_path: Path) -> None:
    assert texts(tmp_path, V12) == {
        "u1": "Hello big world!",
        "u3": "Same",
        "u6": "Yes",
        "u7.1": "One.",
        "u7.2": "Two.",
        "u8": "Press now ",
    }
    segments = {each.segment_id: each for each in XliffCodec().read(placed(tmp_path, V12), OPTIONS)}
    assert segments["u1"].context == "title"
    assert segments["u6"].max_characters == 9


def test_what_waits_is_read_when_the_version_is_2(tmp_path: Path) -> None:
    assert texts(tmp_path, V20) == {"u1.1": "Hello big world", "u1.3": "Again"}


@pytest.mark.parametrize("text", [V12, V20])
def test_the_file_is_the_same_when_nothing_is_translated(text: str, tmp_path: Path) -> None:
    path = placed(tmp_path, text.replace("\n", "\r\n"))
    assert written(XliffCodec(), path, {})[0] == path.read_bytes()


@pytest.mark.parametrize("text", [V12, V20])
def test_only_targets_change_when_all_is_translated(text: str, tmp_path: Path) -> None:
    path = placed(tmp_path, text)
    data, outcome = written(XliffCodec(), path, translated_by(XliffCodec(), path, swap_case))
    assert outcome.notes in ({}, {"translations_of_another_language_kept": 1})
    assert contents(XliffCodec(), placed(tmp_path, data)) == {}
    # Without what is said of targets, both are the same, but for the space between elements.
    before, after = (_without_targets(each) for each in (text.encode(), data))
    assert before == after


def _without_targets(data: bytes) -> bytes:
    root = etree.fromstring(data)
    for element in root.iter("*"):
        for name in ("target-language", "trgLang", "state", "state-qualifier"):
            element.attrib.pop(name, None)
        element.tail = (element.tail or "").strip()
        element.text = (element.text or "").strip()
    for target in list(root.iter("{*}target")):
        parent = target.getparent()
        assert parent is not None
        parent.remove(target)
    return etree.tostring(root)


def test_codes_are_in_the_target_when_they_are_in_the_source(tmp_path: Path) -> None:
    path = placed(tmp_path, V12)
    opening, closing = Tag(1, TagKind.OPENING), Tag(1, TagKind.CLOSING)
    alone = Tag(2, TagKind.ALONE)
    content: Content = ("Olá mundo ", opening, "grande", closing, alone, "!")
    data, _ = written(XliffCodec(), path, {"u1": content})
    assert (
        '<target state="translated" state-qualifier="leveraged-mt">Olá mundo <g id="1">grande</g>'
        '<x id="2"/>!</target>\n      </trans-unit>'
    ) in data.decode()
    assert b'target-language="pt"' in data
    assert b"<!-- made by hand -->" in data


def test_nothing_is_written_when_a_code_is_lost(tmp_path: Path) -> None:
    path = placed(tmp_path, V12)
    data, outcome = written(XliffCodec(), path, {"u1": ("Olá mundo!",)})
    assert data == path.read_bytes()
    assert outcome.notes == {"tags_lost": 1}


def test_the_target_is_cut_like_the_source_when_that_is(tmp_path: Path) -> None:
    path = placed(tmp_path, V12)
    data, _ = written(XliffCodec(), path, {"u7.1": ("Um.",), "u7.2": ("Dois.",)})
    expected = '><mrk mtype="seg" mid="0">Um.</mrk> <mrk mtype="seg" mid="1">Dois.</mrk></target>'
    assert expected in data.decode()
    data, _ = written(XliffCodec(), path, {"u7.2": ("Dois.",)})
    assert '<target state="needs-translation"><mrk mtype="seg" mid="0">One.</mrk>' in data.decode()
    assert set(contents(XliffCodec(), placed(tmp_path, data))) >= {"u7.1"}


def test_the_state_tells_of_it_when_a_segment_is_translated(tmp_path: Path) -> None:
    data, _ = written(XliffCodec(), placed(tmp_path, V20), {"u1.3": ("De novo",)})
    assert b'state="translated"><source>Again</source><target>De novo</target>' in data
    assert b'trgLang="pt"' in data
    assert b'state="final"><source>Done</source><target>Feito</target>' in data


@pytest.mark.matrix(36)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", FailureReason.DOCUMENT_DAMAGED),
        ("<html/>", FailureReason.DOCUMENT_DAMAGED),
        ('<xliff version="9"/>', FailureReason.DOCUMENT_DAMAGED),
        ('<xliff version="1.2"><file>', FailureReason.DOCUMENT_DAMAGED),
        (
            '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xliff version="1.2">&b;</xliff>',
            FailureReason.DOCUMENT_REFUSED,
        ),
        (
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xliff version="1.2">&a;'
            "</xliff>",
            FailureReason.DOCUMENT_REFUSED,
        ),
        (
            '<xliff version="1.2">' + "<group>" * 300 + "</group>" * 300 + "</xliff>",
            FailureReason.DOCUMENT_TOO_LARGE,
        ),
    ],
)
def test_the_file_is_refused_when_it_is_damaged_or_hostile(
    text: str, reason: FailureReason, tmp_path: Path
) -> None:
    path = placed(tmp_path, text)
    for action in (
        lambda: XliffCodec().read(path, OPTIONS),
        lambda: written(XliffCodec(), path, {}),
    ):
        with pytest.raises(DocumentError) as refusal:
            action()
        assert refusal.value.reason is reason


WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=20)


@given(words=st.lists(WORDS, min_size=1, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_words_and_codes_are_read_back_when_they_were_written(
    words: list[str], tmp_path: Path
) -> None:
    root = etree.fromstring(
        b'<xliff version="1.2"><file><body><trans-unit id="1"/></body></file></xliff>'
    )
    source = etree.SubElement(next(root.iter("trans-unit")), "source")
    source.text = words[0]
    for number, text in enumerate(words[1:]):
        etree.SubElement(source, "g" if number % 2 else "x", id=str(number)).tail = text
    path = placed(tmp_path, etree.tostring(root, encoding="utf-8"))
    translations = translated_by(XliffCodec(), path, swap_case)
    after = etree.fromstring(written(XliffCodec(), path, translations)[0])
    target = next(after.iter("target"), None)
    if translations and target is not None:
        assert "".join(target.itertext("*")) == swap_case("".join(words))
        assert [each.get("id") for each in target] == [each.get("id") for each in source]


def test_only_what_kept_its_source_waits_when_a_twin_comes_back(tmp_path: Path) -> None:
    alone = Tag(1, TagKind.ALONE)
    segments = [Segment("p1", ("Hello ", alone, "there")), Segment("p2", ("Not done",))]
    twin = xliff_twin(
        "a.docx",
        "en",
        "pt",
        [
            (segments[0], SegmentTranslation("p1", ("Olá ", alone), "masked")),
            (segments[1], SegmentTranslation("p2", ("Not done",), "kept_source")),
        ],
    )
    assert contents(XliffCodec(), placed(tmp_path, twin)) == {"u2.1": ("Not done",)}
