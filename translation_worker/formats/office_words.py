"""Words, not runs: the styles of a paragraph as a reader sees them.

Editors cut a paragraph into runs wherever somebody typed, and at spelling marks. What of this
nobody sees is undone, so that words are translated as words.
"""

import re

from translation_worker.formats.office_items import Item, Words

_STOPS = ".,;:!?…()"
_LONGEST_WORD = 100
_ORDINAL = re.compile(r"(?:st|nd|rd|th|er|re|e|o|a|os|as|ème|º|ª)\s?", re.IGNORECASE)


def settle_styles(items: list[Item]) -> list[Item]:
    """Give spaces and punctuation the style of the words before them, and each word a single style.

    Where a style changes inside of a word, as in a spell-checked or half-edited one, there is no
    such place in its translation.
    """
    for index, item in enumerate(items):
        previous = items[index - 1] if index else None
        if not isinstance(item, Words) or not isinstance(previous, Words):
            continue
        unseen = has_no_style(item) and not previous.style.marks_space
        if unseen or _is_ordinal(previous, item):
            items[index] = Words(item.text, previous.style)
        elif not item.style.raised and not previous.style.raised:
            items[index - 1 : index + 1] = _unbroken(previous, item)
    return items


def has_no_style(words: Words) -> bool:
    """Tell whether words are spaces and stops, of which nobody sees how they are set."""
    stops = not words.style.raised and not words.text.strip(_STOPS + " ")
    return not words.style.marks_space and (words.text.isspace() or stops)


def _is_ordinal(previous: Words, item: Words) -> bool:
    """Tell whether words are the raised end of an ordinal, which other languages do not raise."""
    if not item.style.raised or previous.style.raised:
        return False
    return previous.text[-1:].isdecimal() and bool(_ORDINAL.fullmatch(item.text))


def _unbroken(previous: Words, item: Words) -> tuple[Words, Words]:
    """Give the word that two stretches share to the one that has more of it."""
    head, tail = _last_word(previous.text), _first_word(item.text)
    if not head or not tail:
        return previous, item
    if len(head) < len(tail):
        return Words(previous.text[: -len(head)], previous.style), Words(
            head + item.text, item.style
        )
    longer, rest = (
        Words(previous.text + tail, previous.style),
        Words(item.text[len(tail) :], item.style),
    )
    # The word may go on in the stretch that follows.
    return (longer, rest) if rest.text else (rest, longer)


def _first_word(text: str) -> str:
    """Return the word that a text starts with; empty if it is longer than words are."""
    for index, character in enumerate(text[:_LONGEST_WORD]):
        if not character.isalnum():
            return text[:index]
    return text if len(text) < _LONGEST_WORD else ""


def _last_word(text: str) -> str:
    """Return the word that a text ends with; empty if it is longer than words are."""
    for index in range(len(text), max(len(text) - _LONGEST_WORD, 0), -1):
        if not text[index - 1].isalnum():
            return text[index:]
    return text if len(text) < _LONGEST_WORD else ""
