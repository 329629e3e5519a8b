"""Named entities: names of people, places and organisations, and acronyms, found by their form.

No model is asked. A word is part of a name if it begins with a capital where no sentence begins;
at the beginning of one, if the text has it elsewhere as a name too, or another such word follows.
In German, which writes every noun so, only acronyms are found.
"""

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

_MAX_ENTITIES = 1000
_RECORD = re.compile(r"r(\d+)\.")
_ACRONYM = r"(?:[A-Z]\.){2,}|[A-Z][A-Z0-9]{1,7}s?\b"
_CAPITALISED = r"[^\W\d_a-z][\w’'-]*[^\W\d_][\w’'-]*"  # noqa: RUF001 - an apostrophe
_TOKEN = re.compile(rf"(?P<acronym>{_ACRONYM})|(?P<word>[^\W_][\w’'-]*)|(?P<mark>[^\w\s])")  # noqa: RUF001 - an apostrophe
# Stand between the words of a name.
_LINKS = frozenset(
    ("of", "the", "de", "da", "do", "dos", "das", "del", "di", "du", "la", "le", "van", "von",
     "der", "den", "&")
)  # fmt: skip
_COMPANIES = frozenset(
    ("Inc", "Ltd", "LLC", "GmbH", "AG", "Corp", "Corporation", "Company", "Foundation",
     "University", "Institute", "Association", "Bank", "Group", "SA", "Lda", "BV", "SpA", "Plc")
)  # fmt: skip
_SMALL_WORD = re.compile(r"\b[a-z\u00df-\u00ff][\w'-]*")
_SENTENCE_ENDS = frozenset('.!?:;…"“”¿¡()[]*•-–—')  # noqa: RUF001 - dashes
# At the beginning of a sentence they are no names.
_USUAL_FIRST_WORDS = frozenset(
    ("a", "an", "and", "as", "at", "but", "by", "for", "from", "how", "if", "in", "it", "its", "no",
     "not", "of", "on", "or", "our", "so", "that", "the", "their", "there", "these", "they", "this",
     "those", "to", "we", "what", "when", "where", "which", "who", "why", "with", "you", "your",
     "i", "he", "she")
)  # fmt: skip


@dataclass(slots=True)
class NamedEntity:
    """A name, how often it is in the texts, and in which records, counted from 0."""

    text: str
    kind: str
    count: int = 0
    records: set[int] = field(default_factory=set)


def named_entities(texts: Iterable[tuple[str, str]], language: str = "") -> list[NamedEntity]:
    """Return the names in texts, given by their segments' ids, the most frequent first."""
    given = list(texts)
    # A word that is also written small is no name where a sentence begins.
    small = {word for _, text in given for word in _SMALL_WORD.findall(text)}
    is_german = language.split("-", maxsplit=1)[0] == "de"
    found: dict[str, NamedEntity] = {}
    doubtful: list[tuple[str, str]] = []
    for segment_id, text in given:
        for name in _acronyms(text) if is_german else _names(text, small):
            if name.is_doubtful:
                doubtful.append((segment_id, name.text))
            else:
                _count(found, segment_id, name.text, name.kind)
    for segment_id, text in doubtful:
        if text in found:
            _count(found, segment_id, text, found[text].kind)
    ordered = sorted(found.values(), key=lambda entity: (-entity.count, entity.text))
    return ordered[:_MAX_ENTITIES]


def _count(found: dict[str, NamedEntity], segment_id: str, text: str, kind: str) -> None:
    entity = found.setdefault(text, NamedEntity(text, kind))
    entity.count += 1
    if match := _RECORD.match(segment_id):
        entity.records.add(int(match[1]))


@dataclass(slots=True)
class _Name:
    text: str
    kind: str
    is_doubtful: bool


def _acronyms(text: str) -> Iterator[_Name]:
    for token in _TOKEN.finditer(text):
        if token["acronym"]:
            yield _Name(token[0], "acronym", is_doubtful=False)


def _names(text: str, small: Set[str]) -> Iterator[_Name]:
    run: list[str] = []
    links: list[str] = []
    starts_sentence = True
    run_starts_sentence = False
    position = 0
    for token in _TOKEN.finditer(text):
        gap = text[position : token.start()]
        position = token.end()
        if run and ("\n" in gap or token["mark"] not in {None, "&"}):
            yield from _name(run, small, starts_sentence=run_starts_sentence)
            run, links = [], []
        if "\n" in gap:
            starts_sentence = True
        word = token[0]
        if token["acronym"] and not run:
            yield _Name(word, "acronym", is_doubtful=False)
        elif token["acronym"] or re.fullmatch(_CAPITALISED, word):
            run_starts_sentence = starts_sentence if not run else run_starts_sentence
            run += [*links, word]
            links = []
        elif run and word in _LINKS and len(links) < 2:  # noqa: PLR2004 - as in "of the"
            links.append(word)
        elif run:
            yield from _name(run, small, starts_sentence=run_starts_sentence)
            run, links = [], []
        is_mark = token["mark"] is not None
        starts_sentence = is_mark and (starts_sentence or word in _SENTENCE_ENDS)
    if run:
        yield from _name(run, small, starts_sentence=run_starts_sentence)


def _name(run: list[str], small: Set[str], *, starts_sentence: bool) -> Iterator[_Name]:
    words = list(run)
    if starts_sentence and words[0].lower() in _USUAL_FIRST_WORDS | small:
        words = words[1:]
        starts_sentence = False
    while words and words[0] in _LINKS:
        words = words[1:]
    words = [re.sub(r"[’']s\Z", "", word) for word in words]  # noqa: RUF001 - an apostrophe
    if not words or words == ["I"]:
        return
    kind = "organisation" if words[-1] in _COMPANIES and len(words) > 1 else "name"
    if len(words) == 1 and re.fullmatch(_ACRONYM, words[0]):
        kind, starts_sentence = "acronym", False
    yield _Name(" ".join(words), kind, is_doubtful=starts_sentence and len(words) == 1)
