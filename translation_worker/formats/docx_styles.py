"""Styles of a Word document: which of them set code, and how a run looks."""

import re
from collections.abc import Mapping

from lxml import etree

from translation_worker.formats.docx_names import child, is_on, local_name, word_attribute
from translation_worker.formats.office_items import PLAIN, Style

# Names as Word, Pandoc and other writers give them to styles of code.
_CODE_NAME = re.compile(
    r"html (?:code|keyboard|sample|typewriter|variable|preformatted).*"
    r"|(?:source|inline|program|verbatim|preformatted)[ _-]?(?:code|text|char|listing)\b.*"
    r"|verbatim|macro text.*"
    r"|(?:.* )?code ?(?:block|box|char|example|inline|line|listing|snippet|text)?(?: char)?",
    re.IGNORECASE,
)
_NOT_CODE_NAME = re.compile(r".*\b(?:area|bar|country|post(?:al)?|zip) ?code\b.*", re.IGNORECASE)
MONOSPACED = re.compile(
    r"consolas|courier.*|menlo|monaco|lucida (?:console|sans typewriter)|andale mono|inconsolata"
    r"|fixedsys|terminal|.*\bmono(?:space)?\b.*|source code.*|fira code.*|cascadia.*|.*typewriter",
    re.IGNORECASE,
)
_HEADING = re.compile(r"heading \d|title|subtitle|toc heading", re.IGNORECASE)
# What no reader sees, and what differs from run to run in documents that a program has made.
_UNSEEN = frozenset(
    {"bCs", "iCs", "kern", "lang", "noProof", "rPrChange", "spacing", "szCs", "w", "webHidden"}
)
_SEEN_ON_SPACES = frozenset({"bdr", "dstrike", "em", "highlight", "shd", "strike", "u"})


class WordStyles:
    """The styles of one document, by their ids."""

    def __init__(self, root: etree._Element | None = None) -> None:
        styles = {} if root is None else _by_id(root)
        names = {style_id: _name(style) for style_id, style in styles.items()}
        defaults = None if root is None else next(root.iter("{*}rPrDefault"), None)
        fonts = [*([] if defaults is None else [defaults]), *_defaults(styles)]
        # Where everything is set in such a font, it does not tell code from prose.
        self.has_code_fonts = not any(is_monospaced(font) for font in fonts)
        own = {
            style_id
            for style_id, style in styles.items()
            if _is_code_name(names[style_id]) or (self.has_code_fonts and is_monospaced(style))
        }
        self.code = frozenset(_with_heirs(styles, own))
        headings = {style_id for style_id, name in names.items() if _HEADING.fullmatch(name)}
        self.headings = frozenset(_with_heirs(styles, headings))


def is_monospaced(element: etree._Element) -> bool:
    """Tell whether the run properties in an element, or it itself, name a font for code."""
    properties = element if local_name(element) == "rPr" else child(element, "rPr")
    fonts = None if properties is None else child(properties, "rFonts")
    return fonts is not None and bool(MONOSPACED.fullmatch(word_attribute(fonts, "ascii")))


def style_id(properties: etree._Element | None, name: str) -> str:
    """Return the style that properties refer to in the element of that name."""
    reference = None if properties is None else child(properties, name)
    return "" if reference is None else word_attribute(reference, "val")


def run_style(run: etree._Element) -> Style:
    """Return how a run looks; runs that look alike have the same style."""
    properties = child(run, "rPr")
    if properties is None:
        return PLAIN
    named = {local_name(one): one for one in properties}
    # Effects of later versions have no name here, and several of them are as many looks.
    key = "".join(_key(one) for one in properties if local_name(one) not in _UNSEEN)
    position = named.get("vertAlign")
    return Style(
        key,
        properties,
        raised=position is not None and word_attribute(position, "val") != "baseline",
        marks_space=any(is_on(properties, name) for name in _SEEN_ON_SPACES & named.keys()),
    )


def _key(element: etree._Element) -> str:
    attributes = sorted(
        (name, value) for name, value in element.items() if not name.endswith("}hint")
    )
    if local_name(element) == "rFonts" and not attributes:
        return ""
    inner = "".join(map(_key, element))
    return f"<{element.tag!s} {attributes}>{inner}</>"


def _by_id(root: etree._Element) -> dict[str, etree._Element]:
    return {word_attribute(one, "styleId"): one for one in root if local_name(one) == "style"}


def _name(style: etree._Element) -> str:
    name = child(style, "name")
    return "" if name is None else word_attribute(name, "val")


def _is_code_name(name: str) -> bool:
    return bool(_CODE_NAME.fullmatch(name)) and not _NOT_CODE_NAME.fullmatch(name)


def _defaults(styles: Mapping[str, etree._Element]) -> list[etree._Element]:
    return [
        style
        for style in styles.values()
        if word_attribute(style, "default") in {"1", "true"}
        and word_attribute(style, "type") == "paragraph"
    ]


def _with_heirs(styles: Mapping[str, etree._Element], chosen: set[str]) -> set[str]:
    """Return the chosen styles and all that are based on them."""
    parents: dict[str, str] = {}
    for name, style in styles.items():
        based_on = child(style, "basedOn")
        parents[name] = "" if based_on is None else word_attribute(based_on, "val")
    heirs = set(chosen)
    for name in styles:
        line: list[str] = []
        current = name
        # The length ends a circle of styles that are based on each other.
        while current and current not in heirs and len(line) < len(styles):
            line.append(current)
            current = parents.get(current, "")
        if current in heirs:
            heirs.update(line)
    return heirs
