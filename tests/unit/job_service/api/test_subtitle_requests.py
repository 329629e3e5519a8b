"""What clients ask about subtitles: taken, refused, told of again, stored, and worked on."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.media.v1 import localize_pb2, subtitles_pb2
from babelmill.translation.v1 import translation_pb2
from job_service.api.job_requests import new_job
from job_service.api.spec_answers import spec as spec_message
from job_service.api.work_messages import work
from job_service.application.leasing import GrantedLease, LeaseRequest
from job_service.application.request_hash import request_hash
from job_service.domain.errors import InvalidRequest
from job_service.domain.job import Artifact, ArtifactState, Priority
from job_service.domain.opening import new_steps
from job_service.domain.plan import plan
from job_service.domain.plan_localize import plan_videos
from job_service.domain.planned import PlannedStep, Source, StepTimeouts
from job_service.domain.spec import JobSpec
from job_service.domain.subtitles import LocalizeVideo, ProcessSubtitles, SubtitleSource
from job_service.storage.spec_forms import read_spec, spec_form
from tests.unit.job_service.domain.jobs_to_test import NOON

ARTIFACT = "018f2c3e-7b1a-7cc0-8000-0123456789ab"
OTHER = "018f2c3e-7b1a-7cc0-8000-0123456789ac"
_FILE = {"artifact_id": OTHER, "language": "pt-BR", "title": "T", "charset": "cp1252"}


def _localize(**fields: object) -> job_pb2.JobSpec:
    given = {"artifact_id": ARTIFACT, "target_languages": ["pt", "es"], **fields}
    return job_pb2.JobSpec(
        localize_video=localize_pb2.LocalizeVideoSpec(**given)  # type: ignore[arg-type] # the test's fields
    )


def _process(**operation: object) -> job_pb2.JobSpec:
    return job_pb2.JobSpec(
        process_subtitles=subtitles_pb2.ProcessSubtitlesSpec(artifact_id=ARTIFACT, **operation)  # type: ignore[arg-type] # the test's fields
    )


SPECS = [
    _localize(),
    _localize(
        file={"artifact_id": OTHER, "charset": "cp1252"},
        source_language="en",
        container="MEDIA_CONTAINER_MKV",
        replace=True,
        burn_in_language="es",
        options=translation_pb2.TranslationOptions(tone=translation_pb2.TONE_FORMAL),
    ),
    _localize(track={"index": 0}),
    _localize(track={"language": "en"}),
    _process(extract={}),
    _process(extract={"track": {"index": 2}, "format": "SUBTITLE_FORMAT_ASS"}),
    _process(convert={"format": "SUBTITLE_FORMAT_VTT", "charset": "utf-8"}),
    _process(mux={"files": [_FILE], "container": "MEDIA_CONTAINER_MP4", "replace": True}),
    _process(burn_in={"file": {"artifact_id": OTHER, "language": "pt"}}),
    _process(burn_in={"track": {"language": "en"}}),
]


def _read(spec: job_pb2.JobSpec) -> JobSpec:
    return new_job(job_service_pb2.CreateJobRequest(spec=spec), "").spec


@pytest.mark.parametrize("given", SPECS)
def test_spec_is_the_same_when_it_is_told_of_and_when_it_was_stored(
    given: job_pb2.JobSpec,
) -> None:
    read = _read(given)
    assert spec_message(read) == given
    assert read_spec(read.kind, spec_form(read)) == read


def test_requests_hash_alike_when_they_ask_for_the_same_and_only_then() -> None:
    hashes = {request_hash(_read(spec), Priority.NORMAL, {}, None) for spec in (*SPECS, *SPECS)}
    assert len(hashes) == len(SPECS)


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        (_process(), {"process_subtitles"}),
        (_process(convert={}), {"process_subtitles.convert.format"}),
        (_process(mux={}), {"process_subtitles.mux.files"}),
        (_process(burn_in={}), {"process_subtitles.burn_in"}),
        (_process(extract={"track": {}}), {"process_subtitles.extract.track"}),
        (_process(extract={"track": {"index": -1}}), {"process_subtitles.extract.track.index"}),
        (
            _process(mux={"files": [{"title": "a\nb", "charset": "nope"}]}),
            {
                "process_subtitles.mux.files[0].artifact_id",
                "process_subtitles.mux.files[0].language",
                "process_subtitles.mux.files[0].title",
                "process_subtitles.mux.files[0].charset",
            },
        ),
        (_localize(target_languages=["video"]), {"localize_video.target_languages[0]"}),
        (_localize(burn_in_language="fr"), {"localize_video.burn_in_language"}),
        (_localize(file={"artifact_id": OTHER, "charset": "zip"}), {"localize_video.file.charset"}),
    ],
)
def test_spec_is_refused_by_field_when_its_form_is_wrong(
    spec: job_pb2.JobSpec, fields: set[str]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        _read(spec)
    assert {v.field.partition(".")[2] for v in caught.value.violations} == fields


def _artifact(name: str) -> Artifact:
    return Artifact(uuid4(), uuid4(), ArtifactState.READY, name, "text/x", NOON, storage_key=name)


def _granted(planned: PlannedStep, **fields: object) -> GrantedLease:
    (step,) = new_steps([planned], uuid4(), NOON, uuid4)
    return GrantedLease(
        request=LeaseRequest(step.step_id, 1, uuid4()),
        job_id=uuid4(),
        step=step,
        attempt=1,
        ttl=timedelta(seconds=1),
        timeout=timedelta(seconds=1),
        traceparent="",
        inputs={UUID(ARTIFACT): _artifact("video"), UUID(OTHER): _artifact("file")},
        staging_prefix="",
        **fields,  # type: ignore[arg-type] # the test's fields
    )


@pytest.mark.parametrize("given", SPECS)
def test_worker_is_told_what_the_client_asked_for(given: job_pb2.JobSpec) -> None:
    spec = _read(given)
    (step,) = plan(spec, Source(UUID(ARTIFACT))).steps
    told = work(_granted(step))
    kind = told.WhichOneof("kind")
    assert kind == step.kind
    message = getattr(told, kind)
    assert message.source.storage_key == "video"
    if isinstance(spec, ProcessSubtitles) and kind == "process_subtitles":
        operation = message.WhichOneof("operation")
        assert getattr(message, operation) == getattr(given.process_subtitles, operation)
    if isinstance(spec, LocalizeVideo) and isinstance(spec.subtitles, SubtitleSource):
        assert message.file.storage_key == "file"
        assert message.charset == "cp1252"
    if kind == "mux_tracks":
        (track,) = message.tracks
        assert (track.subtitles.storage_key, track.language, track.title) == ("file", "pt-BR", "T")
        assert message.replace


def test_languages_that_failed_are_left_out_of_the_video() -> None:
    spec = _read(SPECS[1])
    assert isinstance(spec, LocalizeVideo)
    rebuilt_by = {"pt": "reconstruct[pt]", "es": "reconstruct[es]"}
    mux, burn = plan_videos(spec, "en", 10, rebuilt_by, StepTimeouts())
    parts = {"original": (_artifact("en"),), "tracks": (_artifact("pt"), None)}

    told = work(_granted(mux, parts=parts)).mux_tracks

    assert [(t.language, t.subtitles.storage_key) for t in told.tracks] == [
        ("en", "en"),
        ("pt", "pt"),
    ]
    drawn = work(_granted(burn, parts={"tracks": (_artifact("es"),)})).burn_in_subtitles
    assert (drawn.file.language, drawn.file.subtitles.storage_key) == ("es", "es")
