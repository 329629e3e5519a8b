"""What ffmpeg may touch: its own directory, its inputs, the system's libraries; nothing else.

Three levels, the strongest that the host offers. In bubblewrap ffmpeg sees no
other file and no other process and has no network. Where user namespaces are
not allowed, as in many containers, the kernel refuses it the files (Landlock)
and the calls (seccomp). Where neither works there are only the limits of
`launcher`, and the format whitelists of `command`.

Pure, but for looking where an input's link leads. The launcher carries it out.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypedDict

# What ffmpeg and its libraries read at run time: themselves, fonts, time zones.
_SYSTEM_DIRECTORIES = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/var/cache/fontconfig",
)
_DEVICES = ("/dev/null", "/dev/urandom")
# The program that the kernel starts to load another one's libraries.
_LOADERS = ("lib/ld-linux*", "lib64/ld-linux*", "lib/*-linux-gnu/ld-linux*", "lib/ld-musl*")


class IsolationLevel(StrEnum):
    """How ffmpeg is kept apart, strongest first."""

    BUBBLEWRAP = "bubblewrap"
    KERNEL = "kernel"
    LIMITS = "limits"


class IsolationPlan(TypedDict):
    """What the launcher is told: plain values only."""

    level: str
    readable: list[str]
    executable: list[str]
    writable: str
    wrapper: list[str]
    """bubblewrap's own command, up to the program's; empty at the other levels."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """One level, ready to be planned for a run."""

    level: IsolationLevel = IsolationLevel.LIMITS
    bubblewrap: str = ""

    @property
    def is_wrapped(self) -> bool:
        """Whether the launcher's child is bubblewrap, with ffmpeg below it."""
        return self.level is IsolationLevel.BUBBLEWRAP

    def plan(self, program: Path, directory: Path) -> IsolationPlan:
        """Plan a run of `program` in `directory`, whose links lead to its inputs.

        ffmpeg itself cannot make links, so those that are there are the worker's.
        """
        program, directory = program.resolve(), directory.resolve()
        inputs = _inputs(directory)
        loaders = [str(path) for pattern in _LOADERS for path in Path("/").glob(pattern)]
        return IsolationPlan(
            level=self.level.value,
            readable=[*_SYSTEM_DIRECTORIES, *_DEVICES, *inputs],
            executable=[str(program), *loaders],
            writable=str(directory),
            wrapper=self._wrapper(program, directory, inputs) if self.is_wrapped else [],
        )

    def _wrapper(self, program: Path, directory: Path, inputs: Sequence[str]) -> list[str]:
        seen = (*_SYSTEM_DIRECTORIES, str(program))
        return [
            self.bubblewrap,
            # Users, processes, network, names and shared memory of its own.
            "--unshare-all",
            "--die-with-parent",
            "--clearenv",
            *(word for name, value in ENVIRONMENT.items() for word in ("--setenv", name, value)),
            *("--cap-drop", "ALL"),
            *(word for path in seen for word in ("--ro-bind-try", path, path)),
            *("--dev", "/dev"),
            *("--bind", str(directory), str(directory)),
            *(word for path in inputs for word in ("--ro-bind", path, path)),
            *("--chdir", str(directory)),
        ]


ENVIRONMENT = {"LC_ALL": "C", "SVT_LOG": "0"}
"""All that ffmpeg gets: of the worker's variables some are secrets."""


def possible_levels() -> list[Isolation]:
    """Give the levels that may work here, strongest first. Whether one does, a trial tells."""
    found = shutil.which("bwrap")
    levels = (
        [] if found is None else [Isolation(IsolationLevel.BUBBLEWRAP, os.path.realpath(found))]
    )
    return [*levels, Isolation(IsolationLevel.KERNEL), Isolation(IsolationLevel.LIMITS)]


def _inputs(directory: Path) -> list[str]:
    links = sorted(path for path in directory.iterdir() if path.is_symlink())
    return [str(path.resolve()) for path in links if path.is_file()]
