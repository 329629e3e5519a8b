"""Writes subtitle files, and translations by a rule, for the tests of their codecs."""

from collections.abc import Callable, Mapping
from pathlib import Path

from translation_worker.document import Content, content_of
from translation_worker.formats.codec import Codec, CodecOptions, Written

OPTIONS = CodecOptions()

Change = Callable[[str], str]


def translated_by(codec: Codec, path: Path, change: Change) -> dict[str, Content]:
    return {
        segment.segment_id: content_of(
            [change(part) if isinstance(part, str) else part for part in segment.content]
        )
        for segment in codec.read(path, OPTIONS)
    }


def contents(codec: Codec, path: Path) -> dict[str, Content]:
    return {segment.segment_id: segment.content for segment in codec.read(path, OPTIONS)}


def written(
    codec: Codec, path: Path, translations: Mapping[str, Content], language: str = "pt"
) -> tuple[bytes, Written]:
    target = path.with_name(f"target{path.suffix}")
    outcome = codec.write(path, translations, target, language, OPTIONS)
    return target.read_bytes(), outcome


def swap_case(text: str) -> str:
    """Change letters only, and only to what changes back."""
    return "".join(
        each.swapcase()
        if each.swapcase().swapcase() == each and len(each.swapcase()) == 1
        else each
        for each in text
    )
