"""Document bilingual: source and translation side by side, as a page for any browser.

Everything from the document is escaped. The page forbids itself all but its own few rules of
style, so that nothing in it can run, load or send anything.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from translation_worker.document import Content, Segment, SegmentTranslation, TagKind
from translation_worker.sentence_translation import Way

BILINGUAL_MEDIA_TYPE = "text/html; charset=utf-8"

_STYLE = (
    "body{font-family:sans-serif;margin:1rem}"
    "table{border-collapse:collapse;table-layout:fixed;width:100%}"
    "td,th{border:1px solid #999;padding:.4rem;vertical-align:top;overflow-wrap:anywhere;"
    "white-space:pre-wrap;text-align:start}"
    ".kept{background:#fff3bf}"
)


def bilingual_page(
    title: str,
    source_language: str,
    target_language: str,
    pairs: Sequence[tuple[Segment, SegmentTranslation]],
) -> bytes:
    """Return the page, HTML in UTF-8. Rows that keep their source are marked."""
    return "".join(_lines(title, source_language, target_language, pairs)).encode(
        "utf-8", "replace"
    )


def _lines(
    title: str,
    source_language: str,
    target_language: str,
    pairs: Sequence[tuple[Segment, SegmentTranslation]],
) -> Iterable[str]:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    source, target = escape(source_language), escape(target_language)
    yield (
        f'<!DOCTYPE html>\n<html lang="{target}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<table>\n<thead><tr><th>{source}</th><th>{target}</th></tr></thead>\n<tbody>\n"
    )
    for segment, translation in pairs:
        kept = ' class="kept"' if translation.way == Way.KEPT_SOURCE else ""
        yield (
            f'<tr{kept}><td lang="{source}" dir="auto">{_words(segment.content)}</td>'
            f'<td lang="{target}" dir="auto">{_words(translation.content)}</td></tr>\n'
        )
    yield "</tbody>\n</table>\n</body>\n</html>\n"


def _words(content: Content) -> str:
    # A tag that stands alone is often a line break; two words must not become one.
    words = (
        part if isinstance(part, str) else " " * (part.kind is TagKind.ALONE) for part in content
    )
    return escape("".join(words))
