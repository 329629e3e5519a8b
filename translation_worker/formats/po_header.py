"""The header of catalogues: their language, plural forms and encoding."""

import codecs
import re
from collections.abc import Iterator

from translation_worker.formats.po_file import PoEntry, without_fuzzy, written_field
from translation_worker.formats.po_plurals import PluralForms, forms_of_header, forms_of_language
from translation_worker.formats.text_slots import Patch

_CHARSET = re.compile(rb"Content-Type:[^\"\r\n]*charset=([A-Za-z0-9_.:+-]{1,40})")
_HEAD_BYTES = 64 * 1024
# Names that gettext has for languages whose tags say it another way.
_GETTEXT_NAMES = {"zh-hans": "zh_CN", "zh-hant": "zh_TW", "sr-latn": "sr@latin"}
# Lines of a header are ended where the values are.
_UNWRAPPED_COLUMNS = 100_000


def declared_charset(data: bytes) -> str:
    """Return the encoding that a catalogue names; empty if it names none."""
    match = _CHARSET.search(data[:_HEAD_BYTES])
    return match[1].decode("ascii") if match else ""


def codec_name(charset: str) -> str:
    """Return the name of a text encoding; empty if it is none."""
    try:
        info = codecs.lookup(charset) if charset else None
        return info.name if info is not None and "".encode(info.name) == b"" else ""
    except (LookupError, ValueError):
        # LookupError is also raised for codecs that are not of text, such as "zip".
        return ""


def language_name(language: str) -> str:
    """Return a language tag as gettext writes it."""
    return _GETTEXT_NAMES.get(language.lower(), language.replace("-", "_"))


def same_language(one: str, other: str) -> bool:
    """Tell whether two tags are of the same language, wherever it is spoken."""
    bases = [re.split(r"[-_@.]", tag.strip().lower(), maxsplit=1)[0] for tag in (one, other)]
    return bool(bases[0]) and bases[0] == bases[1]


class CatalogueHeader:
    """The header of a catalogue, which may have none."""

    def __init__(self, entry: PoEntry | None, value: str | None = None) -> None:
        """Take the header's entry, and another value than it has, if one is given."""
        self._entry = entry
        own = entry.translations[0].value if entry else ""
        self.value = own if value is None else value

    @property
    def language(self) -> str:
        """The language of the translations, as gettext writes it; empty if it is not told."""
        return self._field("Language")

    def plural_forms(self, target_language: str, *, has_translations: bool) -> PluralForms:
        """Return the forms for a target: the header's own, if they are of that language.

        A catalogue that does not tell its language but has translations counts as the target's.
        """
        own = forms_of_header(self._field("Plural-Forms"))
        is_same = same_language(self.language, target_language)
        if own is not None and (is_same or (not self.language and has_translations)):
            return own
        return forms_of_language(language_name(target_language))

    def for_target(self, target_language: str, forms: PluralForms) -> "CatalogueHeader":
        """Return a header for a target language and its plural forms."""
        header = self
        if not same_language(self.language, target_language):
            header = header._with("Language", language_name(target_language))
        known = forms_of_header(self._field("Plural-Forms"))
        if known is None or known.numbers != forms.numbers:
            header = header._with("Plural-Forms", forms.header)
        return header

    def with_charset(self, charset: str) -> "CatalogueHeader":
        """Return a header that names an encoding, if it is another than now."""
        current = self._field("Content-Type")
        if not charset or re.search(rf"charset={re.escape(charset)}(?![\w.:+-])", current):
            return self
        changed, count = re.subn(r"charset=[^\s;]*", f"charset={charset}", current)
        return self._with("Content-Type", changed if count else f"text/plain; charset={charset}")

    def patches(self, text: str, changed: "CatalogueHeader", line_break: str) -> Iterator[Patch]:
        """Yield what makes this header the changed one; one that was missing comes first."""
        if changed.value == self.value:
            return
        if self._entry is None:
            new = changed.with_charset("UTF-8")._with("Content-Transfer-Encoding", "8bit")
            field = written_field("msgstr", new.value, line_break, _UNWRAPPED_COLUMNS)
            yield Patch(0, 0, f'msgid ""{line_break}{field}{line_break}{line_break}')
            return
        own = self._entry.translations[0]
        yield Patch(
            own.start,
            own.end,
            written_field("msgstr", changed.value, line_break, _UNWRAPPED_COLUMNS),
        )
        yield from without_fuzzy(text, self._entry)

    def _field(self, name: str) -> str:
        match = re.search(rf"^{name}:[ \t]*(.*)$", self.value, re.MULTILINE | re.IGNORECASE)
        return match[1].strip() if match else ""

    def _with(self, name: str, value: str) -> "CatalogueHeader":
        line = f"{name}: {value}"
        pattern = re.compile(rf"^{name}:.*$", re.MULTILINE | re.IGNORECASE)
        text = self.value
        if pattern.search(text):
            text = pattern.sub(lambda _: line, text, count=1)
        else:
            text = f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
        return CatalogueHeader(self._entry, text)
