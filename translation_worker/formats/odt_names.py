"""Names of the OpenDocument format (OASIS ODF 1.3, part 3)."""

from lxml import etree

OFFICE, STYLE, TEXT, TABLE, FO = (
    f"{{urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}"
    for name in ("office", "style", "text", "table", "xsl-fo-compatible")
)


def text_name(element: etree._Element) -> str:
    """Return the name of an element of text; empty for any other, and for comments."""
    tag: object = element.tag
    return tag[len(TEXT) :] if isinstance(tag, str) and tag.startswith(TEXT) else ""
