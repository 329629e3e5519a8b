"""Plausibility: whether a text can be the translation of another, by its form alone.

Neural models drop the end of what they do not understand, or say it again and again; neither
raises an error anywhere.
"""

import re
from collections.abc import Sequence
from operator import eq

# Below this many characters a length ratio says nothing.
MIN_CHARACTERS_FOR_RATIO = 40
# A short text may grow by this much, as an abbreviation written out does.
_SHORT_GROWTH_FACTOR = 3
_SHORT_GROWTH_CHARACTERS = 25
_LONGEST_GROUP_WORDS = 8


def is_plausible(source: str, translated: str, ratio: tuple[float, float]) -> bool:
    """Tell whether a translation is neither empty, cut short, nor caught in a loop.

    `ratio` bounds the translated length by the source's.
    """
    source_length, length = len(source.strip()), len(translated.strip())
    if not length:
        return not source_length
    if source_length < MIN_CHARACTERS_FOR_RATIO:
        plausible = length <= _SHORT_GROWTH_FACTOR * source_length + _SHORT_GROWTH_CHARACTERS
    else:
        plausible = ratio[0] <= length / source_length <= ratio[1]
    if not plausible:
        return False
    echo = longest_echo(translated)
    return echo <= 1 or echo <= longest_echo(source) + 1


def longest_echo(text: str) -> int:
    """Return how often, at most, a group of a few words follows itself at once."""
    words = re.findall(r"\w+", text.lower())
    if len(set(words)) == len(words):
        return 0
    return max(_repeats(words, size) for size in range(1, _LONGEST_GROUP_WORDS + 1))


def _repeats(words: Sequence[str], size: int) -> int:
    """Return how often, at most, a group of `size` words follows itself at once."""
    same = list(map(eq, words[size:], words))
    # Most texts repeat nothing, and every sentence of every translation comes by here.
    if True not in same:
        return 0
    longest = run = 0
    for each in same:
        run = run + 1 if each else 0
        longest = max(longest, run)
    return longest // size
