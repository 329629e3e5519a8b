"""Format registry: the codecs there are, and which of them a file is for.

A file's content decides where it can; a filename, and then a media type, where it cannot. What a
client says of its file is a hint and never makes a codec read what the content denies.
"""

from collections.abc import Collection
from pathlib import Path, PurePosixPath

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.ass import AssCodec
from translation_worker.formats.codec import Codec, DocumentError, DocumentLimits
from translation_worker.formats.csv_codec import CsvCodec
from translation_worker.formats.docx import DocxCodec
from translation_worker.formats.epub import EpubCodec
from translation_worker.formats.html_codec import HtmlCodec
from translation_worker.formats.json_codec import JsonCodec
from translation_worker.formats.markdown import MarkdownCodec
from translation_worker.formats.odt import OdpCodec, OdsCodec, OdtCodec
from translation_worker.formats.packages import open_package
from translation_worker.formats.pdf.codec import PdfCodec
from translation_worker.formats.po import PoCodec
from translation_worker.formats.pptx import PptxCodec
from translation_worker.formats.records import RecordsCodec
from translation_worker.formats.srt import SrtCodec
from translation_worker.formats.text import TextCodec
from translation_worker.formats.vtt import VttCodec
from translation_worker.formats.xliff import XliffCodec
from translation_worker.formats.xlsx import XlsxCodec

CODECS: tuple[Codec, ...] = (
    VttCodec(),
    AssCodec(),
    SrtCodec(),
    DocxCodec(),
    PptxCodec(),
    EpubCodec(),
    XlsxCodec(),
    OdtCodec(),
    OdpCodec(),
    OdsCodec(),
    XliffCodec(),
    HtmlCodec(),
    PdfCodec(),
    PoCodec(),
    JsonCodec(),
    CsvCodec(),
    RecordsCodec(),
    MarkdownCodec(),
    TextCodec(),
)
"""Every codec; where the contents of several formats fit a file, the first one wins."""

_HEAD_BYTES = 4096
_ZIP_MAGIC = b"PK\x03\x04"
_PDF_MAGIC = b"%PDF-"
# Any text may be one of these, so a name that says so is believed.
_PLAIN_FORMATS = frozenset({"txt", "md"})


def find(name: str) -> Codec:
    """Return a codec by the name of its format. Raises DocumentError UNSUPPORTED_FORMAT."""
    for codec in CODECS:
        if codec.name == name:
            return codec
    raise _unsupported()


def recognise(path: Path, filename: str, media_type: str, wanted: str) -> Codec:
    """Return the codec for a file, which is the `wanted` one if that is named.

    Raises DocumentError: UNSUPPORTED_FORMAT, and as `open_package` does for a damaged zip.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    members = _members(path) if head.startswith(_ZIP_MAGIC) else ()
    sure = [codec for codec in CODECS if codec.recognises(head, members)]
    if wanted:
        return _checked(find(wanted), sure, head)
    named = _by_extension(filename) or _by_media_type(media_type)
    if named is not None and (named in sure or (named.name in _PLAIN_FORMATS and _is_text(head))):
        return named
    if sure:
        return sure[0]
    if named is not None:
        return named
    raise _unsupported()


def _checked(codec: Codec, sure: Collection[Codec], head: bytes) -> Codec:
    """Refuse a binary file that surely is of another format than the one that was named.

    What else does not fit, the codec itself finds out when it reads.
    """
    if sure and codec not in sure and not _is_text(head):
        raise _unsupported()
    return codec


def _members(path: Path) -> tuple[str, ...]:
    with open_package(path, DocumentLimits()) as package:
        return tuple(package.names)


def _by_extension(filename: str) -> Codec | None:
    suffix = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    return next((codec for codec in CODECS if suffix and suffix in codec.extensions), None)


def _by_media_type(media_type: str) -> Codec | None:
    essence = media_type.split(";", 1)[0].strip().lower()
    return next((codec for codec in CODECS if essence and essence in codec.media_types), None)


def _is_text(head: bytes) -> bool:
    """Tell whether bytes look like text: a zero byte is in no text but in UTF-16 and UTF-32."""
    if head.startswith((_ZIP_MAGIC, _PDF_MAGIC)):
        return False
    return b"\0" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff"))


def _unsupported() -> DocumentError:
    formats = " ".join(codec.name for codec in CODECS)
    return DocumentError(FailureReason.UNSUPPORTED_FORMAT, metadata={"formats": formats})
