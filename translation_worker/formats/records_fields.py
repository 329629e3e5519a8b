"""Fields of records: which of them the rules name."""

from functools import lru_cache

from translation_worker.formats.codec import RecordRules
from translation_worker.formats.json_strings import JsonPath


def is_target(path: JsonPath, rules: RecordRules) -> bool:
    """Tell whether a field, by its path in a record, is one of those to translate.

    A dotted name reaches into nested records; `*` stands for every element of a list.
    """
    places = tuple("*" if isinstance(place, int) else place for place in path)
    return places in _targets(rules)


@lru_cache(maxsize=16)
def _targets(rules: RecordRules) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(field.split(".")) for field in rules.target_fields)
