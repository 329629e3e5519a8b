"""Active content: what makes a reader run, launch or send something; it is taken out on writing.

A translated file goes on to people who trust the one who sent it. Scripts, launch actions, forms
that send themselves, embedded files and media that play have no part in a translation.
"""

from collections import Counter
from collections.abc import Mapping

import pikepdf
from pikepdf import Array, Dictionary, Object, Stream

# Action types (PDF 32000-1, 12.6.4) that are more than going to a place or an address.
_ACTIVE = {
    "/JavaScript": "scripts",
    "/Launch": "launch_actions",
    "/ImportData": "form_actions",
    "/SubmitForm": "form_actions",
    "/GoToE": "embedded_files",
    "/Rendition": "media",
    "/Movie": "media",
    "/Sound": "media",
    "/RichMediaExecute": "media",
}
_ACTIVE_ANNOTATIONS = {
    "/FileAttachment": "embedded_files",
    "/RichMedia": "media",
    "/Screen": "media",
    "/Movie": "media",
    "/Sound": "media",
    "/3D": "media",
}
_MAX_DEPTH = 30


def strip_active_content(pdf: pikepdf.Pdf) -> Mapping[str, int]:
    """Take active content out of a document; return how much of each kind there was."""
    removed: Counter[str] = Counter()
    _strip_names(pdf, removed)
    for item in list(pdf.objects):
        _strip(item, removed, 0)
    for page in pdf.pages:
        _strip_annotations(page, removed)
    return dict(removed)


def _strip_names(pdf: pikepdf.Pdf, removed: Counter[str]) -> None:
    names = pdf.Root.get("/Names")
    if isinstance(names, Dictionary):
        for key, kind in (("/JavaScript", "scripts"), ("/EmbeddedFiles", "embedded_files")):
            if key in names:
                del names[key]
                removed[kind] += 1
    for key in ("/AF", "/Collection"):
        if key in pdf.Root:
            del pdf.Root[key]
            removed["embedded_files"] += 1
    form = pdf.Root.get("/AcroForm")
    if isinstance(form, Dictionary) and "/XFA" in form:
        del form["/XFA"]
        removed["scripts"] += 1


def _strip(item: Object, removed: Counter[str], depth: int) -> None:
    """Take active entries out of an object and what is directly in it."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(item, Dictionary | Stream):
        if "/AA" in item:
            del item["/AA"]
            removed["scripts"] += 1
        for key, value in list(item.items()):
            if _strip_entry(value, removed, depth):
                del item[key]
    elif isinstance(item, Array):
        # From the end, so that the places before stay the same.
        for number in reversed(range(len(item))):
            if _strip_entry(item[number], removed, depth):
                del item[number]


def _strip_entry(value: object, removed: Counter[str], depth: int) -> bool:
    """Tell whether an entry has to go; if not, take out what is directly in it."""
    kind = _active_kind(value)
    if kind:
        removed[kind] += 1
    elif isinstance(value, Dictionary | Array) and not value.is_indirect:
        _strip(value, removed, depth + 1)
    return bool(kind)


def _active_kind(value: object) -> str | None:
    """Return what an action would do; None for what is no action, or a harmless one."""
    if not isinstance(value, Dictionary):
        return None
    if "/JS" in value:
        return "scripts"
    # Other dictionaries name things by /S too, such as marked content: none of these words.
    return _kind(value, "/S", _ACTIVE)


def _kind(dictionary: Dictionary, key: str, kinds: Mapping[str, str]) -> str | None:
    try:
        return kinds.get(str(dictionary.get(key, "")))
    except UnicodeDecodeError:  # a name that is none of these
        return None


def _strip_annotations(page: pikepdf.Page, removed: Counter[str]) -> None:
    annotations = page.obj.get("/Annots")
    if not isinstance(annotations, Array):
        return
    for number in reversed(range(len(annotations))):
        annotation = annotations[number]
        if isinstance(annotation, Dictionary):
            kind = _kind(annotation, "/Subtype", _ACTIVE_ANNOTATIONS)
            if kind:
                del annotations[number]
                removed[kind] += 1
