"""Chat reply: what came back from a chat model, believed only as far as it can be checked."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from translation_worker.engines.engine import EngineError
from translation_worker.engines.plausibility import longest_echo

MAX_TOKENS_TOLD = 100_000_000
_FENCE = re.compile(r"\A\s*```[a-z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
# Wide enough for scripts of which one character is a word.
_PLAUSIBLE_RATIO = (0.15, 5.0)
_MIN_CHARACTERS_FOR_RATIO = 40
_SHORT_GROWTH_CHARACTERS = 60
# A sentence of so many words of small letters is not the same in two languages.
_MIN_WORDS_FOR_ECHO = 5
_SMALL_WORD = re.compile(r"(?<!\w)[^\W\d_]{2,}(?!\w)")


class MalformedReplyError(EngineError):
    """The answer does not pair with the question, item by item."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """The text of an answer, whether it is complete, and the tokens that it has cost."""

    content: str
    is_complete: bool
    # None if the server does not tell, or tells nonsense.
    tokens: int | None


def read_reply(answer: object) -> ChatReply:
    """Take an answer of a chat completions API apart. Raises MalformedReplyError."""
    if not isinstance(answer, dict):
        raise MalformedReplyError
    tokens = _tokens(answer.get("usage"))
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(choice, dict) or not isinstance(content, str):
        return ChatReply("", is_complete=False, tokens=tokens)
    return ChatReply(content, choice.get("finish_reason") != "length", tokens)


def read_items(content: str, count: int) -> list[str]:
    """Return the texts under the ids 1 to `count`, whatever their order.

    Raises MalformedReplyError if any is missing or empty, there are others or one twice: then the
    model has merged or split items, and no text can be trusted to be its own item's.
    """
    items = _json_in(content)
    if isinstance(items, dict):
        items = items.get("items")
    if not isinstance(items, list) or len(items) != count:
        raise MalformedReplyError
    texts: dict[int, str] = {}
    for item in items:
        number = item.get("id") if isinstance(item, dict) else None
        text = item.get("text") if isinstance(item, dict) else None
        if isinstance(number, str) and number.isascii() and number.isdigit():
            number = int(number[:9])
        if not isinstance(number, int) or not isinstance(text, str) or number in texts:
            raise MalformedReplyError
        texts[number] = _CONTROL.sub(" ", text).strip()
        # A neighbour may have taken its words.
        if not texts[number]:
            raise MalformedReplyError
    if set(texts) != set(range(1, count + 1)):
        raise MalformedReplyError
    return [texts[number] for number in range(1, count + 1)]


def is_believable(source: str, translated: str, forbidden: Sequence[str]) -> bool:
    """Tell whether a text can be the translation of another, by its form.

    It must not be much too short or long, a loop, the source again, or hold any of the
    forbidden words: the key, or the mark of the instructions.
    """
    if any(word in translated for word in forbidden):
        return False
    shortest, longest = _PLAUSIBLE_RATIO
    fits = len(translated) <= longest * len(source) + _SHORT_GROWTH_CHARACTERS
    if len(source) >= _MIN_CHARACTERS_FOR_RATIO:
        fits = fits and len(translated) >= shortest * len(source)
    if not fits or longest_echo(translated) > longest_echo(source) + 1:
        return False
    is_echo = _folded(source) == _folded(translated) and _has_prose(source)
    return not is_echo


def _has_prose(text: str) -> bool:
    small = [word for word in _SMALL_WORD.findall(text) if word.islower()]
    return len(small) >= _MIN_WORDS_FOR_ECHO


def _folded(text: str) -> str:
    return "".join(text.casefold().split())


def _json_in(content: str) -> object:
    """Return the JSON of an answer, out of a code fence if it is in one."""
    fenced = _FENCE.match(content)
    text = fenced[1] if fenced else content
    start = min((index for index in map(text.find, "{[") if index >= 0), default=-1)
    if start < 0:
        raise MalformedReplyError
    try:
        value: object = json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        raise MalformedReplyError from None
    return value


def _tokens(usage: object) -> int | None:
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    if isinstance(total, bool) or not isinstance(total, int) or not 0 < total <= MAX_TOKENS_TOLD:
        return None
    return total
