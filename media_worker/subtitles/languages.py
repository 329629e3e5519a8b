"""Languages between BCP 47, which the service speaks, and ISO 639-2, which containers do."""

from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global

_UNDETERMINED = "und"
# Of languages with several three-letter codes in use, the terminological one of ISO 639-2.
_TERMINOLOGICAL = {
    "ak": "aka", "ar": "ara", "ay": "aym", "az": "aze", "bo": "bod", "cr": "cre", "cs": "ces",
    "cy": "cym", "de": "deu", "dz": "dzo", "el": "ell", "et": "est", "eu": "eus", "fa": "fas",
    "ff": "ful", "fr": "fra", "gn": "grn", "gu": "guj", "hr": "hrv", "hy": "hye", "ik": "ipk",
    "is": "isl", "iu": "iku", "ka": "kat", "kg": "kon", "kr": "kau", "ku": "kur", "kv": "kom",
    "lv": "lav", "mg": "mlg", "mi": "mri", "mk": "mkd", "mn": "mon", "ms": "msa", "my": "mya",
    "ne": "nep", "nl": "nld", "oj": "oji", "om": "orm", "or": "ori", "ps": "pus", "qu": "que",
    "ro": "ron", "sa": "san", "sc": "srd", "sk": "slk", "sq": "sqi", "sr": "srp", "sw": "swa",
    "uz": "uzb", "yi": "yid", "za": "zha", "zh": "zho",
}  # fmt: skip


def container_language(tag: str) -> str:
    """Write a BCP 47 tag's language by ISO 639-2; "und" where there is none."""
    language = _primary(tag)
    if len(language) == 3:  # noqa: PLR2004 - the letters of ISO 639-2
        return language
    return _by_two_letters().get(language, _UNDETERMINED)


def bcp47_language(code: str) -> str:
    """Write a container's language as BCP 47; empty where it says nothing."""
    language = _primary(code)
    if not language.isascii() or not language.isalpha() or language == _UNDETERMINED:
        return ""
    found = get_global("language_aliases").get(language, language)
    return str(found) if len(found) <= 3 else ""  # noqa: PLR2004 - the letters of ISO 639-3


def is_same_language(one: str, other: str) -> bool:
    """Compare two tags of either kind by their languages alone."""
    return bool(bcp47_language(one)) and bcp47_language(one) == bcp47_language(other)


def native_name(tag: str) -> str:
    """Name a language as its speakers do; the tag itself if that is not known."""
    try:
        locale = Locale.parse(tag, sep="-")
        name = locale.get_display_name(locale)
    except (UnknownLocaleError, ValueError):
        return tag
    return name[:1].upper() + name[1:] if name else tag


@lru_cache(maxsize=1)
def _by_two_letters() -> dict[str, str]:
    aliases: dict[str, str] = {}
    for code, language in get_global("language_aliases").items():
        if len(code) == 3 and len(language) == 2:  # noqa: PLR2004 - letters of ISO 639
            aliases.setdefault(language, code)
    return aliases | _TERMINOLOGICAL


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].casefold()
