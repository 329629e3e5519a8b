"""XML from anybody: parsed without entities, files or network, and written back as it was.

A document type is refused before its first declaration is read: no entity of a document is ever
expanded. Where a format must allow the name of one, as EPUB does, it may declare nothing.
"""

import re
from typing import NoReturn
from xml.parsers import expat

from lxml import etree

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError, DocumentLimits

XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# The tree takes some ten times as much memory as the text.
_MAX_XML_BYTES = 64 * 1024 * 1024
# What libxml2 itself allows without `huge_tree`.
_PARSER_DEPTH = 256
_PROLOG_STEP_BYTES = 4096
# Characters that XML 1.0 (production 2) has no way to write.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TRAILING_SPACE = re.compile(rb"[\x20\t\r\n]*\Z")


class _RootFound(Exception):
    """The first element starts at `offset`; what follows is for the real parser."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


def parse_xml(
    data: bytes, limits: DocumentLimits, *, allow_doctype_name: bool = False
) -> etree._ElementTree:
    """Return the tree of an XML document.

    With `allow_doctype_name`, a document type without declarations of its own is let through; what
    it refers to is never fetched, and references to its entities stay as they are. Raises
    DocumentError: DOCUMENT_REFUSED for any other document type, DOCUMENT_TOO_LARGE for too many
    bytes or too deep a tree, DOCUMENT_DAMAGED for what is no XML.
    """
    if len(data) > _MAX_XML_BYTES:
        raise DocumentError(
            FailureReason.DOCUMENT_TOO_LARGE, "A part of the document has too much XML."
        )
    start = _root_offset(data, allow_doctype_name=allow_doctype_name)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        strip_cdata=False,
        remove_blank_text=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if "depth" in str(error.msg):
            _refuse_depth()
        raise DocumentError(
            FailureReason.DOCUMENT_DAMAGED, "A part of the document is not well-formed XML."
        ) from error
    tree = root.getroottree()
    # The two parsers may differ about what they read: what this one saw counts as well.
    if tree.docinfo.internalDTD is not None and (start < 0 or not allow_doctype_name):
        _refuse_doctype()
    if limits.max_xml_depth < _PARSER_DEPTH:
        _check_depth(root, limits.max_xml_depth)
    return tree


def serialise_xml(tree: etree._ElementTree, original: bytes) -> bytes:
    """Return a changed tree as bytes, with what stood before and after the root as it was.

    `original` is what the tree was parsed from.
    """
    root = tree.getroot()
    encoding = tree.docinfo.encoding or "UTF-8"
    start = _root_offset(original, allow_doctype_name=True)
    if start < 0 or encoding.upper() not in {"UTF-8", "ASCII", "US-ASCII"}:
        return etree.tostring(tree, encoding=encoding, xml_declaration=True)
    body = etree.tostring(root, encoding=encoding, xml_declaration=False, with_tail=False)
    after = [
        etree.tostring(node, encoding=encoding, with_tail=False) for node in root.itersiblings()
    ]
    trailing = _TRAILING_SPACE.search(original)
    return b"".join([original[:start], body, *after, trailing[0] if trailing else b""])


def xml_text(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return _NOT_XML.sub("", text)


def _root_offset(data: bytes, *, allow_doctype_name: bool) -> int:
    """Return the offset of the root element in bytes; -1 where only the other parser can tell."""
    parser = expat.ParserCreate()

    def on_doctype(
        name: str, system_id: str | None, public_id: str | None, has_declarations: int
    ) -> None:
        del name, system_id, public_id
        if has_declarations or not allow_doctype_name:
            _refuse_doctype()

    def on_element(name: str, attributes: dict[str, str]) -> None:
        del name, attributes
        # Past the call, the parser tells where the element ends.
        raise _RootFound(parser.CurrentByteIndex)

    parser.StartDoctypeDeclHandler = on_doctype
    parser.StartElementHandler = on_element
    try:
        for start in range(0, len(data), _PROLOG_STEP_BYTES):
            parser.Parse(data[start : start + _PROLOG_STEP_BYTES], False)
    except _RootFound as found:
        return found.offset
    except (expat.ExpatError, LookupError, ValueError):
        # The last two: an encoding that this parser does not know.
        return -1
    return -1


def _check_depth(root: etree._Element, max_depth: int) -> None:
    """Refuse a tree that is deeper than allowed, walking along its edges."""
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > max_depth:
            _refuse_depth()


def _refuse_doctype() -> NoReturn:
    raise DocumentError(
        FailureReason.DOCUMENT_REFUSED, "A part of the document declares a document type."
    )


def _refuse_depth() -> NoReturn:
    raise DocumentError(
        FailureReason.DOCUMENT_TOO_LARGE, "A part of the document is nested too deeply."
    )
