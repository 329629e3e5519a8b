"""Verification: what is wrong with a translation, as far as its form can tell.

Judges a source and its translation without their placeholders, whose fate `placeholders` checks.
A fault sends the sentence to the next way of translating it; it is never mended here.
"""

import re
from collections import Counter
from enum import StrEnum

from translation_worker.engines.plausibility import is_plausible

# Wide, as routes of several hops and unequal languages must fit.
PLAUSIBLE_RATIO = (0.4, 2.5)

_DIGITS = re.compile(r"\d+")
# Marks that prose has no use for: all of them are somebody's syntax.
_MARK = re.compile(r"[*_~`^=<>{}\[\]\\|@#]")
# Words that a translator may rightly write in digits.
_NUMBER_WORD = re.compile(
    r"\b(?:ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundreds?|thousands?|millions?|billions?|dozens?|dez|onze|doze|\w+nta|vinte|cem|cento"
    r"|\w+centos|mil|milh\w+|diez|once|veinte|cien|ciento|\w+cientos|millon\w*|dix|vingt|cents?"
    r"|noon|midnight|o'clock|half|quarter|[ap]\.?m)\b",
    re.IGNORECASE,
)


class Fault(StrEnum):
    """What is wrong with a translation."""

    IMPLAUSIBLE = "implausible"  # empty, much too short or long, or caught in a loop
    NUMBERS = "numbers"  # a number of the source is missing, or one has come from nowhere
    MARKS = "marks"  # a mark of emphasis or other syntax is missing or too many
    BRACKETS = "brackets"  # a bracket is open that was not


def find_faults(source: str, translated: str) -> list[Fault]:
    """Return the faults of a translation, none if it looks right."""
    faults: list[Fault] = []
    has_letters = any(character.isalpha() for character in translated)
    if not has_letters or not is_plausible(source, translated, PLAUSIBLE_RATIO):
        faults.append(Fault.IMPLAUSIBLE)
    if not _numbers_agree(source, translated):
        faults.append(Fault.NUMBERS)
    if sorted(_MARK.findall(source)) != sorted(_MARK.findall(translated)):
        faults.append(Fault.MARKS)
    if _is_balanced(source) and not _is_balanced(translated):
        faults.append(Fault.BRACKETS)
    return faults


def _is_balanced(text: str) -> bool:
    return text.count("(") == text.count(")")


def _numbers_agree(source: str, translated: str) -> bool:
    """Compare runs of digits, whatever separates them: 1,234.50 is 1.234,50."""
    wanted, found = _DIGITS.findall(source), _DIGITS.findall(translated)
    if "".join(wanted) == "".join(found):
        return True
    missing, extra = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    if missing:
        return False
    return all(len(digits) == 1 for digits in extra) or _NUMBER_WORD.search(source) is not None
