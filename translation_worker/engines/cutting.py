"""Cutting: a sentence that is too long for an engine, in parts that are not."""

import re

_CLAUSE_END = re.compile(r"[;:,.!?)\]\u2014\u2013-](?=\s)")
_SPACE = re.compile(r"\s+")


def cut_at_clauses(sentence: str, limit: int) -> list[str]:
    """Cut a sentence into parts of at most `limit` characters.

    Cuts after a clause mark if there is one in the second half of a part, else at a space, else
    anywhere. The spaces at the cuts are dropped.
    """
    parts: list[str] = []
    rest = sentence.strip()
    while len(rest) > limit:
        window = rest[: limit + 1]
        clauses = [match.end() for match in _CLAUSE_END.finditer(window) if match.end() <= limit]
        spaces = [match.start() for match in _SPACE.finditer(window) if match.start() > 0]
        if clauses and clauses[-1] > limit // 2:
            cut = clauses[-1]
        elif spaces:
            cut = spaces[-1]
        else:
            cut = limit
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest:
        parts.append(rest)
    return parts
