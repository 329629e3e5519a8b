"""Names of WordprocessingML, in both of its namespaces.

Documents are of ECMA-376's transitional kind as a rule, and sometimes of its strict one, which
differs in its namespaces.
"""

from functools import lru_cache

from lxml import etree

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_WORD_NAMESPACES = (WORD, "http://purl.oclc.org/ooxml/wordprocessingml/main")
_WORD_PREFIXES = tuple(f"{{{namespace}}}" for namespace in _WORD_NAMESPACES)


def local_name(element: etree._Element) -> str:
    """Return the name of a word processing element; empty for any other, and for comments."""
    tag: object = element.tag
    return _local_name(tag) if isinstance(tag, str) else ""


@lru_cache(maxsize=1024)
def _local_name(tag: str) -> str:
    for prefix in _WORD_PREFIXES:
        if tag.startswith(prefix):
            return tag[len(prefix) :]
    return ""


def sibling_tag(element: etree._Element, name: str) -> str:
    """Return the tag of that name in the namespace of an element."""
    return f"{{{etree.QName(element).namespace}}}{name}"


def word_attribute(element: etree._Element, name: str) -> str:
    """Return an attribute of word processing; empty if there is none."""
    for prefix in _WORD_PREFIXES:
        value = element.get(prefix + name)
        if value is not None:
            return value
    return ""


def child(element: etree._Element, name: str) -> etree._Element | None:
    """Return the first child of that name."""
    return next((one for one in element if local_name(one) == name), None)


def is_on(properties: etree._Element, name: str) -> bool:
    """Tell whether a property is there and not switched off."""
    found = child(properties, name)
    return found is not None and word_attribute(found, "val") not in {"0", "false", "off", "none"}
