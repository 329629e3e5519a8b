"""Packages are opened only if they are safe, and written with only some parts replaced."""

import contextlib
import io
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.formats.codec import DocumentError, DocumentLimits
from translation_worker.formats.packages import open_package, rewrite_package

LIMITS = DocumentLimits()
MIB = 1024 * 1024


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in members:
            package.writestr(name, data)
    return buffer.getvalue()


def refusal(path: Path, data: bytes, limits: DocumentLimits = LIMITS) -> FailureReason:
    """Open a package, read all of it, and return why that ends early."""
    path.write_bytes(data)
    with pytest.raises(DocumentError) as caught:
        read_all(path, limits)
    return caught.value.reason


def read_all(path: Path, limits: DocumentLimits = LIMITS) -> int:
    """Return how many bytes the members of a package have together."""
    with open_package(path, limits) as package:
        return sum(len(package.read(name)) for name in package.names)


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def nested_bomb() -> bytes:
    inner = zipped(("zeros", b"\0" * 4 * MIB))
    for _ in range(3):
        inner = zipped(*((f"lib {index}.zip", inner) for index in range(16)))
    return inner


@pytest.mark.matrix(35)
@pytest.mark.parametrize("name", ["../out.xml", "/etc/passwd", "C:/x", "a/../../b", "a\\b", "a//b"])
def test_a_package_is_refused_when_a_name_leads_out_of_it(tmp_path: Path, name: str) -> None:
    data = zipped(("a.xml", b"<a/>"), (name, b"x"))
    assert refusal(tmp_path / "p", data) is FailureReason.DOCUMENT_REFUSED


@pytest.mark.matrix(35)
def test_a_package_is_refused_when_a_member_is_a_link(tmp_path: Path) -> None:
    data = zipped((link("word/document.xml"), b"/etc/passwd"))
    assert refusal(tmp_path / "p", data) is FailureReason.DOCUMENT_REFUSED


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_package_is_refused_when_a_name_is_there_twice(tmp_path: Path) -> None:
    data = zipped(("a.xml", b"one"), ("a.xml", b"two"))
    assert refusal(tmp_path / "p", data) is FailureReason.DOCUMENT_REFUSED


def test_a_package_is_encrypted_when_a_member_says_so(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.xml", b"<a/>")))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(tmp_path / "p", bytes(data)) is FailureReason.DOCUMENT_ENCRYPTED


def test_a_file_is_encrypted_when_office_has_put_a_password_on_it(tmp_path: Path) -> None:
    data = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
    )
    assert refusal(tmp_path / "p", data) is FailureReason.DOCUMENT_ENCRYPTED


@pytest.mark.matrix(34)
def test_a_package_is_too_large_when_it_has_too_many_members(tmp_path: Path) -> None:
    data = zipped(*((f"{index}.xml", b"") for index in range(30)))
    limits = DocumentLimits(max_members=29)
    assert refusal(tmp_path / "p", data, limits) is FailureReason.DOCUMENT_TOO_LARGE


def test_members_are_counted_when_the_package_says_there_are_fewer(tmp_path: Path) -> None:
    data = bytearray(zipped(*((f"{index}.xml", b"") for index in range(30))))
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<2H", data, end + 8, 3, 3)
    limits = DocumentLimits(max_members=29)
    assert refusal(tmp_path / "p", bytes(data), limits) is FailureReason.DOCUMENT_TOO_LARGE
    assert refusal(tmp_path / "q", bytes(data)) is FailureReason.DOCUMENT_DAMAGED


@pytest.mark.matrix(34)
def test_a_package_is_too_large_when_it_admits_to_be_a_bomb(tmp_path: Path) -> None:
    data = zipped(("word/document.xml", b" " * 64 * MIB))
    assert len(data) < MIB
    assert refusal(tmp_path / "p", data) is FailureReason.DOCUMENT_TOO_LARGE


def test_a_package_is_too_large_when_its_members_are_together(tmp_path: Path) -> None:
    data = zipped(*((f"{index}.xml", bytes([65 + index]) * 600_000) for index in range(10)))
    limits = DocumentLimits(max_unpacked_bytes=5_999_999)
    assert refusal(tmp_path / "p", data, limits) is FailureReason.DOCUMENT_TOO_LARGE


@pytest.mark.matrix(34)
def test_little_memory_is_taken_when_a_bomb_lies_about_its_size(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.xml", b"\0" * 64 * MIB)))
    for position in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
        struct.pack_into("<I", data, position, 1000)
    tracemalloc.start()
    reason = refusal(tmp_path / "p", bytes(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reason is FailureReason.DOCUMENT_TOO_LARGE
    assert peak < 4 * MIB


@pytest.mark.matrix(34)
def test_inner_packages_stay_packed_when_they_are_bombs(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes(nested_bomb())
    assert read_all(path) < MIB


@pytest.mark.matrix(34)
def test_a_package_is_refused_when_members_lie_over_each_other(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.xml", b"one"), ("b.xml", b"two")))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", data, second + 42, 0)
    assert refusal(tmp_path / "p", bytes(data)) in {
        FailureReason.DOCUMENT_REFUSED,
        FailureReason.DOCUMENT_DAMAGED,
    }
    data[second + 46 : second + 51] = b"a.xmk"
    first = data.index(b"PK\x01\x02")
    data[first + 46 : first + 51] = b"a.xmk"
    data[30:35] = b"a.xmk"
    assert refusal(tmp_path / "q", bytes(data)) is FailureReason.DOCUMENT_REFUSED


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"MZ" + data,
        lambda data: data + b"trailing",
        lambda data: data[:-30],
        lambda data: data.replace(b"PK\x01\x02", b"PK\x01\x03"),
        lambda data: data[:35] + b"\xff\xff\xff\xff" + data[39:],
        lambda data: b"",
        lambda data: b"PK\x05\x06",
    ],
)
def test_a_package_is_damaged_when_its_bytes_are(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    data = zipped(("a.xml", b"<a>some words to pack</a>"))
    assert refusal(tmp_path / "p", spoil(data)) is FailureReason.DOCUMENT_DAMAGED


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_reading_ends_in_a_typed_error_when_any_byte_is_changed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    whole = bytearray(ORIGINAL)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    # Another error than the typed one fails the test.
    with contextlib.suppress(DocumentError):
        assert read_all(path) < MIB


def test_only_a_replaced_member_differs_when_a_package_is_written(tmp_path: Path) -> None:
    path, target = tmp_path / "p", tmp_path / "t"
    path.write_bytes(ORIGINAL)
    rewrite_package(path, target, {"word/document.xml": b"<b>other</b>" * 50}, LIMITS)
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(target) as after:
        assert after.testzip() is None
        assert after.comment == before.comment == b"a comment"
        assert after.read("word/document.xml") == b"<b>other</b>" * 50
        for old, new in zip(before.infolist(), after.infolist(), strict=True):
            for field in ("filename", "date_time", "compress_type", "external_attr", "comment"):
                assert getattr(old, field) == getattr(new, field)
            if old.filename != "word/document.xml":
                assert before.read(old) == after.read(new)
                assert old.compress_size == new.compress_size


def test_the_file_stays_equal_when_nothing_in_it_changes(tmp_path: Path) -> None:
    path, target = tmp_path / "p", tmp_path / "t"
    path.write_bytes(ORIGINAL)
    rewrite_package(path, target, {"word/document.xml": b"<a>words</a>" * 100}, LIMITS)
    assert target.read_bytes() == ORIGINAL


def test_a_package_is_read_and_written_when_it_was_made_for_a_stream(tmp_path: Path) -> None:
    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self.bytes = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            chunk = bytes(data)  # type: ignore[call-overload]  # a buffer, as zipfile gives it
            self.bytes += chunk
            return len(chunk)

    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("a.xml", b"first " * 50)
        with package.open(zipfile.ZipInfo("b.xml"), "w", force_zip64=True) as member:
            member.write(b"second " * 50)
    path, target = tmp_path / "p", tmp_path / "t"
    path.write_bytes(bytes(stream.bytes))
    rewrite_package(path, target, {"b.xml": b"other"}, LIMITS)
    with zipfile.ZipFile(target) as written:
        assert written.testzip() is None
        assert written.read("a.xml") == b"first " * 50
        assert written.read("b.xml") == b"other"


def _original() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", b"application/x", zipfile.ZIP_STORED)
        package.writestr("word/document.xml", b"<a>words</a>" * 100)
        entry = zipfile.ZipInfo("word/größe.bin", (1999, 12, 31, 23, 59, 58))
        entry.comment = b"about it"
        package.writestr(entry, zlib.compress(b"picture"))
        package.writestr("empty/", b"")
        package.comment = b"a comment"
    return buffer.getvalue()


ORIGINAL = _original()
