"""Languages as office documents name them, and where in a document's properties they stand."""

from lxml import etree

from translation_worker.formats.docx_names import child, local_name, sibling_tag

# Word takes a language with its region; this is the one where the language has most of its
# speakers, or the one that its spelling dictionaries are named for.
_REGIONS = {
    "ar": "SA", "be": "BY", "bg": "BG", "ca": "ES", "cs": "CZ", "da": "DK", "de": "DE",
    "el": "GR", "en": "US", "es": "ES", "et": "EE", "eu": "ES", "fa": "IR", "fi": "FI",
    "fr": "FR", "gl": "ES", "he": "IL", "hi": "IN", "hr": "HR", "hu": "HU", "id": "ID",
    "is": "IS", "it": "IT", "ja": "JP", "ko": "KR", "lt": "LT", "lv": "LV", "mk": "MK",
    "nb": "NO", "nl": "NL", "nn": "NO", "oc": "FR", "pl": "PL", "pt": "PT", "ro": "RO",
    "ru": "RU", "sk": "SK", "sl": "SI", "sq": "AL", "sr": "RS", "sv": "SE", "th": "TH",
    "tr": "TR", "uk": "UA", "ur": "PK", "vi": "VN", "zh": "CN",
}  # fmt: skip
_EAST_ASIAN = frozenset({"ja", "ko", "zh"})
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_COMPLEX = frozenset({"ar", "fa", "he", "hi", "th", "ur"})
_ATTRIBUTES = {"": "val", "asian": "eastAsia", "complex": "bidi"}
# Says that there are no words to check in it.
_NO_LANGUAGE = "zxx"


def regional(language: str) -> str:
    """Return a BCP 47 tag with a region, "pt-PT" for "pt"; unknown languages as they are."""
    primary, _, rest = language.partition("-")
    region = _REGIONS.get(primary.lower(), "")
    return language if rest or not region else f"{primary.lower()}-{region}"


def primary(language: str) -> str:
    """Return the language itself of a tag: "pt" of "pt-BR"."""
    return language.replace("_", "-").partition("-")[0].lower()


def script(language: str) -> str:
    """Return which of an office document's three languages a language is set as.

    "asian" or "complex", and "" for what is written like Latin, Greek and Cyrillic.
    """
    if primary(language) in _EAST_ASIAN:
        return "asian"
    return "complex" if primary(language) in _COMPLEX else ""


def is_right_to_left(language: str) -> bool:
    """Tell whether a language is written from right to left."""
    return primary(language) in _RIGHT_TO_LEFT


def set_run_language(properties: etree._Element, language: str) -> bool:
    """Set the language that run properties name, if they name any; tell if it was another."""
    element = child(properties, "lang")
    return element is not None and _set(element, language)


def set_default_language(root: etree._Element, language: str) -> bool:
    """Set the language of a document's styles; tell if it was another."""
    changed = False
    for defaults in root.iter("{*}rPrDefault"):
        properties = child(defaults, "rPr")
        if properties is None:
            properties = etree.SubElement(defaults, sibling_tag(defaults, "rPr"))
        if child(properties, "lang") is None:
            etree.SubElement(properties, sibling_tag(properties, "lang"))
    for element in root.iter("{*}lang"):
        if local_name(element) == "lang":
            changed |= _set(element, language)
    return changed


def _set(element: etree._Element, language: str) -> bool:
    """Set what a language element says of the script that the language is written in."""
    attribute = sibling_tag(element, _ATTRIBUTES[script(language)])
    before = element.get(attribute, "")
    # A region that the document has already is as good as the usual one.
    if primary(before) in {primary(language), _NO_LANGUAGE} and "-" not in language:
        return False
    element.set(attribute, regional(language))
    return before != regional(language)
