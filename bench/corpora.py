"""What the benches translate, from Debian packages: texts in several languages, and a manual.

Two domains: the paragraphs of the Debian Administrator's Handbook, whose translations keep the
structure of the pages, and the messages of coreutils and git. The Debian Reference comes as a PDF.
All are fetched from Debian's own archive and never part of this project: they are GPL, the Handbook
also CC-BY-SA.

Messages with words in angle brackets, such as "<file>", are left out: this project keeps what may
be markup, and translators translate it, so that scores would count a decision and no skill.
"""

import hashlib
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polib
from lxml import html

PACKAGES = ("debian-handbook", "coreutils", "git", "debian-reference-en")
MANUAL = Path("usr/share/debian-reference/debian-reference.en.pdf")
HANDBOOK_FOLDERS = {"en": "en-US", "es": "es-ES", "pt": "pt-BR", "fr": "fr-FR", "ca": "ca-ES"}
CATALOGUE_FOLDERS = {"es": "es", "pt": "pt_BR", "fr": "fr", "ca": "ca"}
_CATALOGUES = ("coreutils", "git")
_HANDBOOK = Path("usr/share/doc/debian-handbook/html")
_LOCALES = Path("usr/share/locale")
# Longer paragraphs only make the run longer; shorter ones are names and commands.
_CHARACTERS = range(40, 320)
# Within a paragraph these are paragraphs, lists and code of their own.
_BLOCKS = ("ul", "ol", "dl", "table", "pre", "p")
# Words in angle brackets, and line breaks and columns, which are layout.
_NO_SENTENCE = re.compile(r"<[\w-]+|\n(?!\s*\Z)| {3}")
_SPACE = re.compile(r"\s+")


class CorpusError(Exception):
    """The texts cannot be had here."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """One text in all the languages that have it."""

    texts: Mapping[str, str]


def fetch(folder: Path) -> None:
    """Fetch the packages with apt and unpack them, unless they are there. Raises CorpusError."""
    if all((folder / part).exists() for part in (_HANDBOOK, _LOCALES, MANUAL)):
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(
            ["apt-get", "download", "-qq", *PACKAGES],
            cwd=folder,
            check=True,
            timeout=300,
        )
        for package in sorted(folder.glob("*.deb")):
            subprocess.run(
                ["dpkg-deb", "-x", str(package), str(folder)],
                check=True,
                timeout=300,
            )
            package.unlink()
    except (OSError, subprocess.SubprocessError) as error:
        raise CorpusError(f"The packages {', '.join(PACKAGES)} cannot be fetched.") from error


def corpora(folder: Path) -> dict[str, list[Aligned]]:
    """Return the aligned texts of each domain. Raises CorpusError."""
    found = {"handbook": list(_handbook(folder)), "messages": list(_messages(folder))}
    for domain, texts in found.items():
        if not texts:
            raise CorpusError(f"No texts of the domain {domain} are in {folder}.")
    return found


def sample(texts: Sequence[Aligned], source: str, target: str, count: int) -> list[tuple[str, str]]:
    """Return pairs of source and reference, spread over the domain, always the same ones.

    What is equal in both languages was not translated, and what differs much in length was
    translated for another version of the text.
    """
    pairs = {
        each.texts[source]: each.texts[target]
        for each in texts
        if source in each.texts and target in each.texts
    }
    usable = [
        (text, reference)
        for text, reference in pairs.items()
        if text != reference and 1 / 2 < len(text) / len(reference) < 2
    ]
    usable.sort(key=lambda pair: hashlib.sha256(pair[0].encode()).digest())
    return usable[:count]


def _handbook(folder: Path) -> Iterator[Aligned]:
    root = folder / _HANDBOOK
    for page in sorted((root / HANDBOOK_FOLDERS["en"]).glob("*.html")):
        by_language = {
            language: _paragraphs(root / name / page.name)
            for language, name in HANDBOOK_FOLDERS.items()
            if (root / name / page.name).is_file()
        }
        english = by_language.get("en", [])
        aligned = {name: each for name, each in by_language.items() if len(each) == len(english)}
        for index, text in enumerate(english):
            texts = {name: each[index] for name, each in aligned.items()}
            # A translation that is still English is none.
            yield from _usable({k: v for k, v in texts.items() if k == "en" or v != text})


def _paragraphs(page: Path) -> list[str]:
    """Return every paragraph of a page; one that holds others is empty."""
    tree = html.parse(str(page))
    return [
        "" if next(paragraph.iter(*_BLOCKS), None) is not None else _flat(paragraph.text_content())
        for paragraph in tree.iterfind(".//div[@class='para']")
    ]


def _messages(folder: Path) -> Iterator[Aligned]:
    by_source: dict[str, dict[str, str]] = {}
    for name in _CATALOGUES:
        for language, locale in CATALOGUE_FOLDERS.items():
            path = folder / _LOCALES / locale / "LC_MESSAGES" / f"{name}.mo"
            if not path.is_file():
                continue
            for entry in polib.mofile(str(path)):
                if entry.msgstr and not entry.msgid_plural and not _NO_SENTENCE.search(entry.msgid):
                    texts = by_source.setdefault(entry.msgid, {"en": _flat(entry.msgid)})
                    texts[language] = _flat(entry.msgstr)
    for texts in by_source.values():
        yield from _usable(texts)


def _usable(texts: Mapping[str, str]) -> Iterator[Aligned]:
    if len(texts["en"]) in _CHARACTERS and len(texts) > 1:
        yield Aligned(texts)


def _flat(text: str) -> str:
    return _SPACE.sub(" ", text).strip()
