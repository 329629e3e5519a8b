"""Plural forms of catalogues: how many a language has, and which number takes which.

A catalogue has two source texts, for one and for many, and as many translations as the target
language has forms. Numbers that nobody counts up to are not looked at.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from gettext import c2py

from babel.messages.plurals import DEFAULT_PLURAL, PLURALS

_HEADER = re.compile(r"\s*nplurals\s*=\s*(\d{1,2})\s*;\s*plural\s*=\s*([^;]{1,500});?\s*")
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class PluralForms:
    """The value of a header, and the numbers of each form."""

    header: str
    numbers: Mapping[int, frozenset[int]]

    @property
    def count(self) -> int:
        """How many forms there are."""
        return len(self.numbers)

    def is_for_one_only(self, form: int) -> bool:
        """Tell whether a form is taken by the number 1 and no other."""
        return self.numbers[form] == frozenset({1})

    def is_for_one(self, form: int) -> bool:
        """Tell whether the number 1 takes this form."""
        return 1 in self.numbers[form]


def forms_of_header(value: str) -> PluralForms | None:
    """Return the forms that a Plural-Forms header tells of; None if it cannot be used."""
    match = _HEADER.fullmatch(value)
    return _forms(int(match[1]), match[2]) if match else None


def forms_of_language(language: str) -> PluralForms:
    """Return the forms of a language by the tables of Unicode; two, if it is not in them."""
    name = language.replace("-", "_")
    known = PLURALS.get(name) or PLURALS.get(name.split("_", 1)[0]) or DEFAULT_PLURAL
    forms = _forms(*known)
    assert forms is not None, "the table holds expressions that can be read"
    return forms


def _forms(count: int, expression: str) -> PluralForms | None:
    try:
        form_of = c2py(expression.strip())
        found = [form_of(number) for number in range(_LOOKED_AT)]
    except (ValueError, ArithmeticError, RecursionError):
        # Raised for what is no expression, and for a remainder by zero.
        return None
    if not count or not all(0 <= form < count for form in found):
        return None
    numbers = {
        form: frozenset(number for number, its in enumerate(found) if its == form)
        for form in range(count)
    }
    bare = expression.strip()
    return PluralForms(f"nplurals={count}; plural={bare};", numbers)
