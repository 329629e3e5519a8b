"""A codec's process is given little, may do little, and its answer is not trusted."""

import errno
import platform
import time
from pathlib import Path

import psutil
import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from tests.unit.translation_worker.formats.hostile_codecs import (
    BreakingOutCodec,
    CrashingCodec,
    EatingCodec,
    ExitingCodec,
    FloodingCodec,
    FullDiskCodec,
    HangingCodec,
    HoardingCodec,
    LinkingCodec,
    LyingCodec,
    PlainCodec,
    RaisingCodec,
    RefusingCodec,
    SpinningCodec,
    UnstartableCodec,
)
from translation_worker.document import Segment
from translation_worker.formats.codec import CodecOptions, DocumentError, DocumentLimits, Written
from translation_worker.formats.confinement import Confinement, read_confined, write_confined

_LIMITS = Confinement(memory_bytes=256 * 1024**2, cpu_seconds=1, file_bytes=4 * 1024**2)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    folder = tmp_path / "inputs"
    folder.mkdir()
    (folder / "secret").write_text("another's")
    path = folder / "document"
    path.write_text("one\n\ntwo \N{SNOWMAN}")
    return path


def _read(codec: PlainCodec, document: Path, options: CodecOptions | None = None) -> list[Segment]:
    scratch = document.parent.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    try:
        return read_confined(
            codec, document, options or CodecOptions(), scratch=scratch, confinement=_LIMITS
        )
    finally:
        assert not any(scratch.iterdir())


def _write(codec: PlainCodec, document: Path, target: Path) -> Written:
    return write_confined(
        codec,
        document,
        {"l2": ("dois",)},
        target,
        "pt",
        CodecOptions(),
        scratch=document.parent,
        confinement=_LIMITS,
    )


def test_segments_and_file_come_back_when_the_codec_is_well(document: Path, tmp_path: Path) -> None:
    assert _read(PlainCodec(), document) == [
        Segment("l0", ("one",)),
        Segment("l2", ("two \N{SNOWMAN}",)),
    ]
    written = _write(PlainCodec(), document, tmp_path / "target")
    assert (tmp_path / "target").read_text() == "one\n\ndois"
    assert written == Written({"language": "pt"}, {"lines": 3})


def test_refusal_is_passed_on_when_the_codec_refuses(document: Path) -> None:
    with pytest.raises(DocumentError) as refused:
        _read(RefusingCodec(), document)
    assert refused.value.reason is FailureReason.DOCUMENT_ENCRYPTED
    assert (refused.value.message, refused.value.metadata) == ("It is locked.", {"by": "me"})


@pytest.mark.matrix(37)
@pytest.mark.parametrize(
    ("codec", "reason", "word"),
    [
        (RaisingCodec(), FailureReason.DOCUMENT_DAMAGED, "ZeroDivisionError"),
        (CrashingCodec(), FailureReason.DOCUMENT_DAMAGED, "SIGSEGV"),
        (ExitingCodec(), FailureReason.DOCUMENT_DAMAGED, "EXIT_0"),
        (LyingCodec(), FailureReason.DOCUMENT_DAMAGED, "ANSWER"),
        (SpinningCodec(), FailureReason.DOCUMENT_TOO_LARGE, "SIGXCPU"),
        (EatingCodec(), FailureReason.DOCUMENT_TOO_LARGE, None),
        (UnstartableCodec(), FailureReason.INTERNAL, None),
        (HoardingCodec(), FailureReason.DOCUMENT_TOO_LARGE, None),
    ],
)
def test_error_has_its_reason_when_the_codec_ends_badly(
    codec: PlainCodec, reason: FailureReason, word: str | None, document: Path
) -> None:
    with pytest.raises(DocumentError) as failed:
        _read(codec, document)
    assert failed.value.reason is reason
    assert failed.value.metadata.get("ended_by") == word
    assert "user's words" not in failed.value.message


def test_document_is_too_large_when_it_has_too_many_segments(document: Path) -> None:
    with pytest.raises(DocumentError) as failed:
        _read(PlainCodec(), document, CodecOptions(limits=DocumentLimits(max_segments=1)))
    assert failed.value.reason is FailureReason.DOCUMENT_TOO_LARGE


@pytest.mark.parametrize(
    ("codec", "reason"),
    [
        (FloodingCodec(), FailureReason.DOCUMENT_TOO_LARGE),
        (LinkingCodec(), FailureReason.DOCUMENT_DAMAGED),
    ],
)
def test_nothing_is_written_when_the_codec_writes_what_it_must_not(
    codec: PlainCodec, reason: FailureReason, document: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    with pytest.raises(DocumentError) as failed:
        _write(codec, document, target)
    assert failed.value.reason is reason
    assert not target.exists()
    assert not target.is_symlink()


def test_space_is_what_lacks_when_the_disk_is_full(document: Path) -> None:
    with pytest.raises(OSError, match="space") as failed:
        _read(FullDiskCodec(), document)
    assert failed.value.errno == errno.ENOSPC


def test_process_is_gone_when_the_work_is_stopped(document: Path) -> None:
    class StoppedError(Exception):
        pass

    started = time.monotonic()

    def stop() -> None:
        if time.monotonic() - started > 0.5:
            raise StoppedError

    with pytest.raises(StoppedError):
        _read(HangingCodec(), document, CodecOptions(stop=stop))
    assert not [
        child
        for child in psutil.Process().children(recursive=True)
        if "confined_codec" in " ".join(child.cmdline())
    ]


@pytest.mark.matrix(37, 63)
@pytest.mark.skipif(platform.machine() != "x86_64", reason="one try is made by its number there")
def test_codec_cannot_break_out_when_the_kernel_confines(
    document: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BABELMILL_WORKER_TOKEN", "secret")
    outcomes = {each.segment_id: each.content[0] for each in _read(BreakingOutCodec(), document)}
    variables = str(outcomes.pop("variables"))
    assert "BABELMILL" not in variables
    done = {word for word, outcome in outcomes.items() if outcome == "done"}
    assert done == {"own_files", "thread"}
    assert document.read_text().startswith("one")
