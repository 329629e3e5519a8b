"""Format directives of catalogues: what a program fills in, which a translation must keep.

An entry says by a flag what its directives are like. A translation with other directives makes a
program crash or lie, and gettext's own check refuses it, so it is not written.
"""

import re
from collections import Counter
from collections.abc import Collection

_PERCENT = re.compile(
    r"%(?!%)(?:\((?P<name>[^()]*)\)|(?P<number>\d+)\$)?[-+ #0'I]*(?:\d+|\*)?(?:\.(?:\d+|\*))?"
    r"(?:hh|h|ll|l|j|z|t|L|q)?(?:<[A-Za-z0-9]+>|[A-Za-z@])"
)
_BRACES = re.compile(r"\{(?P<name>[^{}\s]*)\}")
_SHELL = re.compile(r"\$(?P<name>\w+|\{\w+\})")
_QT = re.compile(r"%(?P<name>L?\d{1,2}|n)")
_PERCENT_FLAGS = (
    "c", "objc", "python", "php", "perl", "lua", "awk", "gcc-internal", "object-pascal", "ruby",
    "tcl", "ycp", "librep", "scheme", "lisp", "elisp", "gfc-internal", "go", "d",
)  # fmt: skip
_BRACE_FLAGS = ("python-brace", "perl-brace", "java", "csharp", "rust", "c++", "java-printf")
_PATTERNS = {
    **{f"{name}-format": _PERCENT for name in _PERCENT_FLAGS},
    **{f"{name}-format": _BRACES for name in _BRACE_FLAGS},
    "java-printf-format": _PERCENT,
    "sh-format": _SHELL,
    "qt-format": _QT,
    "qt-plural-format": _QT,
    "kde-format": _QT,
}


def same_directives(source: str, translation: str, flags: Collection[str]) -> bool:
    """Tell whether a translation fills in the same as its source, by the flags of the entry.

    Those without a number or a name are filled in by their order, which must stay as well.
    """
    for flag in flags:
        pattern = _PATTERNS.get(flag)
        if pattern is None:
            continue
        wanted, found = list(pattern.finditer(source)), list(pattern.finditer(translation))
        if Counter(each[0] for each in wanted) != Counter(each[0] for each in found):
            return False
        if _by_order(wanted) != _by_order(found):
            return False
    return True


def _by_order(directives: Collection[re.Match[str]]) -> list[str]:
    return [
        each[0]
        for each in directives
        if not each["name"] and not (each.re is _PERCENT and each["number"])
    ]
