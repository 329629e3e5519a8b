"""Takes away the right to other files than those that are named.

A Landlock ruleset, as landlock(7) describes it: what is not allowed by a rule is refused from then
on, whoever the user is. Kernels of different age know different rights; all that this one knows
are taken away. Imports only what is small: programs that are about to become another one use it.
"""

import ctypes
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all architectures
_ASK_VERSION, _RULE_PATH_BENEATH, _PR_SET_NO_NEW_PRIVS = 1, 1, 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY = 1, 2, 4, 8
_TRUNCATE = 1 << 14
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
# Rights on files that each version knows: the first, then with REFER, TRUNCATE, IOCTL_DEV.
_RIGHTS_SINCE = ((5, 0xFFFF), (3, 0x7FFF), (2, 0x3FFF), (1, 0x1FFF))
_NETWORK_SINCE, _ALL_TCP = 4, 3
_SCOPES_SINCE, _ALL_SCOPES = 6, 3


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def keep_only_files(
    readable: "Iterable[str]", writable: str, *, executable: "Iterable[str]" = ()
) -> bool:
    """Keep the right to read below `readable` and to do anything below `writable`, for good.

    Only what lies below `executable` can be executed. Paths that do not exist are passed over.
    False where the kernel has no Landlock. To be called before any thread is started.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    version = library.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return False
    files = next(rights for since, rights in _RIGHTS_SINCE if version >= since)
    ruleset = _Ruleset(
        files,
        _ALL_TCP if version >= _NETWORK_SINCE else 0,
        _ALL_SCOPES if version >= _SCOPES_SINCE else 0,
    )
    # Older kernels refuse a longer structure than they know only if the rest is not zero.
    rules = library.syscall(
        _CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), 0
    )
    if rules < 0:
        return False
    try:
        for path in readable:
            _allow(library, rules, path, files & (_READ_FILE | _READ_DIRECTORY))
        for path in executable:
            _allow(library, rules, path, files & (_READ_FILE | _READ_DIRECTORY | _EXECUTE))
        _allow(library, rules, writable, files & ~_EXECUTE)
        if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return False
        return bool(library.syscall(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(library: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = _PathBeneath(rights if is_directory else rights & _ON_FILES, descriptor)
        library.syscall(_ADD_RULE, rules, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)
