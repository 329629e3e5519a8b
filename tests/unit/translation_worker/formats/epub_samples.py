"""Books to test with, made here."""

import io
import zipfile
from collections.abc import Mapping

PAGE = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
<head><title>Chapter one</title><script src="x.js"/></head>
<body><h1>Chapter <em>one</em></h1>
<p>It was a <b>dark</b> night&#160;&#8212; so they say.<br/>Rain fell.</p>
<pre>code here</pre>
<p><img src="a.png" alt="A lamp"/></p></body></html>
"""
NAV = """<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<head><title>Contents</title></head>
<body><nav epub:type="toc"><ol><li><a href="one.xhtml">Chapter one</a></li></ol></nav></body></html>
"""
TABLE = """<?xml version="1.0"?>
<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">
<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1" xml:lang="en">
<docTitle><text>The lamp</text></docTitle>
<navMap><navPoint id="n1"><navLabel><text>Chapter one</text></navLabel>
<content src="one.xhtml"/></navPoint></navMap></ncx>
"""
CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""
METADATA = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:x</dc:identifier><dc:title>The lamp &amp; I</dc:title>
<dc:language>en</dc:language><dc:creator>Ann Author</dc:creator></metadata>
<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="one" href="one%20page.xhtml" media-type="application/xhtml+xml"/>
<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
<item id="pic" href="a.png" media-type="image/png"/></manifest>
<spine toc="ncx"><itemref idref="one"/></spine></package>
"""
MEMBERS: Mapping[str, str] = {
    "META-INF/container.xml": CONTAINER,
    "OEBPS/book.opf": METADATA,
    "OEBPS/nav.xhtml": NAV,
    "OEBPS/one page.xhtml": PAGE,
    "OEBPS/toc.ncx": TABLE,
    "OEBPS/a.png": "not really",
}


def book(changed: Mapping[str, str | None] | None = None) -> bytes:
    """Return a book, some members of which are other than usual, or left out."""
    members = {**MEMBERS, **(changed or {})}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        for name, text in members.items():
            if text is not None:
                package.writestr(name, text, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def members_of(data: bytes) -> dict[str, str]:
    """Return what the members of a book hold."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.testzip() is None
        return {name: package.read(name).decode() for name in package.namelist()}
