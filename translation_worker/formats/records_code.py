"""Code in texts of records: fenced blocks, lines that look like a program, and inline spans."""

import re
from collections.abc import Iterator

from translation_worker.formats.json_slots import words_part
from translation_worker.formats.text_markup import Mark, Part
from translation_worker.formats.text_paragraphs import paragraphs

_LINE = re.compile(r"[^\r\n]*(?:\r\n|[\r\n]|\Z)")
_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_INLINE = re.compile(r"(?<!`)(`{1,3})(?!`)[^`\r\n]+?(?<!`)\1(?!`)|<(code|kbd|samp|tt)>[^<]*+</\2>")
_CODE_LINE = re.compile(
    r"""\s*(?:
      (?:>>>|\.\.\.|\$|%)\s\S.*
    | (?:from\s[\w.]+\s)?import\s+[\w.]+(?:\s+as\s+\w+)?(?:,\s*[\w.]+(?:\s+as\s+\w+)?)*;?
    | import\s+[({*"'].*
    | (?:async\s+)?def\s+\w+\s*\(.*
    | (?:export\s+|public\s+|abstract\s+|final\s+)*(?:class|interface|struct|enum)\s+\w+[^.!?]*[:{]
    | (?:const|let|var|final|val)\s+[\w{\[][^=]*=.*
    | (?:fn|func|function|sub)\s+\w+\s*\(.*
    | (?:public|private|protected|static|export|async)\s.*[{;]
    | \#\s*(?:include|define|ifdef|ifndef|endif|pragma)\b.*
    | (?:if|for|while|switch|catch|elif|else\ if)\s*\(.*\)\s*\{?
    | (?:if|while|elif|with)\s[^.!?]*[=<>()\[\]][^!?]*:
    | for\s+\w+(?:,\s*\w+)*\s+in\s[^!?]*:
    | (?:try|else|finally|except(?:\s\w+(?:\sas\s\w+)?)?):
    | (?:return|yield|raise|throw)\b(?:\s+[\w.]+)?(?:\(.*\))?\s*;?
    | @\w[\w.]*(?:\(.*\))?
    | [\w.\[\]"'>$*-]+(?:\s[\w<>\[\]*]+)?\s*(?:[-+*/|&^%.:]?=)\s*\S.*
    | [\w.:>-]+\([^)]*\)\s*[;{]?
    | (?:SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|CREATE\s+TABLE|ALTER\s+TABLE|DROP\s+TABLE)\s.*
    | (?:sudo|apt|apt-get|pip3?|npm|npx|yarn|git|curl|wget|docker|kubectl|cd|mkdir|chmod)\s
      [\w./:@=~-][^.!?]*
    | </?[A-Za-z][^<>]*>
    | [][{}();,]+
    | .*[()=\[\]].*[;{]
    )\s*""",
    re.VERBOSE,
)
_LONGEST_CODE_LINE = 300
_SENTENCE = re.compile(r"(?:[^\W\d_]{2,}[,;:]?\s+){5,}")


def prose_paragraphs(text: str) -> Iterator[list[Part]]:
    """Yield the paragraphs of a text without its code; inline code is a literal in them."""
    for start, end in _outside_code(text):
        for left, right in paragraphs(text[start:end]):
            yield list(_with_inline_code(text, start + left, start + right))


def _outside_code(text: str) -> Iterator[tuple[int, int]]:
    start = -1
    fence = ""
    for line in _LINE.finditer(text):
        opening = _FENCE.match(line[0])
        is_code = bool(fence or opening or _is_code(line[0]))
        if fence:
            closes = opening is not None and opening[1].startswith(fence)
            fence = "" if closes else fence
        elif opening is not None:
            fence = opening[1]
        if not is_code:
            start = line.start() if start < 0 else start
        elif start >= 0:
            yield start, line.start()
            start = -1
    if start >= 0:
        yield start, len(text)


def _is_code(line: str) -> bool:
    body = line.strip()
    if not body or len(body) > _LONGEST_CODE_LINE or _SENTENCE.match(body):
        return False
    return _CODE_LINE.fullmatch(body) is not None


def _with_inline_code(text: str, start: int, end: int) -> Iterator[Part]:
    position = start
    for match in _INLINE.finditer(text, start, end):
        if match.start() > position:
            yield words_part(text, position, match.start())
        yield Part(match.start(), match.end(), Mark.LITERAL)
        position = match.end()
    if end > position:
        yield words_part(text, position, end)
