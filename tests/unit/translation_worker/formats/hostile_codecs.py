"""Codecs that do what a parser does that a hostile file has taken over; run in children only."""

import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document import Content, Segment
from translation_worker.formats.codec import CodecOptions, DocumentError, Written


class PlainCodec:
    """Reads lines; every other codec here does something else instead."""

    name = "plain"
    description = "Lines."
    extensions = (".plain",)
    media_types = ("text/plain",)

    def recognises(self, head: bytes, members: Collection[str]) -> bool:
        return False

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        lines = path.read_text().splitlines()
        return [Segment(f"l{number}", (line,)) for number, line in enumerate(lines) if line]

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        lines = path.read_text().splitlines()
        words = [
            "".join(map(str, translations.get(f"l{number}", (line,))))
            for number, line in enumerate(lines)
        ]
        target.write_text("\n".join(words))
        return Written({"language": target_language}, {"lines": len(lines)})


class RefusingCodec(PlainCodec):
    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        raise DocumentError(FailureReason.DOCUMENT_ENCRYPTED, "It is locked.", {"by": "me"})


class RaisingCodec(PlainCodec):
    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        raise ZeroDivisionError("the user's words")


class CrashingCodec(PlainCodec):
    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        ctypes.string_at(0)
        return []


class ExitingCodec(PlainCodec):
    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        os._exit(0)


class EatingCodec(PlainCodec):
    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        eaten = []
        while True:
            # Zeros that the system gives for nothing: the processor's time is limited, too.
            eaten.append(bytes(16 * 1024 * 1024))


class SpinningCodec(PlainCodec):
    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        while True:
            pass


class HangingCodec(PlainCodec):
    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
        return []


class FloodingCodec(PlainCodec):
    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        with target.open("wb") as file:
            while True:
                file.write(bytes(1024 * 1024))


class FullDiskCodec(PlainCodec):
    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        raise OSError(errno.ENOSPC, "full")


class UnstartableCodec(PlainCodec):
    """Can be made once, by the test, and never again."""

    def __init__(self) -> None:
        if "confined_codec" in " ".join(sys.argv):
            raise RuntimeError


class HoardingCodec(PlainCodec):
    """Writes file after file, each below the limit; waits without using the processor."""

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        for number in range(4):
            Path(f"hoard{number}").write_bytes(bytes(3 * 1024 * 1024))
        time.sleep(600)
        return []


class LinkingCodec(PlainCodec):
    """Answers with a link to a file of the worker's."""

    def write(
        self,
        path: Path,
        translations: Mapping[str, Content],
        target: Path,
        target_language: str,
        options: CodecOptions,
    ) -> Written:
        target.symlink_to("/etc/hostname")
        return Written()


class LyingCodec(PlainCodec):
    """Gives segments that are none."""

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        return [Segment("same", ("a",)), Segment("same", ("b",))]


class BreakingOutCodec(PlainCodec):
    """Tries to reach what it must not, and gives a segment for each try: its word and outcome."""

    def read(self, path: Path, options: CodecOptions) -> list[Segment]:
        tries: dict[str, Callable[[], object]] = {
            "socket": socket.socket,
            "unix_socket": lambda: socket.socket(socket.AF_UNIX),
            "program": lambda: subprocess.run(["/bin/true"], check=True),
            "fork": _fork,
            "kill": lambda: os.kill(os.getppid(), 0),
            "kill_thread": lambda: _tgkill(os.getppid()),
            "memory": _raise_limit,
            "other_file": lambda: Path(path.parent / "secret").read_bytes(),
            "passwords": lambda: Path("/etc/passwd").read_bytes(),
            "environment": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
            "write_elsewhere": lambda: Path(path.parent / "new").write_bytes(b"x"),
            "write_document": lambda: path.write_bytes(b"x"),
            "own_files": lambda: Path("mine").write_bytes(b"x"),
            "thread": _thread,
        }
        return [
            *(Segment(word, (_outcome(attempt),)) for word, attempt in tries.items()),
            Segment("variables", (" ".join(sorted(os.environ)),)),
        ]


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except (OSError, ValueError) as error:
        return type(error).__name__
    return "done"


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _tgkill(pid: int) -> None:
    if ctypes.CDLL(None, use_errno=True).syscall(234, pid, pid, 0) != 0:
        raise PermissionError


def _raise_limit() -> None:
    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)


def _thread() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
