"""Takes away the system calls that no parser needs: network, programs, other processes.

A seccomp filter, as seccomp(2) and linux/filter.h describe it: a small program that the kernel
runs for each call. Forbidden calls fail with EPERM, so that a library which only tries goes on.
Threads may be started; processes may not. Imports only what is small: programs that are about to
become another one use it.
"""

import ctypes
import errno
import os
import sys

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000
# Offsets in struct seccomp_data; arguments are little-endian, and their low half decides.
_AT_NUMBER, _AT_ARCHITECTURE, _AT_FIRST_ARGUMENT = 0, 4, 16
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_CLONE_THREAD = 0x0001_0000
_X32_CALLS = 0x4000_0000  # the calls of a second ABI of x86-64, which would go round the numbers


class _Machine:
    """The numbers of calls on one architecture."""

    __slots__ = ("audit_name", "clone", "executing", "forbidden", "linking", "prlimit64", "tgkill")

    def __init__(
        self,
        audit_name: int,
        *,
        forbidden: tuple[int, ...],
        executing: tuple[int, ...],
        linking: tuple[int, ...],
        clone: int,
        tgkill: int,
        prlimit64: int,
    ) -> None:
        self.audit_name = audit_name
        self.forbidden, self.executing, self.linking = forbidden, executing, linking
        self.clone = clone
        # Calls on a process: allowed on the own one (tgkill) or the calling one, 0 (prlimit64).
        self.tgkill, self.prlimit64 = tgkill, prlimit64


_CLONE3 = 435
# io_uring_setup (it would go round the filter), pidfd_send_signal, pidfd_open, pidfd_getfd
_NEW_CALLS = (425, 424, 434, 438)
_MACHINES = {
    "x86_64": _Machine(
        0xC000_003E,
        forbidden=(
            *(41, 42, 43, 44, 46, 49, 50, 53, 288, 307),  # socket … socketpair, accept4, sendmmsg
            *(57, 58),  # fork, vfork
            *(62, 200, 101, 310, 311),  # kill, tkill, ptrace, process_vm_readv and _writev
            *(161, 165, 272, 308),  # chroot, mount, unshare, setns
            *(175, 248, 249, 250, 298, 313, 321, 323),  # modules, keys, perf, bpf, userfaultfd
            *_NEW_CALLS,
        ),
        executing=(59, 322),  # execve, execveat
        linking=(86, 88, 265, 266, 133, 259),  # link, symlink, linkat, symlinkat, mknod, mknodat
        clone=56,
        tgkill=234,
        prlimit64=302,
    ),
    "aarch64": _Machine(
        0xC000_00B7,
        forbidden=(
            *(198, 199, 200, 201, 202, 203, 206, 211, 242, 269),
            *(129, 130, 117, 270, 271),
            *(51, 40, 97, 268),
            *(105, 217, 218, 219, 241, 273, 280, 282),
            *_NEW_CALLS,
        ),
        executing=(221, 281),
        linking=(37, 36, 33),
        clone=220,
        tgkill=131,
        prlimit64=261,
    ),
}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jump_if", ctypes.c_uint8),
        ("jump_else", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


def forbid_system_calls(*, may_execute: bool = False, may_link: bool = True) -> bool:
    """Forbid them to this process for good; False where the kernel or the machine cannot.

    With `may_execute` the process can still become another program, which keeps the filter.
    To be called before any thread is started.
    """
    machine = _machine()
    if machine is None:
        return False
    instructions = _program(machine, os.getpid(), may_execute=may_execute, may_link=may_link)
    array = (_Instruction * len(instructions))(*instructions)
    program = _Program(len(instructions), array)
    prctl = ctypes.CDLL(None).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def filter_of_system_calls(*, own_pid: int, may_link: bool = True) -> bytes | None:
    """Give the same filter as bytes for a program that puts it in force and executes another.

    `own_pid` is the id that the other will see as its own. None where the machine is not known.
    """
    machine = _machine()
    if machine is None:
        return None
    instructions = _program(machine, own_pid, may_execute=True, may_link=may_link)
    return b"".join(bytes(each) for each in instructions)


def _machine() -> _Machine | None:
    return _MACHINES.get(os.uname().machine) if sys.platform == "linux" else None


def _program(
    machine: _Machine, own_pid: int, *, may_execute: bool, may_link: bool
) -> list[_Instruction]:
    refuse = _Instruction(_RETURN, 0, 0, _ERRNO | errno.EPERM)
    allow = _Instruction(_RETURN, 0, 0, _ALLOW)
    number = _Instruction(_LOAD, 0, 0, _AT_NUMBER)
    argument = _Instruction(_LOAD, 0, 0, _AT_FIRST_ARGUMENT)
    instructions = [
        _Instruction(_LOAD, 0, 0, _AT_ARCHITECTURE),
        _Instruction(_IF_EQUAL, 1, 0, machine.audit_name),
        refuse,
        number,
        _Instruction(_IF_AT_LEAST, 0, 1, _X32_CALLS),
        refuse,
        # Says that it does not exist, so that the C library takes clone, whose flags can be seen.
        _Instruction(_IF_EQUAL, 0, 1, _CLONE3),
        _Instruction(_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    forbidden = (
        *machine.forbidden,
        *(() if may_execute else machine.executing),
        *(() if may_link else machine.linking),
    )
    for call in forbidden:
        instructions += [_Instruction(_IF_EQUAL, 0, 1, call), refuse]
    for call, test, value in (
        (machine.clone, _IF_ANY_BIT, _CLONE_THREAD),
        (machine.tgkill, _IF_EQUAL, own_pid),
        (machine.prlimit64, _IF_EQUAL, 0),
    ):
        instructions += [
            _Instruction(_IF_EQUAL, 0, 4, call),
            argument,
            _Instruction(test, 1, 0, value),
            refuse,
            allow,
        ]
    return [*instructions, allow]
