"""What a rule of tone is, and how the rules of a language are applied.

A rule changes words that can be changed without knowing more than the words beside them. How
readers are addressed is all or nothing: a sentence in which something would stay familiar after
the rules is left as it was, for a mixture is worse than either.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_ACCENTS = "\\u0300-\\u036f"  # combining ones, of texts that are not composed
_SENTENCE = re.compile(r"(?<=[.!?\u2026])(\s+)")


@dataclass(frozen=True, slots=True)
class Rule:
    """Words to find, and what stands in their place, with groups as re.sub has them."""

    pattern: re.Pattern[str]
    replacement: str


@dataclass(frozen=True, slots=True)
class Manner:
    """The rules of one language in one tone.

    `wording` holds anywhere. `address` is how readers are spoken to; it is taken back in a
    sentence in which `remains` is found afterwards.
    """

    wording: tuple[Rule, ...] = ()
    address: tuple[Rule, ...] = ()
    remains: re.Pattern[str] | None = None


def words(pattern: str, replacement: str) -> Rule:
    """Return a rule for whole words, in any case; the case of the first letter is kept.

    What an apostrophe, a hyphen or an accent of its own ties to a word is of the word.
    """
    return Rule(
        re.compile(
            rf"(?<![\w'\u2019{_ACCENTS}-])(?:{pattern})(?![\w{_ACCENTS}-]|['\u2019]\w)",
            re.IGNORECASE,
        ),
        replacement,
    )


def opening(pattern: str, replacement: str) -> Rule:
    """Return a rule for words with which a text begins, as a letter does."""
    return Rule(
        re.compile(rf"\A(\s*[\u00a1\u00bf]?)(?:{pattern})(?![\w-])", re.IGNORECASE),
        rf"\g<1>{replacement}",
    )


def each_word(pairs: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return rules that put one word in the place of another."""
    return tuple(words(re.escape(found), put) for found, put in pairs.items())


def apply(manner: Manner, text: str) -> tuple[str, int]:
    """Return the text in this manner, and how many places were changed."""
    text, changes = _apply_all(manner.wording, text)
    if not manner.address:
        return text, changes
    parts = _SENTENCE.split(text)
    for index in range(0, len(parts), 2):
        sentence, changed = _apply_all(manner.address, parts[index])
        if changed and not (manner.remains and manner.remains.search(sentence)):
            parts[index] = sentence
            changes += changed
    return "".join(parts), changes


def _apply_all(rules: Iterable[Rule], text: str) -> tuple[str, int]:
    changes = 0
    for rule in rules:
        text, changed = rule.pattern.subn(lambda match, rule=rule: _put(match, rule), text)  # type: ignore[misc]  # the default binds the loop's rule
        changes += changed
    return text, changes


def _put(match: re.Match[str], rule: Rule) -> str:
    put = match.expand(rule.replacement)
    found = match[0]
    if found.isupper() and sum(map(str.isalpha, found)) > 1:
        return put.upper()
    return _with_first_letter_as_in(found, put)


def _with_first_letter_as_in(found: str, put: str) -> str:
    first = next((c for c in found if c.isalpha()), "")
    at = next((i for i, c in enumerate(put) if c.isalpha()), None)
    if at is None or not first.isupper():
        return put
    return f"{put[:at]}{put[at].upper()}{put[at + 1 :]}"
