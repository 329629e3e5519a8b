"""Builds the contract's requests from what users say. Pure functions only."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from babelmill.client.errors import InvalidArgument
from babelmill.jobs.v1 import artifact_pb2, job_pb2, job_service_pb2
from babelmill.media.v1 import media_pb2, segments_pb2
from babelmill.translation.v1 import translation_pb2

PriorityName: TypeAlias = Literal["urgent", "normal", "low"]
State: TypeAlias = "str | job_pb2.JobState.ValueType"
Deadline: TypeAlias = datetime | timedelta | None

LARGEST_INLINE_TEXT_BYTES = 1024 * 1024

_PRIORITIES: Mapping[str, job_pb2.Priority.ValueType] = {
    "urgent": job_pb2.PRIORITY_URGENT,
    "normal": job_pb2.PRIORITY_NORMAL,
    "low": job_pb2.PRIORITY_LOW,
}

# Texts that are uploaded on the way get an id made of the request's, so that
# a repeated request names the same artifact and stays the same request.
_UPLOADS = uuid.UUID("5e1b9c1e-7d5a-4f0e-9a55-0f6f3c1c7b2d")


def new_request_id() -> str:
    """Choose a request_id that makes one submission safe to repeat."""
    return str(uuid.uuid4())


def artifact_id_for(request_id: str, sha256: str) -> str:
    """Return the id under which a request's own upload is kept: the same each time."""
    return str(uuid.uuid5(_UPLOADS, f"{request_id}:{sha256}"))


def artifact_id_of(artifact: str | artifact_pb2.Artifact) -> str:
    """Return the id of an artifact given as itself or as its id."""
    return artifact if isinstance(artifact, str) else artifact.artifact_id


def fits_inline(text: str) -> bool:
    """Tell whether a text may travel in the spec itself. Raises InvalidArgument."""
    return len(encode_text(text)) <= LARGEST_INLINE_TEXT_BYTES


def encode_text(text: str) -> bytes:
    """Return a text as UTF-8. Raises InvalidArgument for lone surrogates."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(
            f"the text holds a lone surrogate at position {error.start}"
        ) from error


def one_origin(
    text: str | artifact_pb2.Artifact | None, artifact: str | artifact_pb2.Artifact | None
) -> str | artifact_pb2.Artifact:
    """Choose between a text and an artifact. Raises InvalidArgument unless one is given."""
    if (text is None) == (artifact is None):
        raise InvalidArgument("give either a text or an artifact")
    if isinstance(artifact, str):
        return artifact_pb2.Artifact(artifact_id=artifact)
    return artifact if artifact is not None else text or ""


def text_spec(
    text: str | artifact_pb2.Artifact,
    source: str,
    targets: Sequence[str] | str,
    engine: str = "",
    options: translation_pb2.TranslationOptions | None = None,
) -> job_pb2.JobSpec:
    """Describe a translation; one target may be given as a plain string."""
    spec = translation_pb2.TranslateTextSpec(
        source_language=source,
        target_languages=[targets] if isinstance(targets, str) else list(targets),
        engine=engine,
        options=options,
    )
    if isinstance(text, str):
        spec.text = encode_text(text).decode()
    else:
        spec.artifact_id = text.artifact_id
    return job_pb2.JobSpec(translate_text=spec)


def transcode_spec(
    artifact: str | artifact_pb2.Artifact,
    preset: str,
    options: media_pb2.TranscodeOptions | None = None,
    segments: segments_pb2.Segments | None = None,
) -> job_pb2.JobSpec:
    """Describe a transcode of an artifact, given as itself or as its id."""
    return job_pb2.JobSpec(
        transcode=media_pb2.TranscodeSpec(
            artifact_id=artifact_id_of(artifact),
            preset=preset,
            options=options,
            segments=segments,
        )
    )


def job_request(
    spec: job_pb2.JobSpec,
    *,
    priority: PriorityName = "normal",
    request_id: str | None = None,
    labels: Mapping[str, str] | None = None,
    deadline: Deadline = None,
    reuse_results: bool = False,
) -> job_service_pb2.CreateJobRequest:
    """Describe one job to accept.

    Without a `request_id` one is made up, so that the call can be repeated.
    A deadline as timedelta counts from now by this machine's clock.
    """
    return job_service_pb2.CreateJobRequest(
        spec=spec,
        priority=parse_priority(priority),
        request_id=new_request_id() if request_id is None else request_id,
        labels=dict(labels or {}),
        deadline=timestamp(deadline),
        reuse_results=reuse_results,
    )


def job_filter(
    *,
    states: Iterable[State] = (),
    kinds: Iterable[str] = (),
    priorities: Iterable[PriorityName] = (),
    labels: Mapping[str, str] | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
) -> job_service_pb2.JobFilter:
    """Describe which jobs to list. Raises InvalidArgument for unknown words."""
    return job_service_pb2.JobFilter(
        states=[parse_state(state) for state in states],
        kinds=list(kinds),
        priorities=[parse_priority(priority) for priority in priorities],
        labels=dict(labels or {}),
        created_after=timestamp(created_after),
        created_before=timestamp(created_before),
    )


def parse_priority(name: str) -> job_pb2.Priority.ValueType:
    """Read a priority's word in any case. Raises InvalidArgument with the words."""
    try:
        return _PRIORITIES[name.lower()]
    except KeyError:
        raise InvalidArgument(
            f"there is no priority {name!r}; there are: {', '.join(_PRIORITIES)}"
        ) from None


def parse_state(state: State) -> job_pb2.JobState.ValueType:
    """Read a state's word in any case. Raises InvalidArgument with the words."""
    if isinstance(state, int):
        return state
    word = state.upper().replace("-", "_")
    if word != "UNSPECIFIED":
        try:
            return job_pb2.JobState.Value(f"JOB_STATE_{word}")
        except ValueError:
            pass
    words = [name.removeprefix("JOB_STATE_").lower() for name in job_pb2.JobState.keys()[1:]]
    raise InvalidArgument(f"there is no state {state!r}; there are: {', '.join(words)}")


def timestamp(moment: Deadline) -> Timestamp | None:
    """Return a moment for the wire. Raises InvalidArgument without a time zone."""
    if moment is None:
        return None
    if isinstance(moment, timedelta):
        moment = datetime.now(UTC) + moment
    if moment.tzinfo is None:
        raise InvalidArgument("a time needs a time zone, such as datetime.UTC")
    result = Timestamp()
    result.FromDatetime(moment)
    return result
