"""What a server says of a text's encoding, put into the text where the text does not say it.

A file has no headers: what only the header of an answer told would be lost. So a text that neither
has a byte order mark nor names its encoding is written anew in UTF-8, which every codec takes it
for. A page that names its own encoding stays as it is.
"""

import codecs
from pathlib import Path

_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Where a page may name its encoding, by HTML's own rules.
_HEAD_BYTES = 1024
_NAMES_ITSELF = (b"charset", b"encoding=")


def make_utf8(path: Path, media_type: str, charset: str) -> bool:
    """Write the text at `path` in UTF-8 if `charset` is what tells how to read it.

    Tell if it was done. A charset that does not exist, or is not that of the text, is passed over.
    """
    if not charset or not media_type.startswith("text/"):
        return False
    try:
        name = codecs.lookup(charset).name
        data = path.read_bytes()
        head = data[:_HEAD_BYTES].lower()
        if name in {"utf-8", "ascii"} or data.startswith(_BOMS):
            return False
        if any(word in head for word in _NAMES_ITSELF):
            return False
        # A codec of Python that is none of text, such as "hex", is no charset.
        text = data.decode(name)
    except (LookupError, ValueError):
        return False
    path.write_bytes(text.encode())
    return True
