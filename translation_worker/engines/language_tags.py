"""Language tags: from the codes that engines use to the shortest BCP 47 tag.

BCP 47 wants the two-letter code where ISO 639-1 has one (RFC 5646, section 2.2.1); Debian's
translation data mixes two and three letters.
"""

from collections.abc import Mapping

# ISO 639-3 to ISO 639-1, for the languages that Debian has translation data for, and others for
# which models are common.
_SHORTER: Mapping[str, str] = {
    "ara": "ar",
    "ces": "cs",
    "deu": "de",
    "ell": "el",
    "fin": "fi",
    "hun": "hu",
    "jpn": "ja",
    "kor": "ko",
    "tur": "tr",
    "vie": "vi",
    "zho": "zh",
    "afr": "af",
    "arg": "an",
    "bel": "be",
    "bul": "bg",
    "cat": "ca",
    "dan": "da",
    "eng": "en",
    "epo": "eo",
    "eus": "eu",
    "fra": "fr",
    "glg": "gl",
    "hbs": "sh",
    "hin": "hi",
    "ind": "id",
    "isl": "is",
    "ita": "it",
    "mkd": "mk",
    "msa": "ms",
    "nld": "nl",
    "nno": "nn",
    "nob": "nb",
    "oci": "oc",
    "pol": "pl",
    "por": "pt",
    "ron": "ro",
    "rus": "ru",
    "slv": "sl",
    "spa": "es",
    "srd": "sc",
    "swe": "sv",
    "ukr": "uk",
    "urd": "ur",
    "zlm": "ms",
}


def shortest_tag(code: str) -> str:
    """Return the BCP 47 primary subtag for an ISO 639 code of two or three letters."""
    return _SHORTER.get(code, code)
