"""Gettext catalogues: what waits for a translation gets it, and nothing else changes."""

import shutil
import site
import subprocess
from pathlib import Path

import polib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.subtitle_samples import (
    OPTIONS,
    contents,
    swap_case,
    translated_by,
    written,
)
from translation_worker.document import Content, plain_text
from translation_worker.formats.codec import CodecOptions, DocumentError
from translation_worker.formats.po import PoCodec

HEADER = """\
# A comment
#, fuzzy
msgid ""
msgstr ""
"Project-Id-Version: test 1.0\\n"
"Language: \\n"
"Content-Type: text/plain; charset=CHARSET\\n"
"Plural-Forms: nplurals=INTEGER; plural=EXPRESSION;\\n"

"""
BODY = """\
#: main.c:1
#, c-format
msgid "Cannot open %s: error %d\\n"
msgstr ""

msgctxt "menu"
msgid "_File"
msgstr ""

#. for people
msgid "Done already"
msgstr "Feito já"

#, fuzzy, c-format
#| msgid "%d dog"
msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d cão"
msgstr[1] ""

#, c-format
msgid "One file left"
msgid_plural "%d files left"
msgstr[0] ""
msgstr[1] ""

msgid ""
"A text that is long enough to be wrapped by the tools of gettext, which put "
"it on several lines\\n"
"and say \\"so\\"."
msgstr ""

#, fuzzy
#~ msgid "Gone"
#~ msgstr "Foi"
"""


def placed(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "source.po"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def by_source(data: bytes, tmp_path: Path) -> dict[str, polib.POEntry]:
    path = tmp_path / "read_back.po"
    path.write_bytes(data)
    return {entry.msgid: entry for entry in polib.pofile(str(path)) if not entry.obsolete}


def test_only_untranslated_texts_are_segments_when_some_are_done(tmp_path: Path) -> None:
    found = contents(PoCodec(), placed(tmp_path, HEADER + BODY))
    assert [plain_text(content) for content in found.values()] == [
        "Cannot open %s: error %d",
        "File",
        "%d file",
        "%d files",
        "One file left",
        "%d files left",
        "A text that is long enough to be wrapped by the tools of gettext, which put it on several "
        'lines\nand say "so".',
    ]


def test_the_catalogue_is_the_same_when_nothing_is_translated(tmp_path: Path) -> None:
    path = placed(tmp_path, (HEADER + BODY).replace("\n", "\r\n"))
    assert written(PoCodec(), path, {})[0] == path.read_bytes()


def test_every_form_is_written_when_the_target_has_three(tmp_path: Path) -> None:
    path = placed(tmp_path, HEADER + BODY)
    translations: dict[str, Content] = {
        "e5": ("%d файл",),
        "e5.plural": ("%d файлов",),
        "e6": ("Остался один файл",),
        "e6.plural": ("Осталось %d файлов",),
    }
    data, outcome = written(PoCodec(), path, translations, "ru")
    found = by_source(data, tmp_path)
    assert found["%d file"].msgstr_plural == {0: "%d файл", 1: "%d файлов", 2: "%d файлов"}
    # Form 0 is for 21 as well, so "one file" would be wrong.
    assert set(found["One file left"].msgstr_plural.values()) == {"Осталось %d файлов"}
    assert "fuzzy" not in found["%d file"].flags
    assert found["%d file"].previous_msgid is None
    assert polib.pofile(data.decode()).metadata["Plural-Forms"].startswith("nplurals=3;")
    assert polib.pofile(data.decode()).metadata["Language"] == "ru"
    assert b"charset=UTF-8" in data
    assert outcome.notes == {}


def test_the_singular_is_used_when_its_form_is_for_one_alone(tmp_path: Path) -> None:
    path = placed(tmp_path, HEADER + BODY)
    data, _ = written(
        PoCodec(), path, {"e6": ("Queda un archivo",), "e6.plural": ("Quedan %d archivos",)}, "es"
    )
    found = by_source(data, tmp_path)["One file left"]
    assert found.msgstr_plural == {0: "Queda un archivo", 1: "Quedan %d archivos"}


@pytest.mark.parametrize("wrong", ["Error %d em %s", "Não abre: erro %d", "Não abre %s: %s %d"])
def test_a_translation_is_left_out_when_it_breaks_the_directives(
    wrong: str, tmp_path: Path
) -> None:
    path = placed(tmp_path, HEADER + BODY)
    data, outcome = written(PoCodec(), path, {"e2": (wrong,)})
    assert data == path.read_bytes()
    assert outcome.notes == {"directives_lost": 1}


def test_edges_and_accelerators_stay_when_the_words_change(tmp_path: Path) -> None:
    path = placed(tmp_path, HEADER + BODY)
    data, _ = written(
        PoCodec(), path, {"e2": ("Não abre %s: erro %d",), "e3": ("Ficheiro",)}, "pt-BR"
    )
    found = by_source(data, tmp_path)
    assert found["Cannot open %s: error %d\n"].msgstr == "Não abre %s: erro %d\n"
    assert found["_File"].msgstr == "_Ficheiro"
    assert polib.pofile(data.decode()).metadata["Language"] == "pt_BR"
    assert b'msgstr "Feito j\xc3\xa1"' in data


def test_the_encoding_changes_when_it_lacks_a_character(tmp_path: Path) -> None:
    head = HEADER.replace("CHARSET", "ISO-8859-1").replace("Language: ", "Language: pt")
    path = placed(tmp_path, (head + BODY).encode("iso-8859-1"))
    data, outcome = written(PoCodec(), path, {"e3": ("Ação",)})
    assert "_Ação".encode("iso-8859-1") in data
    assert outcome.notes == {}
    data, outcome = written(PoCodec(), path, {"e3": ("“Файл”",)})
    assert "“_Файл”".encode() in data
    assert b"charset=UTF-8" in data
    assert outcome.notes == {"encoding_changed": 1}


def test_a_header_is_written_when_there_was_none(tmp_path: Path) -> None:
    path = placed(tmp_path, BODY)
    data, _ = written(PoCodec(), path, {"e2": ("Ficheiro",)})
    metadata = polib.pofile(data.decode()).metadata
    assert metadata["Language"] == "pt"
    assert metadata["Content-Type"] == "text/plain; charset=UTF-8"


def test_its_own_words_are_translated_when_a_catalogue_is_of_the_source_language(
    tmp_path: Path,
) -> None:
    text = (
        HEADER.replace("Language: ", "Language: en_US") + 'msgid "home.title"\nmsgstr "Welcome"\n'
    )
    path = placed(tmp_path, text)
    target = tmp_path / "target.po"
    options = CodecOptions(source_language="en")
    (segment,) = PoCodec().read(path, options)
    assert segment.content == ("Welcome",)
    PoCodec().write(path, {segment.segment_id: ("Bem-vindo",)}, target, "pt", options)
    assert by_source(target.read_bytes(), tmp_path)["home.title"].msgstr == "Bem-vindo"


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        'msgid "a"\n',
        'msgid "a"\nmsgstr "b',
        'msgid "a"\nmsgid "b"\nmsgstr "c"\n',
        'msgid "a"\nmsgid_plural "b"\nmsgstr[1] "c"\n',
        'msgid "a"\nmsgstr "\0"\n',
        'msgid "a\\"\nmsgstr ""\n',
    ],
)
def test_the_catalogue_is_refused_when_it_is_damaged(text: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as refusal:
        PoCodec().read(placed(tmp_path, text), OPTIONS)
    assert refusal.value.reason is FailureReason.DOCUMENT_DAMAGED


def test_reading_is_quick_when_one_text_has_very_many_lines(tmp_path: Path) -> None:
    path = placed(tmp_path, 'msgid ""\n' + '"word "\n' * 200_000 + 'msgstr ""\n')
    assert len(contents(PoCodec(), path)) == 1


WORDS = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(' \n\t"\\_&%'), max_size=60
)


@given(sources=st.lists(WORDS.filter(lambda text: bool(text.strip())), max_size=5, unique=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_the_words_are_read_back_when_gettext_wrote_them(
    sources: list[str], tmp_path: Path
) -> None:
    catalogue = polib.POFile()
    catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Language": "pt"}
    for source in sources:
        catalogue.append(polib.POEntry(msgid=source))
    path = placed(tmp_path, str(catalogue).encode())
    assert written(PoCodec(), path, {})[0] == path.read_bytes()
    data, _ = written(PoCodec(), path, translated_by(PoCodec(), path, swap_case))
    found = polib.pofile(data.decode())
    assert [entry.msgid for entry in found] == sources
    # What is not swapped has no letter, or a mark at another letter than before.
    translated = [entry for entry in found if entry.msgstr]
    for entry in translated:
        assert sorted(swap_case(entry.msgid)) == sorted(entry.msgstr)


@pytest.mark.parametrize("language", ["pt-BR", "ru", "ar", "ja"])
def test_gettext_accepts_the_catalogue_when_it_is_written(language: str, tmp_path: Path) -> None:
    msgfmt = shutil.which("msgfmt")
    if msgfmt is None:
        pytest.skip("gettext is not installed")
    path = placed(tmp_path, HEADER + BODY)
    data, _ = written(PoCodec(), path, contents(PoCodec(), path), language)
    target = tmp_path / "checked.po"
    target.write_bytes(data)
    outcome = subprocess.run(
        [msgfmt, "--check-format", "--check-domain", "-o", "/dev/null", str(target)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert outcome.returncode == 0, outcome.stderr


def real_catalogues() -> list[Path]:
    folders = [*site.getsitepackages(), "/usr/share"]
    return [path for folder in folders for path in sorted(Path(folder).rglob("*.po"))[:15]]


def test_real_catalogues_stay_the_same_when_nothing_is_translated(tmp_path: Path) -> None:
    paths = real_catalogues()
    if not paths:
        pytest.skip("no catalogue is installed")
    target = tmp_path / "target.po"
    for path in paths:
        PoCodec().write(path, {}, target, "pt", OPTIONS)
        assert target.read_bytes() == path.read_bytes()
        translations = translated_by(PoCodec(), path, swap_case)
        PoCodec().write(path, translations, target, "pt", OPTIONS)
        assert len(polib.pofile(str(target))) == len(polib.pofile(str(path)))
