"""Round trips of text formats: bytes through a codec and back."""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment, Tag, plain_text
from translation_worker.formats.codec import Codec, CodecOptions, DocumentError, Written

Change = Callable[[Segment], Content]


def segments_of(codec: Codec, data: bytes, options: CodecOptions | None = None) -> list[Segment]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "source")
        path.write_bytes(data)
        return codec.read(path, options or CodecOptions())


def texts_of(codec: Codec, data: bytes, options: CodecOptions | None = None) -> list[str]:
    return [plain_text(segment.content) for segment in segments_of(codec, data, options)]


def written(
    codec: Codec,
    data: bytes,
    change: Change | Mapping[str, Content],
    *,
    language: str = "pt",
    options: CodecOptions | None = None,
) -> tuple[bytes, Written]:
    options = options or CodecOptions()
    with TemporaryDirectory() as folder:
        path, target = Path(folder, "source"), Path(folder, "target")
        path.write_bytes(data)
        if not isinstance(change, Mapping):
            found = codec.read(path, options)
            assert len({segment.segment_id for segment in found}) == len(found)
            change = {segment.segment_id: change(segment) for segment in found}
        outcome = codec.write(path, change, target, language, options)
        return target.read_bytes(), outcome


def same(segment: Segment) -> Content:
    """Give back the source."""
    return segment.content


def louder(segment: Segment) -> Content:
    """Put every word in capitals."""
    return tuple(part if isinstance(part, Tag) else part.upper() for part in segment.content)


def replaced(data: bytes, codec: Codec, change: Change, options: CodecOptions | None = None) -> str:
    return written(codec, data, change, options=options)[0].decode()


def kept(codec: Codec, data: bytes, options: CodecOptions | None = None) -> bytes | FailureReason:
    """Return what is written if nothing is translated, or why it is not."""
    try:
        return written(codec, data, same, options=options)[0]
    except DocumentError as error:
        return error.reason
