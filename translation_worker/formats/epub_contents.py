"""Contents of an EPUB book: which of its members hold text, in the order of reading.

Sources: EPUB Open Container Format 3.3 §4, EPUB Packages 3.3 §5.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError, DocumentLimits
from translation_worker.formats.packages import Package
from translation_worker.formats.safe_xml import parse_xml

CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
# Fonts are obfuscated for their licences; the text is not.
_FONT_ALGORITHMS = frozenset(
    {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
)
_PAGE_TYPES = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})
_TABLE_TYPE = "application/x-dtbncx+xml"


@dataclass(frozen=True, slots=True)
class BookContents:
    """Names of members: the pages, the tables of contents besides them, and the metadata."""

    pages: tuple[str, ...]
    tables: tuple[str, ...]
    metadata: str


def contents_of(package: Package, limits: DocumentLimits) -> BookContents:
    """Find the members of a book that hold text.

    Raises DocumentError: DOCUMENT_ENCRYPTED, DOCUMENT_DAMAGED, and as its XML is refused.
    """
    _check_encryption(package, limits)
    metadata = _metadata_name(package, limits)
    root = _parsed(package, metadata, limits).getroot()
    folder = posixpath.dirname(metadata)
    names: dict[str, str] = {}
    types: dict[str, str] = {}
    for item in _elements(root, "item"):
        name = posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))
        names[item.get("id") or ""] = name
        types[name] = (item.get("media-type") or "").strip().lower()
    spine = [names.get(item.get("idref") or "", "") for item in _elements(root, "itemref")]
    pages = [name for name in dict.fromkeys([*spine, *types]) if types.get(name) in _PAGE_TYPES]
    return BookContents(
        tuple(name for name in pages if name in package),
        tuple(name for name, kind in types.items() if kind == _TABLE_TYPE and name in package),
        metadata,
    )


def _check_encryption(package: Package, limits: DocumentLimits) -> None:
    if _ENCRYPTION not in package:
        return
    root = _parsed(package, _ENCRYPTION, limits).getroot()
    for data in _elements(root, "EncryptedData"):
        method = next(_elements(data, "EncryptionMethod"), None)
        if method is None or method.get("Algorithm") not in _FONT_ALGORITHMS:
            raise DocumentError(FailureReason.DOCUMENT_ENCRYPTED)


def _metadata_name(package: Package, limits: DocumentLimits) -> str:
    if CONTAINER not in package:
        raise _damaged()
    root = _parsed(package, CONTAINER, limits).getroot()
    for file in _elements(root, "rootfile"):
        name = posixpath.normpath(unquote(file.get("full-path") or ""))
        if name in package:
            return name
    raise _damaged()


def _parsed(package: Package, name: str, limits: DocumentLimits) -> etree._ElementTree:
    return parse_xml(package.read(name), limits, allow_doctype_name=True)


def _elements(root: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the elements of a name in any namespace, as old books use several."""
    yield from root.iter(f"{{*}}{name}")


def _damaged() -> DocumentError:
    return DocumentError(FailureReason.DOCUMENT_DAMAGED, "The book does not tell its contents.")
