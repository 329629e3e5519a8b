"""The direction of text in Word documents, for languages written from right to left.

A paragraph and its runs say it each (ECMA-376 part 1, 17.3.1.6 and 17.3.2.30), at their place in
the order of the properties.
"""

from lxml import etree

from translation_worker.formats.docx_names import child, local_name, sibling_tag

# What stands before each of the two in the order that the schema asks for, or after it.
_BEFORE_BIDI = frozenset(
    {
        *("pStyle", "keepNext", "keepLines", "pageBreakBefore", "framePr", "widowControl"),
        *("numPr", "suppressLineNumbers", "pBdr", "shd", "tabs", "suppressAutoHyphens"),
        *("kinsoku", "wordWrap", "overflowPunct", "topLinePunct", "autoSpaceDE", "autoSpaceDN"),
    }
)
_AFTER_RTL = frozenset({"cs", "em", "lang", "eastAsianLayout", "specVanish", "oMath", "rPrChange"})


def set_paragraph_right_to_left(paragraph: etree._Element) -> None:
    """Let a paragraph run from right to left."""
    properties = child(paragraph, "pPr")
    if properties is None:
        properties = etree.Element(sibling_tag(paragraph, "pPr"), nsmap=paragraph.nsmap)
        paragraph.insert(0, properties)
    if child(properties, "bidi") is None:
        place = sum(local_name(one) in _BEFORE_BIDI for one in properties)
        properties.insert(place, etree.Element(sibling_tag(paragraph, "bidi")))


def set_run_right_to_left(run: etree._Element) -> None:
    """Let a run of words run from right to left."""
    properties = child(run, "rPr")
    if properties is None:
        properties = etree.Element(sibling_tag(run, "rPr"), nsmap=run.nsmap)
        run.insert(0, properties)
    if child(properties, "rtl") is None:
        after = sum(local_name(one) in _AFTER_RTL for one in properties)
        place = len(properties) - after
        properties.insert(place, etree.Element(sibling_tag(run, "rtl")))
