"""The catalogue between messages and the domain."""

from functools import partial

from babelmill.jobs.v1 import worker_service_pb2
from babelmill.translation.v1 import translation_pb2
from job_service.api import checks
from job_service.api.transcode_messages import read_preset
from job_service.api.validation import Violations
from job_service.domain.catalog import (
    Engine,
    Format,
    LanguagePair,
    RouteHop,
    WorkerAnnouncement,
)

_MAX_DESCRIPTION = 500
_MAX_ENTRIES = 20_000


def engine(found: Engine) -> translation_pb2.Engine:
    """Write an engine."""
    return translation_pb2.Engine(
        name=found.name,
        version=found.version,
        description=found.description,
        any_pair=found.any_pair,
        needs_chat_model=found.needs_chat_model,
        keeps_glossary=found.keeps_glossary,
        sets_tone=found.sets_tone,
        max_batch_segments=found.max_batch_segments,
        costs_money=found.costs_money,
    )


def known_format(found: Format) -> translation_pb2.Format:
    """Write a format."""
    return translation_pb2.Format(
        name=found.name,
        description=found.description,
        extensions=found.extensions,
        media_types=found.media_types,
    )


def pair(found: LanguagePair) -> translation_pb2.LanguagePair:
    """Write a pair with its route."""
    return translation_pb2.LanguagePair(
        source_language=found.source_language,
        target_language=found.target_language,
        hops=[
            translation_pb2.RouteHop(
                engine=hop.engine,
                source_language=hop.source_language,
                target_language=hop.target_language,
            )
            for hop in found.hops
        ],
    )


def announcement(request: worker_service_pb2.AnnounceWorkerRequest) -> WorkerAnnouncement:
    """Read what a worker says of itself. Raises InvalidRequest with every wrong field."""
    violations = Violations()
    for name in ("step_kinds", "engines", "language_pairs", "presets", "formats"):
        if len(getattr(request, name)) > _MAX_ENTRIES:
            violations.add(name, f"There are more than {_MAX_ENTRIES}.")
    violations.raise_if_any()
    read = WorkerAnnouncement(
        worker_id=violations.check("worker_id", lambda: checks.worker_id(request.worker_id), ""),
        service=violations.check("service", lambda: checks.name(request.service), ""),
        version=violations.check("version", lambda: _short(request.version), ""),
        step_kinds=tuple(
            _name(kind, f"step_kinds[{index}]", violations)
            for index, kind in enumerate(request.step_kinds)
        ),
        engines=tuple(
            _engine(each, f"engines[{index}]", violations)
            for index, each in enumerate(request.engines)
        ),
        pairs=tuple(
            _pair(each, f"language_pairs[{index}]", violations)
            for index, each in enumerate(request.language_pairs)
        ),
        presets=tuple(
            read_preset(each, f"presets[{index}]", violations)
            for index, each in enumerate(request.presets)
        ),
        formats=tuple(
            _format(each, f"formats[{index}]", violations)
            for index, each in enumerate(request.formats)
        ),
    )
    violations.raise_if_any()
    return read


def _engine(message: translation_pb2.Engine, path: str, violations: Violations) -> Engine:
    return Engine(
        name=_name(message.name, f"{path}.name", violations),
        version=violations.check(f"{path}.version", lambda: _short(message.version), ""),
        description=violations.check(
            f"{path}.description", lambda: _short(message.description), ""
        ),
        any_pair=message.any_pair,
        needs_chat_model=message.needs_chat_model,
        keeps_glossary=message.keeps_glossary,
        sets_tone=message.sets_tone,
        max_batch_segments=violations.check(
            f"{path}.max_batch_segments",
            lambda: checks.not_negative(message.max_batch_segments),
            0,
        ),
        costs_money=message.costs_money,
    )


def _format(message: translation_pb2.Format, path: str, violations: Violations) -> Format:
    return Format(
        name=_name(message.name, f"{path}.name", violations),
        description=violations.check(
            f"{path}.description", lambda: _short(message.description), ""
        ),
        extensions=tuple(
            violations.check(f"{path}.extensions[{index}]", partial(_short, each), "")
            for index, each in enumerate(message.extensions)
        ),
        media_types=tuple(
            violations.check(f"{path}.media_types[{index}]", partial(checks.media_type, each), "")
            for index, each in enumerate(message.media_types)
        ),
    )


def _pair(message: translation_pb2.LanguagePair, path: str, violations: Violations) -> LanguagePair:
    return LanguagePair(
        source_language=_tag(message.source_language, f"{path}.source_language", violations),
        target_language=_tag(message.target_language, f"{path}.target_language", violations),
        hops=tuple(
            RouteHop(
                engine=_name(hop.engine, f"{path}.hops[{index}].engine", violations),
                source_language=_tag(
                    hop.source_language, f"{path}.hops[{index}].source_language", violations
                ),
                target_language=_tag(
                    hop.target_language, f"{path}.hops[{index}].target_language", violations
                ),
            )
            for index, hop in enumerate(message.hops)
        ),
    )


def _name(text: str, path: str, violations: Violations) -> str:
    return violations.check(path, lambda: checks.name(text), "")


def _tag(text: str, path: str, violations: Violations) -> str:
    return violations.check(path, lambda: checks.language_tag(text), "")


def _short(text: str) -> str:
    return checks.plain_text(text, longest=_MAX_DESCRIPTION)
