"""Styles of an OpenDocument file: which set code, and which spans look alike."""

import re

from lxml import etree

from translation_worker.formats.docx_styles import MONOSPACED
from translation_worker.formats.odt_names import FO, STYLE, TEXT
from translation_worker.formats.office_items import PLAIN, Style

_CODE_NAME = re.compile(
    r"(?:source|preformatted|verbatim)(?: text| code| char)?|source code.*|teletype|user entry"
    r"|variable|example|(?:.* )?code(?: block| char| line)?",
    re.IGNORECASE,
)
_ESCAPED = re.compile(r"_([0-9a-f]{1,4})_")
# Where the editor has been, and what its spelling checker is for.
_UNSEEN = re.compile(r".*(?:rsid|language.*|country.*|script.*|rfc-language-tag.*)")
_STYLE_NAME = TEXT + "style-name"


class OdfStyles:
    """The styles that a part defines, by their names."""

    def __init__(self, root: etree._Element) -> None:
        self._automatic: dict[str, etree._Element] = {}
        self._known: dict[tuple[str, Style], Style] = {}
        for styles in root.iterchildren("{*}automatic-styles"):
            for style in styles.iterchildren(STYLE + "style"):
                self._automatic[style.get(STYLE + "name", "")] = style

        # Where most words are in such a font, it does not tell code from prose.
        self._has_code_fonts = self._is_seldom_monospaced(root)

    def is_code(self, element: etree._Element) -> bool:
        """Tell whether a paragraph or span is in a style of code, or a span in a font for it."""
        name = element.get(_STYLE_NAME, "")
        if _CODE_NAME.fullmatch(self._named(name)):
            return True
        is_span = element.tag == TEXT + "span"
        return is_span and self._has_code_fonts and self._is_monospaced(name)

    def is_heading(self, paragraph: etree._Element) -> bool:
        """Tell whether a paragraph is a heading or a title."""
        name = self._named(paragraph.get(_STYLE_NAME, ""))
        return paragraph.tag == TEXT + "h" or name in {"Title", "Subtitle"}

    def style_of(self, span: etree._Element, outer: Style) -> Style:
        """Return how the words of a span look, which lies in another or in none."""
        name = span.get(_STYLE_NAME, "")
        if (name, outer) not in self._known:
            self._known[name, outer] = self._new_style(span, outer)
        return self._known[name, outer]

    def _new_style(self, span: etree._Element, outer: Style) -> Style:
        name = span.get(_STYLE_NAME, "")
        style = self._automatic.get(name)
        looks = sorted(_looks(style)) if style is not None else []
        key = str((self._named(name), looks))
        if not self._named(name) and not looks:
            return outer
        shell = etree.Element(span.tag, dict(span.items()), nsmap=span.nsmap)
        facts = dict(looks)
        return Style(
            f"{outer.key}{key}",
            _inside(outer, shell),
            raised=outer.raised or not facts.get("text-position", "0%").startswith("0%"),
            marks_space=outer.marks_space or any(_shows_on_spaces(*fact) for fact in looks),
        )

    def _is_monospaced(self, name: str) -> bool:
        style = self._automatic.get(name)
        fonts = {} if style is None else dict(_looks(style))
        font = fonts.get("font-name") or fonts.get("font-family", "")
        return bool(MONOSPACED.fullmatch(font.strip("'\"")))

    def _is_seldom_monospaced(self, root: etree._Element) -> bool:
        names = {name for name in self._automatic if self._is_monospaced(name)}
        if not names:
            return True
        spans = (span for span in root.iter(TEXT + "span") if span.get(_STYLE_NAME) in names)
        monospaced = sum(len(span.text or "") for span in spans)
        bodies = root.iterchildren("{*}body", "{*}master-styles")
        return monospaced * 2 <= sum(len(text) for body in bodies for text in body.itertext())

    def _named(self, name: str) -> str:
        """Return the name of the style that people know, of an automatic one or itself."""
        style = self._automatic.get(name)
        known = name if style is None else style.get(STYLE + "parent-style-name", "")
        return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), known)


def spans_of(style: Style) -> tuple[etree._Element, etree._Element] | None:
    """Return new spans for a style, the outermost and the innermost; None if it needs none."""
    if style == PLAIN or style.source is None:
        return None
    outermost = innermost = _copy(style.source)
    while len(innermost):
        innermost = innermost[0]
    return outermost, innermost


def _inside(outer: Style, shell: etree._Element) -> etree._Element:
    spans = spans_of(outer)
    if spans is None:
        return shell
    spans[1].append(shell)
    return spans[0]


def _copy(shell: etree._Element) -> etree._Element:
    copied = etree.Element(shell.tag, dict(shell.items()), nsmap=shell.nsmap)
    for inner in shell:
        copied.append(_copy(inner))
    return copied


def _looks(style: etree._Element) -> list[tuple[str, str]]:
    return [
        (name.rpartition("}")[2], value)
        for properties in style.iterchildren(STYLE + "text-properties")
        for name, value in properties.items()
        if not _UNSEEN.fullmatch(name.rpartition("}")[2])
    ]


def _shows_on_spaces(name: str, value: str) -> bool:
    lines = {"text-underline-style", "text-line-through-style", "background-color"}
    return name in lines and value not in {"none", "transparent"}


def set_language(root: etree._Element, language: str, country: str, kind: str) -> bool:
    """Set the language that a part's styles name; tell if it was another.

    `kind` is "" for Latin, Greek and Cyrillic script, "asian" or "complex" for others.
    """
    prefix, suffix = (STYLE, f"-{kind}") if kind else (FO, "")
    changed = False
    for properties in root.iter(STYLE + "text-properties"):
        before = properties.get(f"{prefix}language{suffix}")
        if before in {None, "none", "zxx", language}:
            continue
        properties.set(f"{prefix}language{suffix}", language)
        properties.set(f"{prefix}country{suffix}", country or "none")
        changed = True
    return changed
