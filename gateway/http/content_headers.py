"""Headers under which foreign content is safe to hand out.

Whatever was uploaded, a browser must save it and never run it on this origin:
as an attachment, of the stated type, without scripts. Names come from users,
so they are encoded by RFC 6266 and RFC 8187 and cannot end the header.
"""

import re
from urllib.parse import quote

DEFAULT_MEDIA_TYPE = "application/octet-stream"
# RFC 9110: type/subtype and simple parameters; anything else is not passed on.
_MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}"
    r"(;\s?[A-Za-z0-9!#$&^_.+-]{1,64}=[A-Za-z0-9!#$&^_.+-]{1,64}){0,4}"
)
_UNSAFE_IN_FALLBACK = re.compile(r"[^A-Za-z0-9._ -]")
_LONGEST_FILENAME = 255


def content_disposition(filename: str) -> str:
    """Write Content-Disposition for a name given by a user."""
    name = re.split(r"[/\\]", filename)[-1][:_LONGEST_FILENAME].strip(" .") or "artifact"
    fallback = _UNSAFE_IN_FALLBACK.sub("_", name)
    value = f'attachment; filename="{fallback}"'
    if fallback != name:
        encoded = quote(name.encode("utf-8", "replace"), safe="")
        value += f"; filename*=UTF-8''{encoded}"
    return value


def safe_media_type(media_type: str) -> str:
    """Return a media type that may stand in a header."""
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else DEFAULT_MEDIA_TYPE


def attachment_headers(filename: str, sha256: str) -> dict[str, str]:
    """Give the headers of a download."""
    return {
        "Content-Disposition": content_disposition(filename),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-transform",
    }


def etag_matches(header: str, sha256: str) -> bool:
    """Tell whether an If-None-Match or If-Range header names this content."""
    names = {name.strip().removeprefix("W/") for name in header.split(",", 64)}
    return "*" in names or f'"{sha256}"' in names
