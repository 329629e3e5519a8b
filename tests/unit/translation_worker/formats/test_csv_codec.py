"""CSV: text columns are translated, delimiters, quotes and the first row stay."""

import csv
import io

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
from translation_worker.document import plain_text
from translation_worker.formats.codec import CodecOptions, RecordRules
from translation_worker.formats.csv_codec import CsvCodec

CSV = CsvCodec()

SAMPLE = (
    "\ufeffid;title;price;url;comment;name;size\r\n"
    '1;A nice lamp;3,50;https://a.b/c;"It ""glows""\r\nat night.\r\n\r\nNew part";Rose;Large\r\n'
    "2; Blue chair ;;;Sold out;Hugo;Large\r\n"
    '\r\n3;"Table";7;;"";Ines;Small\r\n'
    "4;Bed;7;;;Paul;Small"
)
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def test_text_columns_change_when_they_are_translated() -> None:
    assert replaced(SAMPLE.encode(), CSV, louder) == (
        SAMPLE.replace("A nice lamp", "A NICE LAMP")
        .replace("Blue chair", "BLUE CHAIR")
        .replace("Table", "TABLE")
        .replace("Bed", "BED")
        .replace('It ""glows""\r\nat night.', 'IT ""GLOWS""\r\nAT NIGHT.')
        .replace("New part", "NEW PART")
        .replace("Sold out", "SOLD OUT")
        .replace("Large", "LARGE")
        .replace("Small", "SMALL")
    )


def test_segments_are_called_by_row_and_column_when_they_are_read() -> None:
    found = segments_of(CSV, b"title,note\nOne lamp,\nTwo lamps,Some note\n")

    assert [(one.segment_id, plain_text(one.content), one.context) for one in found] == [
        ("r1c0", "One lamp", "title"),
        ("r2c0", "Two lamps", "title"),
        ("r2c1", "Some note", "note"),
    ]


def test_named_columns_are_translated_when_there_are_rules() -> None:
    options = CodecOptions(record_rules=RecordRules(target_fields=("name",)))

    assert texts_of(CSV, SAMPLE.encode(), options) == ["Rose", "Hugo", "Ines", "Paul"]


@pytest.mark.parametrize("words", ["a, b", '"a" b', "a\nb", 'a "b"', "a"])
def test_cell_holds_the_words_when_they_need_quotes(words: str) -> None:
    for source in ("id,text\n1,some words\n2,more words\n", 'id,text\n1,"some words"\n2,x y\n'):
        out, _ = written(CSV, source.encode(), {"r1c1": (words,)})
        rows = list(csv.reader(io.StringIO(out.decode(), newline="")))
        assert rows[1] == ["1", words]
        assert len(rows) == 3


def test_delimiter_is_the_announced_one_when_there_is_one() -> None:
    data = b"sep=;\ntext;n\nSome, words;1\n"

    assert texts_of(CSV, data) == ["Some, words"]


@settings(deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_bytes_stay_when_nothing_is_translated(
    rows: list[list[str]], delimiter: str, line_end: str, is_quoted: bool
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(
        file,
        delimiter=delimiter,
        lineterminator=line_end,
        quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL,
    )
    writer.writerows(rows)
    data = file.getvalue().encode()

    assert written(CSV, data, same)[0] == data


@settings(deadline=None)
@given(st.lists(st.sampled_from([",", '"', '""', "\n", "\r", "ab cd", " ", ";", "\t", "|"])))
def test_bytes_stay_when_the_table_is_damaged(pieces: list[str]) -> None:
    data = "".join(pieces).encode()

    assert kept(CSV, data) == data


@settings(deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=6))
def test_other_cells_stay_when_words_are_replaced(values: list[str]) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerows([["id", "text"], *[[value, "Some words"] for value in values]])

    out, _ = written(CSV, file.getvalue().encode(), lambda segment: ('Wo,"rte',))
    rows = list(csv.reader(io.StringIO(out.decode(), newline="")))
    before = list(csv.reader(io.StringIO(file.getvalue(), newline="")))
    assert len(rows) == len(before)
    assert {row[1] for row in rows[1:]} == {'Wo,"rte'}


@pytest.mark.parametrize(
    "data",
    [b'",' * 10_000, b"," * 16_000, b'"' * 100_000, b'"a",\n' * 20_000 + b'"', b"x" * 1_000_000,
     b"a,b\n" * 250_000, b'x"\n,"' * 20_000],
    ids=lambda data: repr(data[:8]),
)  # fmt: skip
@pytest.mark.timeout(60)
def test_table_ends_in_time_when_it_is_hostile(data: bytes) -> None:
    assert kept(CSV, data) == data


def test_table_is_refused_when_it_is_too_wide() -> None:
    assert kept(CSV, b"," * 20_000) is FailureReason.DOCUMENT_TOO_LARGE
