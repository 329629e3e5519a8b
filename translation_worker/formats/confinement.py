"""Runs a codec in a process of its own, which can do little harm and cannot cost much.

Parsers of zip, XML and PDF meet files that were made to break them. So they run in a child with
limits of memory, processor time, file sizes and descriptors, without network, other programs or
other files (see `confined_codec`), with none of the worker's environment. Whatever becomes of the
child, the worker gets an answer that it has checked, or a DocumentError.
"""

import contextlib
import dataclasses
import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from babelmill.kit.process.bound_launch import bound_command
from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment
from translation_worker.document_json import DamagedPartError, content_row, read_segments
from translation_worker.formats.codec import Codec, CodecOptions, DocumentError, Written
from translation_worker.formats.confined_codec import (
    ANSWER_FILE,
    EXIT_NO_SPACE,
    REQUEST_FILE,
    SEGMENTS_FILE,
    TRANSLATIONS_FILE,
    WRITTEN_FILE,
)

MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_SEGMENTS_BYTES = 512 * 1024 * 1024

_POLL_SECONDS = 0.1
_LOOK_SECONDS = 1.0
_MOST_FILE_SIZES = 2
_MOST_FILES = 10_000
_EXIT_OF_PYTHON = 1  # after an exception that nobody caught
_CHILD = "translation_worker.formats.confined_codec"
_TOO_MUCH = (signal.SIGKILL, signal.SIGXCPU, signal.SIGXFSZ)
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What a codec's process may use."""

    memory_bytes: int = 1024**3
    cpu_seconds: int = 300
    file_bytes: int = 2 * 1024**3
    descriptors: int = 128


def read_confined(
    codec: Codec,
    path: Path,
    options: CodecOptions,
    *,
    scratch: Path,
    confinement: Confinement,
    started: Callable[[int], None] = lambda _: None,
) -> list[Segment]:
    """Do `codec.read` in a confined process, with its files below `scratch`.

    `started` is told the process's id, so that what it uses can be measured.
    Raises DocumentError, OSError ENOSPC, and whatever `options.stop` raises, with the process
    ended. The codec's class must be constructible without arguments.
    """
    with tempfile.TemporaryDirectory(prefix="confined-", dir=scratch) as name:
        place = Path(name)
        request = {"operation": "read", "path": str(path.absolute())}
        _run(codec, place, request, options, confinement, started)
        try:
            segments = read_segments(_bytes_of(place / SEGMENTS_FILE, MAX_SEGMENTS_BYTES)).segments
        except DamagedPartError as error:
            raise _broke_off(codec, "ANSWER") from error
    if len(segments) > options.limits.max_segments:
        raise DocumentError(FailureReason.DOCUMENT_TOO_LARGE)
    return list(segments)


def write_confined(
    codec: Codec,
    path: Path,
    translations: Mapping[str, Content],
    target: Path,
    target_language: str,
    options: CodecOptions,
    *,
    scratch: Path,
    confinement: Confinement,
    started: Callable[[int], None] = lambda _: None,
) -> Written:
    """Do `codec.write` in a confined process; see `read_confined`."""
    with tempfile.TemporaryDirectory(prefix="confined-", dir=scratch) as name:
        place = Path(name)
        (place / TRANSLATIONS_FILE).write_text(
            json.dumps({key: content_row(content) for key, content in translations.items()})
        )
        request = {
            "operation": "write",
            "path": str(path.absolute()),
            "target_language": target_language,
        }
        answer = _run(codec, place, request, options, confinement, started)
        written = _written(answer.get("written"))
        if written is None or not _is_plain_file(place / WRITTEN_FILE):
            raise _broke_off(codec, "ANSWER")
        shutil.move(place / WRITTEN_FILE, target)
    return written


def _run(
    codec: Codec,
    place: Path,
    request: Mapping[str, object],
    options: CodecOptions,
    confinement: Confinement,
    started: Callable[[int], None],
) -> dict[str, object]:
    kind = type(codec)
    rules = options.record_rules
    whole = {
        **request,
        "codec_module": kind.__module__,
        "codec_class": kind.__qualname__,
        "source_language": options.source_language,
        "limits": dataclasses.asdict(options.limits),
        "record_rules": None if rules is None else dataclasses.asdict(rules),
        "confinement": dataclasses.asdict(confinement),
    }
    (place / REQUEST_FILE).write_text(json.dumps(whole))
    process = _start(place.absolute())
    started(process.pid)
    code = _wait(process, place, options, confinement)
    if code < 0:
        raise _ended_by(codec, -code)
    if code == EXIT_NO_SPACE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if code == _EXIT_OF_PYTHON:
        # Nothing of the codec's is: it went wrong before the document was looked at.
        _log.error("codec_not_started", codec=codec.name)
        raise DocumentError(
            FailureReason.INTERNAL, "The program for the file's format could not be started."
        )
    try:
        answer = json.loads(_bytes_of(place / ANSWER_FILE, MAX_ANSWER_BYTES))
    except (DamagedPartError, ValueError, RecursionError) as error:
        raise _broke_off(codec, f"EXIT_{code}") from error
    if not isinstance(answer, dict):
        raise _broke_off(codec, "ANSWER")
    _log.debug("codec_confined", codec=codec.name, by=answer.get("confined"))
    _raise_refusal(codec, answer)
    return answer


def _start(place: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", _CHILD, str(place)]
    # Only what programs need to run at all: neither tokens nor settings.
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "TZ") if key in os.environ}
    return subprocess.Popen(
        bound_command(command, sig=signal.SIGKILL),
        env={
            **kept,
            "HOME": str(place),
            "TMPDIR": str(place),
            "PYTHONUTF8": "1",
            # The packages themselves, wherever they were found: no more of the worker's path.
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONDONTWRITEBYTECODE": "1",
            # A thread that a library starts when it is loaded would keep its rights.
            "OPENBLAS_NUM_THREADS": "1",
        },
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # What parsers write there may quote the document.
        stderr=subprocess.DEVNULL,
        process_group=0,
    )


def _wait(
    process: subprocess.Popen[bytes], place: Path, options: CodecOptions, confinement: Confinement
) -> int:
    next_look = time.monotonic() + _LOOK_SECONDS
    try:
        while True:
            try:
                return process.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                options.stop()
            if time.monotonic() >= next_look:
                _check_room(place, confinement)
                next_look = time.monotonic() + _LOOK_SECONDS
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _check_room(place: Path, confinement: Confinement) -> None:
    """Refuse a document for which more files are written than one file and its parts need.

    The kernel limits the size of each file, but not of all together.
    """
    used_bytes = files = 0
    for folder, _, names in os.walk(place):
        for name in names:
            with contextlib.suppress(OSError):
                used_bytes += Path(folder, name).lstat().st_size
        files += len(names) + 1
        if used_bytes > _MOST_FILE_SIZES * confinement.file_bytes or files > _MOST_FILES:
            raise DocumentError(
                FailureReason.DOCUMENT_TOO_LARGE,
                "The file needs more room to process than is accepted.",
            )


def _raise_refusal(codec: Codec, answer: Mapping[str, object]) -> None:
    if "error_type" in answer:
        raise _broke_off(codec, str(answer["error_type"])[:100])
    if "reason" not in answer:
        return
    message, metadata = answer.get("message"), answer.get("metadata")
    try:
        reason = FailureReason[str(answer["reason"])]
    except KeyError as error:
        raise _broke_off(codec, "ANSWER") from error
    raise DocumentError(
        reason,
        message if isinstance(message, str) else "",
        {str(k): str(v) for k, v in metadata.items()} if isinstance(metadata, dict) else None,
    )


def _ended_by(codec: Codec, number: int) -> DocumentError:
    word = signal.Signals(number).name if number in set(signal.Signals) else f"SIGNAL_{number}"
    if number in _TOO_MUCH:
        _log.warning("codec_ended", codec=codec.name, by=word)
        return DocumentError(
            FailureReason.DOCUMENT_TOO_LARGE,
            "The file costs more memory or processor time to process than is accepted.",
            {"ended_by": word},
        )
    return _broke_off(codec, word)


def _broke_off(codec: Codec, how: str) -> DocumentError:
    _log.warning("codec_broke_off", codec=codec.name, how=how)
    return DocumentError(
        FailureReason.DOCUMENT_DAMAGED,
        "The file could not be processed: the program for its format broke off.",
        {"ended_by": how},
    )


def _written(value: object) -> Written | None:
    if not isinstance(value, dict):
        return None
    layout, notes = value.get("layout"), value.get("notes")
    if not isinstance(layout, dict | None) or not isinstance(notes, dict):
        return None
    if not all(isinstance(count, int) for count in notes.values()):
        return None
    return Written(layout, notes)


def _is_plain_file(path: Path) -> bool:
    """Tell whether it is a file of its own: not a link that a hostile child left behind."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def _bytes_of(path: Path, limit_bytes: int) -> bytes:
    if not _is_plain_file(path):
        raise DamagedPartError("it is missing")
    if path.lstat().st_size > limit_bytes:
        raise DamagedPartError("it is too large")
    return path.read_bytes()
