"""Elements of HTML: which are part of a sentence, which are not translated, which hold texts."""

import re

# Part of a sentence; every other element ends it.
INLINE = frozenset(
    ("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "data", "del", "dfn", "em", "font",
     "i", "ins", "label", "mark", "nobr", "q", "rp", "rt", "ruby", "s", "small", "span", "strike",
     "strong", "sub", "sup", "time", "u", "br", "img", "input", "wbr", "code", "kbd", "samp", "var",
     "tt", "svg", "math", "script", "object", "audio", "video", "canvas", "picture", "source")
)  # fmt: skip
VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
     "track", "wbr")
)  # fmt: skip
# In a sentence they stand for a word.
LITERAL = frozenset({"code", "kbd", "samp", "var", "tt", "math"})
# Neither these nor what they hold is translated.
UNTRANSLATED = LITERAL | {
    "pre", "script", "style", "svg", "template", "textarea", "xmp", "iframe", "noembed",
    "noframes", "plaintext", "object", "audio", "video", "canvas",
}  # fmt: skip
# Their end may be left out, which the next of their kind makes up for.
UNENDED = frozenset({"p", "li", "dt", "dd", "td", "th", "tr", "option"})
CONTEXTS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "heading"),
    **dict.fromkeys(("td", "th"), "cell"),
    "title": "title", "li": "list item", "button": "button", "option": "option",
    "figcaption": "caption", "caption": "caption",
}  # fmt: skip

TEXT_ATTRIBUTES = frozenset(
    {"alt", "title", "placeholder", "aria-label", "aria-description", "aria-placeholder",
     "aria-roledescription", "aria-valuetext"}
)  # fmt: skip
# Attributes that hold a text in some elements.
LABELLED = {"option": "label", "optgroup": "label", "track": "label", "table": "summary"}
BUTTON_TYPES = frozenset({"submit", "button", "reset"})
META_TEXTS = frozenset(
    {"description", "keywords", "subject", "abstract", "og:title", "og:description",
     "og:image:alt", "twitter:title", "twitter:description", "twitter:image:alt", "dc.title",
     "dc.description", "dcterms.title", "dcterms.description"}
)  # fmt: skip

RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
NO_TRANSLATION_CLASS = re.compile(r"(?:\A|\s)notranslate(?:\s|\Z)")
