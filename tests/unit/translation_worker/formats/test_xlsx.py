"""Workbooks keep everything but their words, and what formulas and tables need of those."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter  # type: ignore[import-untyped]  # published without types
from lxml import etree
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.workbook import Workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table
from openpyxl.worksheet.worksheet import Worksheet

from tests.unit.translation_worker.formats.office_round_trips import (
    OPTIONS,
    assert_keeps_everything_but_words,
    read,
    texts,
    translations_of,
    write_swapped,
)
from translation_worker.document import plain_text
from translation_worker.formats.office_items import Words, join
from translation_worker.formats.office_layout import lay_out
from translation_worker.formats.xlsx import XlsxCodec
from translation_worker.formats.xlsx_headers import has_header_words, header_slots

CODEC = XlsxCodec()


def saved(folder: Path, fill: Callable[[Worksheet], object]) -> Path:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    fill(sheet)
    path = folder / "source.xlsx"
    book.save(path)
    return path


def cells(path: Path) -> dict[str, object]:
    sheet = openpyxl.load_workbook(path).active
    assert isinstance(sheet, Worksheet)
    return {cell.coordinate: cell.value for row in sheet.iter_rows() for cell in row if cell.value}


def with_table(sheet: Worksheet) -> None:
    for row in (("Name", "Amount", "Total cost"), ("Chair", 3, 4.5), ("Table", 1, "Name")):
        sheet.append(row)
    sheet.add_table(Table(displayName="Goods", ref="A1:C3"))


def full_workbook(sheet: Worksheet) -> None:
    with_table(sheet)
    sheet.title = "Sheet of words"
    sheet["E1"] = CellRichText("Very ", TextBlock(InlineFont(b=True), "bold"), " words")
    sheet["E2"] = "first line\nsecond line"
    sheet["E3"] = '=IF(E4="Yes",B2*2,"None at all")'
    sheet["E4"] = "Yes"
    sheet["E5"] = "Comment here"
    sheet["E5"].comment = Comment("A word about it", "Author")
    chart = BarChart()
    chart.title = "Title of the chart"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    sheet.add_chart(chart, "G1")


def test_texts_are_read_and_numbers_and_formulas_are_not(tmp_path: Path) -> None:
    found = texts(CODEC, saved(tmp_path, full_workbook))
    for expected in (
        "Name",
        "Chair",
        "Very <g1>bold</g1> words",
        "first line<x1/>second line",
        "A word about it",
        "Title of the chart",
    ):
        assert expected in found
    assert not any("IF" in text or "4.5" in text or "Sheet of" in text for text in found)


def test_only_words_change_when_a_full_workbook_is_written(tmp_path: Path) -> None:
    assert_keeps_everything_but_words(CODEC, saved(tmp_path, full_workbook), tmp_path)


def test_a_written_workbook_opens_elsewhere_with_its_new_words(tmp_path: Path) -> None:
    path, target = saved(tmp_path, full_workbook), tmp_path / "target.xlsx"
    write_swapped(CODEC, path, target, "pt")
    before, after = cells(path), cells(target)
    assert after["A2"] == "cHAIR"
    assert after["E2"] == "FIRST LINE\nSECOND LINE"
    assert (after["B2"], after["C2"]) == (3, 4.5)
    assert after["E3"] == before["E3"]
    book = openpyxl.load_workbook(target, rich_text=True)
    rich = book["Sheet of words"]["E1"].value
    assert isinstance(rich, CellRichText)
    assert str(rich) == "vERY BOLD WORDS"
    bold = [block for block in rich if isinstance(block, TextBlock) and block.font.b]
    assert [block.text for block in bold] == ["BOLD"]


def test_columns_are_named_as_their_headings_when_a_table_is_translated(tmp_path: Path) -> None:
    path, target = saved(tmp_path, with_table), tmp_path / "target.xlsx"
    words = {"Name": "Nome", "Amount": "Quantidade", "Total cost": "Custo total"}
    CODEC.write(path, translations_of(CODEC, path, words), target, "pt", OPTIONS)
    table = openpyxl.load_workbook(target).worksheets[0].tables["Goods"]
    assert [column.name for column in table.tableColumns] == list(words.values())
    assert [cells(target)[name] for name in ("A1", "B1", "C1", "C3")] == [*words.values(), "Nome"]


def test_headings_keep_their_words_when_two_would_be_the_same(tmp_path: Path) -> None:
    path, target = saved(tmp_path, with_table), tmp_path / "target.xlsx"
    words = {"Name": "Valor", "Amount": "valor ", "Total cost": "Custo", "Chair": "Cadeira"}
    written = CODEC.write(path, translations_of(CODEC, path, words), target, "pt", OPTIONS)
    assert written.notes == {"table_headings_kept": 2}
    table = openpyxl.load_workbook(target).worksheets[0].tables["Goods"]
    assert [column.name for column in table.tableColumns] == ["Name", "Amount", "Custo"]
    assert [cells(target)[name] for name in ("A1", "B1", "C1", "A2")] == [
        *("Name", "Amount", "Custo", "Cadeira")
    ]


def test_a_heading_with_line_breaks_stays_the_name_of_its_column(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append(("Total\ncost", "Name"))
        sheet.append((1, "x"))
        table = Table(displayName="Goods", ref="A1:B2")
        table._initialise_columns()  # type: ignore[attr-defined]  # the stubs lack it
        table.tableColumns[0].name, table.tableColumns[1].name = "Total_x000a_cost", "Name"
        sheet.add_table(table)

    path, target = saved(tmp_path, fill), tmp_path / "target.xlsx"
    write_swapped(CODEC, path, target)
    assert cells(target)["A1"] == "tOTAL\nCOST"
    with zipfile.ZipFile(target) as package:
        names = package.read("xl/tables/table1.xml").decode()
    assert 'name="tOTAL_x000a_COST"' in names
    assert 'name="nAME"' in names


def test_headings_stay_when_a_formula_names_a_column(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        with_table(sheet)
        sheet["E1"] = "=SUM(Goods[Amount])"

    found = texts(CODEC, saved(tmp_path, fill))
    assert "Chair" in found
    assert not {"Name", "Amount", "Total cost"} & set(found)


@pytest.mark.parametrize("formula", ['=IF(A1="Ready",1,2)', '=VLOOKUP("Ready",A1:B2,2)'])
def test_a_word_stays_when_a_formula_compares_with_it(tmp_path: Path, formula: str) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["A1"], sheet["A2"], sheet["A3"] = "Ready", "Ready to go", formula

    assert texts(CODEC, saved(tmp_path, fill)) == ["Ready to go"]


def test_words_stay_when_they_are_choices_of_a_list(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["A1"], sheet["A2"] = "Maybe later", "Pick one"
        choices = DataValidation(type="list", formula1='"Yes,No, Maybe later"')
        choices.add("A1")
        sheet.add_data_validation(choices)

    assert texts(CODEC, saved(tmp_path, fill)) == ["Pick one"]


def test_inline_strings_are_read_when_a_sheet_has_them(tmp_path: Path) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["Some words", 5])
    book.save(tmp_path / "source.xlsx")
    assert texts(CODEC, tmp_path / "source.xlsx") == ["Some words"]
    assert_keeps_everything_but_words(CODEC, tmp_path / "source.xlsx", tmp_path)


def test_labels_of_a_chart_are_translated_as_the_cells_that_they_repeat(tmp_path: Path) -> None:
    path = saved(tmp_path, full_workbook)
    assert len([text for text in texts(CODEC, path) if text == "Amount"]) == 1
    assert len(read(CODEC, path)) == len(set(read(CODEC, path)))


def test_shared_strings_are_read_and_written_when_a_workbook_has_them(tmp_path: Path) -> None:
    path, target = tmp_path / "source.xlsx", tmp_path / "target.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("Words")
    bold = book.add_format({"bold": True})
    sheet.add_table("A1:B3", {"columns": [{"header": "Name"}, {"header": "Number"}]})
    sheet.write("A2", "Chair")
    sheet.write_rich_string("A3", "A ", bold, "red", " table")
    sheet.write("B2", 12)
    chart = book.add_chart({"type": "column"})
    chart.add_series({"name": "=Words!$A$1", "values": "=Words!$B$2:$B$3"})
    chart.set_title({"name": "All of it"})
    sheet.insert_chart("D1", chart)
    sheet.insert_textbox("D20", "Words in a box")
    book.close()
    assert set(texts(CODEC, path)) == {
        *("Name", "Number", "Chair", "A <g1>red</g1> table", "All of it", "Words in a box")
    }
    assert_keeps_everything_but_words(CODEC, path, tmp_path)
    write_swapped(CODEC, path, target)
    assert cells(target)["A3"] == "a RED TABLE"
    with zipfile.ZipFile(target) as package:
        assert b">nAME<" in package.read("xl/charts/chart1.xml")


def page_texts(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as package:
        root = etree.fromstring(package.read("xl/worksheets/sheet1.xml"))
    names = ("oddHeader", "oddFooter", "evenHeader")
    return {name: root.findtext(f"{{*}}headerFooter/{{*}}{name}") or "" for name in names}


def with_page_texts(sheet: Worksheet) -> None:
    sheet["A1"] = 1
    header, footer = sheet.oddHeader, sheet.oddFooter
    assert header is not None
    assert footer is not None
    header.left.text = "&[Tab]"
    header.center.text = "Costs && income of &[Date]"
    header.center.font, header.center.size = "Arial,Bold", 12
    footer.right.text = "Page &[Page] of &N"


def test_headers_and_footers_are_translated_and_their_codes_stay(tmp_path: Path) -> None:
    path, target = saved(tmp_path, with_page_texts), tmp_path / "target.xlsx"
    before = page_texts(path)
    assert before["oddHeader"] == '&L&A&C&"Arial,Bold"&12 Costs && income of &D'
    found = read(CODEC, path).values()
    assert [(plain_text(one.content), one.context) for one in found] == [
        ("Costs & income of", "header"),
        ("Page  of", "footer"),
    ]
    write_swapped(CODEC, path, target)
    after = page_texts(target)
    assert after["oddHeader"] == '&L&A&C&"Arial,Bold"&12 cOSTS && INCOME OF &D'
    assert after["oddFooter"] == "&RpAGE &P OF &N"


def test_a_header_never_starts_with_a_digit_behind_its_size() -> None:
    page = etree.fromstring(
        "<headerFooter><oddHeader>&amp;C&amp;12Costs</oddHeader></headerFooter>"
    )
    (section,) = header_slots(page)
    size, _ = join(section.items())
    section.fill([size, Words("2024 costs")], "pt")
    assert page.findtext("oddHeader") == "&C&12 2024 costs"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("&amp;C&amp;A", False),
        ("&amp;Lab", True),
        ("&amp;c&amp;p / &amp;n", False),
        ("&amp;C&amp;&quot;Arial,Bold&quot;&amp;12 &amp;K00FF00 &amp;P+1", False),
        ("&amp;CProfit &amp;&amp; loss", True),
        ("&amp;R12 &amp;&amp; 13", False),
    ],
)
def test_sheet_is_taken_apart_when_its_headers_have_words(header: str, words: bool) -> None:
    sheet = f"<worksheet><headerFooter><oddHeader>{header}</oddHeader></headerFooter></worksheet>"
    assert has_header_words(sheet.encode()) is words
    slots = header_slots(etree.fromstring(sheet))
    assert any(lay_out(slot.items()).has_words for slot in slots) is words


def test_a_header_keeps_its_words_when_others_would_be_too_long(tmp_path: Path) -> None:
    path, target = saved(tmp_path, with_page_texts), tmp_path / "target.xlsx"
    found = read(CODEC, path)
    changed = {name: (*one.content, "word " * 50) for name, one in found.items()}
    changed = {
        name: content if found[name].context == "header" else found[name].content
        for name, content in changed.items()
    }
    written = CODEC.write(path, changed, target, "pt", OPTIONS)
    assert written.notes == {"headers_kept": 1}
    assert page_texts(target) == page_texts(path)
