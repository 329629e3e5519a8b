"""Inline markup of Markdown with its places, which the parser itself does not tell.

The rules are those of markdown-it; this parser notes for each token what range of the text it came
from. Sources: CommonMark 0.31 §6, and GitHub's strikethrough and footnotes.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline.state_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType

from translation_worker.formats.text_markup import Mark, Part

# What GitHub and others write in brackets: footnotes, kinds of notes, boxes of task lists.
_BRACKETED = re.compile(r"\[\^[^\]\s]{1,100}\]:?|\[![A-Za-z]{1,20}\]|\A\[[ xX]\](?=\s)")
_HTML_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)")
_HTML_ORNAMENTS = frozenset({"img", "hr", "input", "wbr"})
_HTML_CODE = frozenset({"code", "kbd", "pre", "samp", "script", "style", "var"})
# Within an element of code written as HTML.
_CODE_TOKENS = 50
_UNSEEN = frozenset({"text", "text_special", "softbreak"})


@dataclass(frozen=True, slots=True)
class PlacedToken:
    """A token, and the range of the text that it came from."""

    token: Token
    start: int
    end: int


class InlineParser(ParserInline):
    """Parses inline markup and notes in each token's `meta` where it stands."""

    def __init__(self) -> None:
        super().__init__()
        self._label_end = 0

    def tokenize(self, state: StateInline) -> None:
        """Make the tokens of a range of the text, as the method that this replaces."""
        rules = self.ruler.getRules("")
        end = state.posMax
        while state.pos < end:
            start = state.pos
            count = len(state.tokens)
            has_pending = bool(state.pending)
            if state.level < state.md.options["maxNesting"] and any(
                rule(state, False) for rule in rules
            ):
                self._place(state, state.tokens[count:], start, has_pending)
                continue
            state.append_pending(state.src[state.pos])
            state.pos += 1
        if state.pending:
            state.pushPending()
        self._label_end = end

    def placed(self, text: str, markdown: MarkdownIt, env: EnvType) -> list[PlacedToken]:
        """Return the tokens of a text, without those of plain words."""
        state = StateInline(text, markdown, env, [])
        self.tokenize(state)
        for name, rule in zip(
            self.ruler2.get_active_rules(), self.ruler2.getRules(""), strict=True
        ):
            # It joins tokens that stand in different places.
            if name != "fragments_join":
                rule(state)
        found: list[PlacedToken] = []
        for token in state.tokens:
            if "start" not in token.meta:
                continue
            start, end = token.meta["start"], token.meta["end"]
            # Two single marks are one of strong emphasis; the outer is left empty.
            if token.type == "strong_open":
                start -= 1
            elif token.type == "strong_close":
                end += 1
            elif token.type == "text" and not token.content:
                continue
            found.append(PlacedToken(token, start, end))
        return sorted(found, key=lambda placed: placed.start)

    def _place(
        self, state: StateInline, tokens: list[Token], start: int, has_pending: bool
    ) -> None:
        if has_pending and tokens and tokens[0].type == "text":
            tokens = tokens[1:]
        if not tokens:
            return
        first, last = tokens[0], tokens[-1]
        if all(token.type == "text" for token in tokens):
            for token in tokens:
                _set_range(token, start, start + len(token.content))
                start += len(token.content)
        elif first.type == "link_open" and state.src[start] == "[":
            _set_range(first, start, start + 1)
            _set_range(last, self._label_end, state.pos)
        else:
            while first.type in {"softbreak", "hardbreak"} and state.src[start - 1 : start] == " ":
                start -= 1
            _set_range(first, start, state.pos)


def _set_range(token: Token, start: int, end: int) -> None:
    token.meta |= {"start": start, "end": end}


def parts_of(text: str, tokens: list[PlacedToken]) -> Iterator[Part]:
    """Yield the parts of a text, which follow each other without gaps."""
    position = 0
    for index, placed in enumerate(tokens):
        # What stands in code that is written as HTML.
        if placed.start < position:
            continue
        yield from _words(text, position, placed.start)
        part = _part(placed)
        if part.mark is Mark.OPENING and part.name in _HTML_CODE:
            end = _end_of_element(part, tokens[index + 1 : index + _CODE_TOKENS])
            part = Part(part.start, end, Mark.LITERAL)
        yield part
        position = part.end
    yield from _words(text, position, len(text))


def spellings(tokens: list[PlacedToken], text: str) -> dict[str, str]:
    """Return how the text writes the characters that it always escapes."""
    bare = {
        character
        for part in parts_of(text, tokens)
        if part.mark is Mark.WORDS and part.end - part.start == len(part.text)
        for character in part.text
    }
    return {
        placed.token.content: text[placed.start : placed.end]
        for placed in tokens
        if placed.token.type == "text_special" and placed.token.content not in bare
    }


def signature(tokens: list[PlacedToken]) -> Counter[tuple[str, ...]]:
    """Return what markup there is, by its kind and what it refers to."""
    return Counter(
        (placed.token.type, str(placed.token.attrGet("href")), str(placed.token.attrGet("src")))
        for placed in tokens
        if placed.token.type not in _UNSEEN
    )


def _words(text: str, start: int, end: int) -> Iterator[Part]:
    position = start
    for match in _BRACKETED.finditer(text, start, end):
        if match.start() > position:
            yield Part(position, match.start(), Mark.WORDS, text[position : match.start()])
        yield Part(match.start(), match.end(), Mark.ORNAMENT)
        position = match.end()
    if end > position:
        yield Part(position, end, Mark.WORDS, text[position:end])


def _part(placed: PlacedToken) -> Part:
    token, start, end = placed.token, placed.start, placed.end
    if token.type == "html_inline":
        return _html_part(token.content, start, end)
    if token.type in _UNSEEN:
        return Part(start, end, Mark.WORDS, token.content or " ")
    if token.type == "code_inline" or (token.type == "link_open" and token.markup == "autolink"):
        return Part(start, end, Mark.LITERAL)
    if token.type == "hardbreak":
        return Part(start, end, Mark.BREAK)
    mark = {1: Mark.OPENING, -1: Mark.CLOSING}.get(token.nesting, Mark.ORNAMENT)
    return Part(start, end, mark, name=f"{token.tag}{token.markup}")


def _html_part(markup: str, start: int, end: int) -> Part:
    match = _HTML_NAME.match(markup)
    name = match[1].lower() if match else ""
    if name == "br":
        return Part(start, end, Mark.BREAK)
    if not name or name in _HTML_ORNAMENTS or markup.endswith("/>"):
        return Part(start, end, Mark.ORNAMENT)
    if markup.startswith("</"):
        return Part(start, end, Mark.CLOSING, name=name)
    return Part(start, end, Mark.OPENING, name=name)


def _end_of_element(opening: Part, tokens: list[PlacedToken]) -> int:
    for placed in tokens:
        if placed.token.type == "html_inline":
            part = _html_part(placed.token.content, placed.start, placed.end)
            if part.mark is Mark.CLOSING and part.name == opening.name:
                return part.end
    return opening.end
