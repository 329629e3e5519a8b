"""Tagged text: a segment's words and tags as one string that the sentence machinery takes.

`See <g1>this</g1> <x2/>` is what it looks like on its way through an engine, where protection
knows tags by their form. The names are chosen so that none is in the words already. What comes
back is parsed and compared: a content is given back only if every tag is there once, nested as
in the source.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from translation_worker.document import Content, Tag, TagKind, content_of, is_well_formed, tags_of

_NUMBERED = re.compile(r"</?[gx](\d{1,9})")
_NAME = re.compile(r"</?g\d+>|<x\d+/>")
_FORMS = {TagKind.OPENING: "<g{}>", TagKind.CLOSING: "</g{}>", TagKind.ALONE: "<x{}/>"}


@dataclass(frozen=True, slots=True)
class TaggedText:
    """A content as a string, and which tag each name in it stands for."""

    text: str
    source: Content
    tags: Mapping[str, Tag]

    def parse(self, translated: str) -> Content | None:
        """Return the content of a translation; None if a tag is lost, doubled or misplaced."""
        if not self.tags:
            return content_of([translated])
        parts: list[str | Tag] = []
        position = 0
        for match in _NAME.finditer(translated):
            # A name that is not of ours is words.
            if match[0] in self.tags:
                parts += [translated[position : match.start()], self.tags[match[0]]]
                position = match.end()
        content = content_of([*parts, translated[position:]])
        return content if keeps_tags(self.source, content) else None


def flatten(content: Content) -> TaggedText:
    """Write the tags of a content out as text; its tags must nest."""
    words = "".join(part for part in content if isinstance(part, str))
    # Behind the largest number that the words hold, so that no name is ambiguous.
    number = max((int(match[1]) for match in _NUMBERED.finditer(words)), default=0)
    opened: list[int] = []
    tags: dict[str, Tag] = {}
    pieces: list[str] = []
    for part in content:
        if isinstance(part, str):
            pieces.append(part)
            continue
        if part.kind is TagKind.CLOSING:
            name = _FORMS[part.kind].format(opened.pop())
        else:
            number += 1
            name = _FORMS[part.kind].format(number)
            if part.kind is TagKind.OPENING:
                opened.append(number)
        tags[name] = part
        pieces.append(name)
    return TaggedText("".join(pieces), content, tags)


def keeps_tags(source: Content, translated: Content) -> bool:
    """Tell whether a translation has each tag as often as the source, and they nest."""
    same = Counter(tags_of(source)) == Counter(tags_of(translated))
    return same and is_well_formed(translated)
