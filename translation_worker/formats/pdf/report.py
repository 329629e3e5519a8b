"""Report: how each paragraph of a document went into its place, for programs to read."""

from collections import Counter
from collections.abc import Mapping

from translation_worker.formats.pdf.analysis import TextBlock, Untouched
from translation_worker.formats.pdf.fitting import Setting
from translation_worker.formats.pdf.page_text import PageText

_MAX_BLOCKS = 100_000


class LayoutReport:
    """Collects what became of paragraphs, page by page."""

    def __init__(self) -> None:
        self._pages: list[dict[str, object]] = []
        self._blocks: list[dict[str, object]] = []
        self._totals: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._page: Counter[str] = Counter()

    def add_setting(self, text_block: TextBlock, page: PageText, setting: Setting) -> None:
        """Note a translated paragraph."""
        self._page[setting.fit.value] += 1
        self._add(
            text_block,
            page,
            setting.fit.value,
            {"scale": round(setting.scale * setting.narrowing, 3)},
        )

    def add_untouched(self, text_block: TextBlock, page: PageText, reason: str) -> None:
        """Note a paragraph that keeps what it shows; numbers and bullets are counted only."""
        self._page["untouched"] += 1
        self._reasons[reason] += 1
        if reason != Untouched.NO_WORDS:
            self._add(text_block, page, "untouched", {"reason": reason})

    def end_page(self, page: PageText, trouble: str = "") -> None:
        """Note a page; `trouble` says why all of it is as it was."""
        row: dict[str, object] = {"page": page.page_index + 1, **dict(self._page)}
        if page.is_scanned:
            row["scanned"] = True
            self._totals["scanned_pages"] += 1
        if trouble:
            row["trouble"] = trouble
            self._totals["troubled_pages"] += 1
        self._pages.append(row)
        self._totals.update(self._page)
        self._page = Counter()

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how often each outcome was."""
        return dict(self._totals)

    def finish(
        self, removed: Mapping[str, int], missing: set[str], bookmarks: int
    ) -> dict[str, object]:
        """Return the whole report, ready for JSON.

        `missing` are characters that no font has, drawn as question marks.
        """
        return {
            "totals": {"pages": len(self._pages), **dict(self._totals)},
            "untouched_reasons": dict(self._reasons),
            "titles_translated": bookmarks,
            "removed": dict(removed),
            "missing_glyphs": [f"U+{ord(character):04X}" for character in sorted(missing)],
            "pages": self._pages,
            "blocks": self._blocks,
        }

    def _add(
        self, text_block: TextBlock, page: PageText, outcome: str, more: Mapping[str, object]
    ) -> None:
        if len(self._blocks) < _MAX_BLOCKS:
            box = text_block.block.to_page.box(text_block.block.box)
            self._blocks.append(
                {
                    "id": text_block.segment_id,
                    "page": page.page_index + 1,
                    "outcome": outcome,
                    "box": [round(edge, 1) for edge in box],
                    **more,
                }
            )
