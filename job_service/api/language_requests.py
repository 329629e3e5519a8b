"""From a client's languages to the domain's: one to translate from, some to translate into."""

from collections.abc import Sequence
from functools import partial

from job_service.api import checks
from job_service.api.validation import Violations

MAX_TARGETS = 32

# Stands for a value that was found wrong; the request is refused before it is used.
_WRONG = ""


def languages(
    source: str, given: Sequence[str], violations: Violations, path: str
) -> tuple[str, tuple[str, ...]]:
    """Read the source language, which may be empty, and the target languages."""
    source_language = _WRONG
    if source:
        source_language = violations.check(
            f"{path}.source_language", lambda: checks.language_tag(source), _WRONG
        )
    path = f"{path}.target_languages"
    if not 1 <= len(given) <= MAX_TARGETS:
        violations.add(path, f"There are {len(given)}; from 1 to {MAX_TARGETS} are allowed.")
        return source_language, ()
    targets: list[str] = []
    for index, raw in enumerate(given):
        here = f"{path}[{index}]"
        tag = violations.check(here, partial(checks.language_tag, raw), _WRONG)
        if tag and tag == source_language:
            violations.add(here, "It is the source language.", "SAME_AS_SOURCE")
        if tag and tag in targets:
            violations.add(here, "It is there twice.", "DUPLICATE")
        targets.append(tag)
    return source_language, tuple(targets)
