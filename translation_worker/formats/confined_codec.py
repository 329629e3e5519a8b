"""The program of a confined process: one reading or writing by one codec.

Started by `confinement` with a directory; the request lies there, and the answer is put there. It
loads the codec, takes its rights away, and only then looks at the document. Its imports must stay
small: they are paid for with every document.
"""

import contextlib
import errno
import importlib
import json
import resource
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import babelmill
import translation_worker
from babelmill.kit.process.file_rights import keep_only_files
from babelmill.kit.process.system_calls import forbid_system_calls
from babelmill.kit.wire.failure_reasons import FailureReason
from translation_worker.document_json import SegmentsPart, content_from_row, write_segments
from translation_worker.formats.codec import (
    Codec,
    CodecOptions,
    DocumentError,
    DocumentLimits,
    RecordRules,
)

REQUEST_FILE = "request.json"
TRANSLATIONS_FILE = "translations.json"
ANSWER_FILE = "answer.json"
SEGMENTS_FILE = "segments.json"
WRITTEN_FILE = "written"

EXIT_NO_SPACE = 28
"""The process's exit code when there was no room to write to; ENOSPC on Linux."""

_GRACE_SECONDS = 2
_OUT_OF_MEMORY_SCORE = "1000"
# What libraries read at run time: code, fonts, time zones.
_SYSTEM_DIRECTORIES = ("/usr", "/lib", "/lib64", "/etc/fonts", "/dev/urandom", "/dev/null")


def main(place: Path) -> None:
    """Do what the request in `place` says and put the answer there."""
    request = json.loads((place / REQUEST_FILE).read_bytes())
    module = importlib.import_module(request["codec_module"])
    codec: Codec = getattr(module, request["codec_class"])()
    confined = _confine(request["confinement"], place, Path(request["path"]))
    answer: dict[str, object] = {"confined": confined}
    try:
        answer.update(_answer(codec, request, place))
        (place / ANSWER_FILE).write_text(json.dumps(answer))
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        # There is no room to say more in.
        sys.exit(EXIT_NO_SPACE)


def _answer(
    codec: Codec,
    request: Mapping[str, Any],  # Any: JSON of the parent
    place: Path,
) -> dict[str, object]:
    answer: dict[str, object] = {}
    try:
        answer.update(_do(codec, request, place))
    except DocumentError as error:
        answer.update(reason=error.reason, message=error.message, metadata=error.metadata)
    except MemoryError:
        answer.update(
            reason=FailureReason.DOCUMENT_TOO_LARGE,
            message="The file costs more memory to process than is accepted.",
        )
    except Exception as error:
        number = error.errno if isinstance(error, OSError) else None
        if number in {errno.ENOSPC, errno.EDQUOT}:
            raise
        if number == errno.EFBIG:
            answer.update(reason=FailureReason.DOCUMENT_TOO_LARGE)
        else:
            answer.update(error_type=type(error).__name__)
    return answer


def _confine(limits: Mapping[str, int], place: Path, document: Path) -> list[str]:
    cpu = limits["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + _GRACE_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["file_bytes"], limits["file_bytes"]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits["descriptors"], limits["descriptors"]))
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"], limits["memory_bytes"]))
    with contextlib.suppress(OSError):  # if the machine runs out of memory, let it be this one
        Path("/proc/self/oom_score_adj").write_text(_OUT_OF_MEMORY_SCORE)
    packages = [str(Path(package.__path__[0])) for package in (babelmill, translation_worker)]
    libraries = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}
    readable = [*_SYSTEM_DIRECTORIES, *packages, *sorted(libraries), str(document)]
    confined = ["limits"]
    # Where the kernel lacks one of these, the others still hold.
    if keep_only_files(readable, str(place)):
        confined.append("files")
    if forbid_system_calls():
        confined.append("system_calls")
    return confined


def _do(
    codec: Codec,
    request: Mapping[str, Any],  # Any: JSON of the parent
    place: Path,
) -> dict[str, object]:
    rules = request["record_rules"]
    options = CodecOptions(
        source_language=request["source_language"],
        limits=DocumentLimits(**request["limits"]),
        record_rules=RecordRules(
            target_fields=tuple(rules["target_fields"]), code_filter=rules["code_filter"]
        )
        if rules
        else None,
    )
    path = Path(request["path"])
    if request["operation"] == "read":
        segments = codec.read(path, options)
        (place / SEGMENTS_FILE).write_bytes(
            write_segments(SegmentsPart(codec.name, tuple(segments)))
        )
        return {}
    rows = json.loads((place / TRANSLATIONS_FILE).read_bytes())
    translations = {key: content_from_row(row) for key, row in rows.items()}
    written = codec.write(
        path, translations, place / WRITTEN_FILE, request["target_language"], options
    )
    return {"written": {"layout": written.layout, "notes": dict(written.notes)}}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
