"""Assembling: puts translated paragraphs into the original's pages, and writes the file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pikepdf
from pikepdf import Dictionary, Name, Object, String

from translation_worker.document import Content
from translation_worker.formats.pdf.analysis import Analysis, TextBlock, Untouched
from translation_worker.formats.pdf.content import (
    ContentNotUnderstood,
    PageContent,
    Show,
    compressed,
)
from translation_worker.formats.pdf.drawing import Drawing
from translation_worker.formats.pdf.embedding import EmbeddedFace
from translation_worker.formats.pdf.faces import Face, Faces
from translation_worker.formats.pdf.fitting import Setting, fit
from translation_worker.formats.pdf.lines import Line
from translation_worker.formats.pdf.links import move_links
from translation_worker.formats.pdf.numbering import keep_number_apart
from translation_worker.formats.pdf.report import LayoutReport
from translation_worker.formats.pdf.room import Surroundings
from translation_worker.formats.pdf.typesetting import words_of
from translation_worker.formats.pdf.words import same_words

# In ems: what a dotted line keeps from the words before it.
_BEFORE_LEADER = 0.35


class Assembly:
    """A document on its way from the original to its translation."""

    def __init__(self, pdf: pikepdf.Pdf, target_language: str, report: LayoutReport) -> None:
        self._pdf = pdf
        self._faces = Faces(target_language)
        self._report = report
        self._embedded: dict[Face, EmbeddedFace] = {}
        self._language = target_language

    @property
    def missing(self) -> set[str]:
        """Return the characters that no font has."""
        return self._faces.missing

    def close(self) -> None:
        """Close the fonts."""
        self._faces.close()

    def add_page(self, analysis: Analysis, translations: Mapping[str, Content]) -> None:
        """Write what is translated of a page into it."""
        page = analysis.page
        if page.trouble:
            self._report.end_page(page, page.trouble)
            return
        wanted = self._wanted(analysis, translations)
        content = self._content(analysis) if wanted else None
        if content is None:
            for text_block in wanted:
                self._report.add_untouched(text_block, page, Untouched.PAGE_NOT_EDITABLE)
            self._report.end_page(page, "page_not_editable" if wanted else "")
            return
        surroundings = Surroundings(analysis)
        editing = _PageEditing(self._pdf, analysis, content, self._embed)
        for text_block, translation in wanted.items():
            block = text_block.block
            words = words_of(translation, text_block.worded, block.size, self._faces)
            keep_number_apart(block, words, content.shows)
            setting = fit(block, words, surroundings.room(text_block)) if words else None
            if setting is None:
                self._report.add_untouched(text_block, page, Untouched.NO_TRANSLATION)
            else:
                editing.set(text_block, setting)
                self._report.add_setting(text_block, page, setting)
        editing.finish()
        self._report.end_page(page)

    def save(self, target: Path) -> None:
        """Fill the fonts in and write the file; the same input gives the same bytes."""
        for face in self._embedded.values():
            face.finish()
        self._pdf.Root.Lang = String(self._language)
        self._pdf.save(
            target,
            compress_streams=True,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            deterministic_id=True,
        )

    def _wanted(
        self, analysis: Analysis, translations: Mapping[str, Content]
    ) -> dict[TextBlock, Content]:
        wanted = {}
        for text_block in analysis.blocks:
            translation = translations.get(text_block.segment_id)
            reason = text_block.untouched
            if reason is None and not translation:
                reason = Untouched.NO_TRANSLATION
            if reason is None and same_words(translation or (), text_block.worded.content):
                reason = Untouched.SAME_AS_SOURCE
            if reason is not None or not translation:
                self._report.add_untouched(
                    text_block, analysis.page, reason or Untouched.NO_TRANSLATION
                )
            else:
                wanted[text_block] = translation
        return wanted

    def _content(self, analysis: Analysis) -> PageContent | None:
        """Return a page's content if it is understood as PDFium understood it."""
        try:
            content = PageContent(self._pdf.pages[analysis.page.page_index])
        except ContentNotUnderstood:
            return None
        return content if len(content.shows) == analysis.page.numbers else None

    def _embed(self, face: Face) -> EmbeddedFace:
        if face not in self._embedded:
            name = f"Fb{len(self._embedded)}"
            self._embedded[face] = EmbeddedFace(self._pdf, face, name)
        return self._embedded[face]


class _PageEditing:
    """One page: what is taken out, what is drawn, and the resources for that."""

    def __init__(
        self,
        pdf: pikepdf.Pdf,
        analysis: Analysis,
        content: PageContent,
        embed: Callable[[Face], EmbeddedFace],
    ) -> None:
        self._pdf = pdf
        self._analysis = analysis
        self._content = content
        self._embed = embed
        self._fonts: dict[str, Object] = {}
        self._removed: set[int] = set()
        self._drawing = Drawing(content.shows, self._face, self._font)

    def set(self, text_block: TextBlock, setting: Setting) -> None:
        """Draw a paragraph in the place of its runs."""
        lines = text_block.block.lines
        for line in lines:
            self._removed.update(placed.run.number for placed in line.placed)
        self._drawing.add(setting)
        self._cut_leader(lines[-1], setting)

    def finish(self) -> None:
        """Put content and resources into the page."""
        page = self._pdf.pages[self._analysis.page.page_index]
        kept, forms = self._content.without(self._pdf, self._removed, self._analysis.page.runs)
        page.obj.Contents = self._pdf.make_indirect(
            compressed(self._pdf, kept + b"\n" + self._drawing.data)
        )
        resources = _merged(page.obj.get("/Resources"), {})
        resources.Font = _merged(resources.get("/Font"), self._fonts)
        if len(forms):
            resources.XObject = _merged(resources.get("/XObject"), dict(forms.items()))
        page.obj.Resources = resources
        move_links(page, self._analysis.page.links, self._drawing.link_boxes)

    def _cut_leader(self, line: Line, setting: Setting) -> None:
        """Shorten the dots that lead to a page number by what the words took of them."""
        end = setting.ends_at(-1) + _BEFORE_LEADER * setting.size
        for placed in line.leader:
            if placed.x0 < end:
                self._removed.add(placed.run.number)
                if placed.x1 > end:
                    self._drawing.add_cut(placed, end, setting.to_page)

    def _face(self, face: Face) -> EmbeddedFace:
        embedded = self._embed(face)
        self._fonts["/" + embedded.name] = embedded.object
        return embedded

    def _font(self, show: Show) -> str | None:
        """Return a name on this page for a font of the original; None if it is not to be had."""
        font = show.state.font
        if not isinstance(font, Dictionary) or font.get("/Type", Name.Font) != Name.Font:
            return None
        if not len(font):
            return None
        for name, known in self._fonts.items():
            if name.startswith("/Fo") and known.is_indirect and known.objgen == font.objgen:
                return name
        name = f"/Fo{len(self._fonts)}"
        self._fonts[name] = font
        return name


def _merged(old: Object | None, new: Mapping[str, Object]) -> Dictionary:
    entries = dict(old.items()) if isinstance(old, Dictionary) else {}
    return Dictionary({**entries, **new})
