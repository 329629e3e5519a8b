"""What a lease asks a media worker to do for a video in segments: from settings to Work."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from babelmill.jobs.v1 import lease_pb2
from babelmill.media.v1 import media_pb2
from job_service.api.stored_contents import stored_content
from job_service.api.transcode_messages import write_options
from job_service.application.leasing import GrantedLease
from job_service.domain.step_inputs import SOURCE
from job_service.domain.transcode_options import TranscodeOptions

# Any: what JSON holds, written by the planners.
_Settings = Mapping[str, Any]


def split_media(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    """Ask where a video can be cut."""
    return lease_pb2.Work(
        split_media=lease_pb2.SplitMediaWork(
            source=stored_content(granted.inputs.get(UUID(settings[SOURCE]))),
            preset=settings["preset"],
            options=_options(settings),
            length_seconds=settings["length_seconds"],
            from_seconds=settings["from_seconds"],
            max_segments=settings["max_segments"],
        )
    )


def encode_segment(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    """Ask for the pictures of one segment."""
    return lease_pb2.Work(
        encode_segment=lease_pb2.EncodeSegmentWork(
            source=_source(granted, settings),
            plan=_plan(granted),
            preset=settings["preset"],
            options=_options(settings),
            number=settings["number"],
        )
    )


def join_segments(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    """Ask for the video out of its segments."""
    given = granted.inputs.get(UUID(settings[SOURCE]))
    return lease_pb2.Work(
        join_segments=lease_pb2.JoinSegmentsWork(
            source=_source(granted, settings),
            plan=_plan(granted),
            preset=settings["preset"],
            options=_options(settings),
            segments=[stored_content(part) for part in granted.parts.get("segments", ())],
            input_filename=given.filename if given else "",
        )
    )


def _source(granted: GrantedLease, settings: _Settings) -> lease_pb2.StoredContent:
    """Name what is to be read: what the split step has put out, if it has, else the input."""
    copied = granted.parts.get(SOURCE)
    return stored_content(copied[0] if copied else granted.inputs.get(UUID(settings[SOURCE])))


def _plan(granted: GrantedLease) -> lease_pb2.StoredContent:
    parts = granted.parts.get("plan", ())
    return stored_content(parts[0] if parts else None)


def _options(settings: _Settings) -> media_pb2.TranscodeOptions | None:
    return write_options(TranscodeOptions.read(settings.get("options") or {}))
