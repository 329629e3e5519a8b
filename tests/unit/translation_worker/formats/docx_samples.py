"""Word documents for tests, made with python-docx and by hand."""

from collections.abc import Callable
from pathlib import Path

import docx
from docx.document import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.text.paragraph import Paragraph

RUN = "<w:r><w:t xml:space='preserve'>{}</w:t></w:r>"


def saved(folder: Path, fill: Callable[[Document], object]) -> Path:
    document = docx.Document()
    fill(document)
    path = folder / "source.docx"
    document.save(str(path))
    return path


def with_markup(folder: Path, *markup: str) -> Path:
    """Save a document of one paragraph that holds this markup."""

    def fill(document: Document) -> None:
        append(document.add_paragraph(), *markup)

    return saved(folder, fill)


def append(paragraph: Paragraph, *markup: str) -> None:
    spaces = nsdecls("w", "r", "wp", "a") + (
        ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
        ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
        ' xmlns:v="urn:schemas-microsoft-com:vml"'
        ' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    )
    holder = parse_xml(f"<w:p {spaces}>{''.join(markup)}</w:p>")
    for element in list(holder):
        paragraph._p.append(element)  # type: ignore[arg-type]  # any element may follow


def field(instruction: str, result: str) -> str:
    return (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        f'<w:r><w:instrText xml:space="preserve"> {instruction} </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        f'{RUN.format(result)}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


def full_document(document: Document) -> None:
    document.core_properties.title = "The quarterly report"
    document.add_heading("Introduction", 1)
    paragraph = document.add_paragraph("This is a ")
    paragraph.add_run("very important").bold = True
    paragraph.add_run(" sentence.")
    append(
        document.add_paragraph(),
        RUN.format("See page "),
        field("PAGEREF _Ref1", "3"),
        '<w:hyperlink w:anchor="x">',
        RUN.format(" of the book"),
        "</w:hyperlink>",
        '<w:bookmarkStart w:id="1" w:name="_Ref1"/>',
        RUN.format(" that"),
        '<w:bookmarkEnd w:id="1"/>',
        '<w:del w:id="9" w:author="a"><w:r><w:delText>bad</w:delText></w:r></w:del>',
        '<w:ins w:id="8" w:author="a"><w:r><w:t>good</w:t></w:r></w:ins>',
        '<w:r><w:tab/><w:t>after</w:t><w:br/></w:r><w:r><w:footnoteReference w:id="2"/></w:r>',
    )
    table = document.add_table(2, 2)
    table.cell(0, 0).text = "Name"
    table.cell(1, 1).text = "12.5"
    section = document.sections[0]
    section.header.paragraphs[0].text = "Words of the header"
    section.footer.paragraphs[0].text = "Words of the footer"
