"""One uploaded file out of a multipart body, streamed: nothing is spooled.

A form is a few short fields and then one file part. The fields must come
first: when the file's bytes arrive they are handed on, and what describes them
must be known. Where nothing in them describes the bytes, they may also follow,
and are known once the content has been read. Parsing is python-multipart's;
the caps on parts, headers and fields are here.
"""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.problem_details import ProblemError

_MAX_PARTS = 16
_MAX_HEADERS = 8
_MAX_HEADER_BYTES = 4 * 1024
_MAX_FIELD_BYTES = 4 * 1024
_MAX_BOUNDARY_BYTES = 70  # RFC 2046 section 5.1.1


@dataclass(slots=True)
class FileForm:
    """A form up to its file's first byte; `content` streams the rest."""

    fields: dict[str, str] = field(default_factory=dict)
    filename: str = ""
    media_type: str = ""


def boundary_of(content_type: str) -> bytes:
    """Read the boundary. Raises ProblemError 400."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 0 < len(boundary) <= _MAX_BOUNDARY_BYTES:
        raise _malformed("The multipart body has no boundary.")
    return boundary


class FileFormReader:
    """Reads one form from a body's chunks: `head` first, then `content`.

    The file part has one of `file_names`. A field of `lists` may come several
    times; its values are joined by commas.
    """

    def __init__(
        self,
        boundary: bytes,
        body: AsyncIterator[bytes],
        fields: Iterable[str],
        *,
        file_names: Iterable[str] = ("file",),
        lists: Iterable[str] = (),
        fields_may_follow: bool = False,
    ) -> None:
        self._body = body
        self._known = frozenset(fields)
        self._file_names = tuple(file_names)
        self._lists = frozenset(lists)
        self._fields_may_follow = fields_may_follow
        self._form = FileForm()
        self._parts = 0
        self._in_file = self._has_file = self._ended = False
        self._field: bytearray | None = None
        self._field_name = ""
        self._header_name = b""
        self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._data: deque[bytes] = deque()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_end": self._on_end,
            },
            max_header_count=_MAX_HEADERS,
            max_header_size=_MAX_HEADER_BYTES,
        )

    async def head(self) -> FileForm:
        """Read up to the file. Raises ProblemError 400 if there is none."""
        while not self._has_file:
            if not await self._read():
                raise _malformed("The form has no file part.")
        return self._form

    async def content(self) -> AsyncGenerator[bytes]:
        """Yield the file's bytes. Raises ProblemError 400 if the form is broken."""
        while True:
            while self._data:
                yield self._data.popleft()
            if not await self._read():
                return

    async def _read(self) -> bool:
        """Parse one more chunk; false after the last, if the form was whole."""
        chunk = await anext(self._body, None)
        if chunk is None:
            if not self._ended:
                raise _malformed("The multipart body ends too early.")
            return False
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _malformed("The multipart body is malformed.") from None
        return True

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise _malformed(f"The form has more than {_MAX_PARTS} parts.")
        if self._has_file and not self._fields_may_follow:
            raise _malformed("The file must be the form's last part, and the only file.")
        self._headers = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = _text(options.get(b"name", b""))
        if b"filename" in options:
            if self._has_file:
                raise _malformed("A form has one file only.")
            if name not in self._file_names:
                wanted = " or ".join(f"`{each}`" for each in self._file_names)
                raise _malformed(f"The file part must be named {wanted}.")
            self._in_file = self._has_file = True
            self._form.filename = _text(options[b"filename"])
            self._form.media_type = _text(self._headers.get(b"content-type", b""))
            return
        if name not in self._known or (name in self._form.fields and name not in self._lists):
            fields, file = ", ".join(sorted(self._known)), self._file_names[0]
            raise _malformed(f"A form has the fields {fields}, each once, and the file `{file}`.")
        self._field, self._field_name = bytearray(), name

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._data.append(data[start:end])
        elif self._field is not None:
            self._field += data[start:end]
            if len(self._field) > _MAX_FIELD_BYTES:
                raise _malformed(f"A form field is longer than {_MAX_FIELD_BYTES} bytes.")

    def _on_part_end(self) -> None:
        self._in_file = False
        if self._field is not None:
            value = _text(bytes(self._field))
            before = self._form.fields.get(self._field_name)
            self._form.fields[self._field_name] = value if before is None else f"{before},{value}"
            self._field = None

    def _on_end(self) -> None:
        self._ended = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _malformed("The form's names and fields must be UTF-8.") from None


def _malformed(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.BAD_REQUEST, "MALFORMED_MULTIPART", detail)
