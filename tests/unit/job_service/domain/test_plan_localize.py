"""The steps of a localized video, from what the video holds to what awaits the languages."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from job_service.domain.errors import InvalidRequest
from job_service.domain.expansion import PART_MAKERS, Chunk, Extraction
from job_service.domain.following import Finding, steps_after
from job_service.domain.job import Job, JobState, Step, StepState, TargetState
from job_service.domain.opening import new_steps
from job_service.domain.plan import plan
from job_service.domain.plan_documents import EXTRACT
from job_service.domain.plan_localize import (
    BURN_IN_SUBTITLES,
    EXTRACT_SUBTITLES,
    MUX_TRACKS,
    FoundSubtitles,
)
from job_service.domain.planned import PlannedStep, Source, StepTimeouts
from job_service.domain.settlement import settle
from job_service.domain.step_inputs import PartName, input_artifact_ids, part_inputs
from job_service.domain.subtitles import (
    BurnInSubtitles,
    ConvertSubtitles,
    ExtractSubtitles,
    LocalizeVideo,
    MediaContainer,
    MuxSubtitles,
    ProcessSubtitles,
    SubtitleFile,
    SubtitleFormat,
    SubtitleOperation,
    SubtitleSource,
    TrackChoice,
)
from tests.unit.job_service.domain.jobs_to_test import NOON, a_job_of

VIDEO, FILE, GLOSSARY = uuid4(), uuid4(), uuid4()
FOUND = FoundSubtitles(filename="clip.srt", format="srt", language="en", cues=3)
EXTRACTION = Extraction(
    format="srt", source_language="en", language_confidence=1.0, chunks=(Chunk("c1", 90, 3),)
)


def _spec(*languages: str, **fields: object) -> LocalizeVideo:
    given = {"source_language": "", "target_languages": languages or ("pt", "es"), **fields}
    return LocalizeVideo(artifact_id=VIDEO, **given)  # type: ignore[arg-type] # the test's fields


def _job(spec: LocalizeVideo) -> Job:
    return replace(a_job_of(plan(spec, Source(VIDEO, 9, glossary_id=GLOSSARY))), spec=spec)


def _complete(job: Job, name: str, finding: Finding | None = None, *filenames: str) -> Job:
    step = next(step for step in job.steps if step.name == name)
    ended = replace(step, state=StepState.COMPLETED, finished_at=NOON)
    planned = steps_after(job, step, finding, filenames, StepTimeouts())
    added = new_steps(planned, job.job_id, NOON, uuid4)
    return settle(job, {step.step_id: ended}, NOON, added=added).after


def _fail(job: Job, name: str) -> Job:
    step = next(step for step in job.steps if step.name == name)
    return settle(job, {step.step_id: replace(step, state=StepState.FAILED)}, NOON).after


def _translated(spec: LocalizeVideo) -> Job:
    job = _complete(_job(spec), EXTRACT_SUBTITLES, FOUND, "clip.srt")
    return _complete(job, EXTRACT, EXTRACTION, "c1")


def _steps(job: Job) -> dict[str, Step]:
    return {step.name: step for step in job.steps}


def test_what_the_video_holds_is_found_first() -> None:
    job = _job(_spec("pt", "es", burn_in_language="es"))
    (step,) = job.steps
    assert (step.name, step.kind, step.state) == (
        EXTRACT_SUBTITLES,
        EXTRACT_SUBTITLES,
        StepState.PENDING,
    )
    assert [target.key for target in job.targets] == ["pt", "es", "video", "burned_in"]
    assert input_artifact_ids(step) == (VIDEO,)
    assert EXTRACT_SUBTITLES in PART_MAKERS


def test_given_file_is_an_input_beside_the_video() -> None:
    spec = _spec(subtitles=SubtitleSource(FILE, "cp1252"))
    (step,) = _job(spec).steps
    assert spec.artifact_ids == (VIDEO, FILE)
    assert input_artifact_ids(step) == (VIDEO, FILE)
    assert step.settings["charset"] == "cp1252"


def test_subtitles_are_cut_into_chunks_as_the_video_says_they_are() -> None:
    job = _complete(_job(_spec()), EXTRACT_SUBTITLES, FOUND, "clip.srt")
    extract = _steps(job)[EXTRACT]
    assert extract.state is StepState.PENDING
    assert (extract.settings["format"], extract.settings["source_language"]) == ("srt", "en")
    assert part_inputs(extract) == {"source": (PartName(EXTRACT_SUBTITLES, "clip.srt"),)}


def test_language_is_the_clients_when_it_was_given() -> None:
    job = _complete(_job(_spec(source_language="en-GB")), EXTRACT_SUBTITLES, FOUND, "clip.srt")
    assert _steps(job)[EXTRACT].settings["source_language"] == "en-GB"


def test_languages_are_rebuilt_from_the_extracted_file_with_the_terms() -> None:
    step = _steps(_translated(_spec()))["reconstruct[pt]"]
    assert part_inputs(step)["original"] == (PartName(EXTRACT_SUBTITLES, "clip.srt"),)
    assert input_artifact_ids(step) == (GLOSSARY,)


def test_video_awaits_its_languages_and_burning_in_depends_on_one() -> None:
    job = _translated(_spec(burn_in_language="es", container=MediaContainer.MKV))
    mux, burn = _steps(job)[MUX_TRACKS], _steps(job)["burn_in[es]"]
    assert mux.awaits == ("reconstruct[pt]", "reconstruct[es]")
    assert mux.settings["languages"] == ["pt", "es"]
    assert mux.settings["container"] == "MKV"
    assert (mux.target_key, burn.target_key) == ("video", "burned_in")
    assert (burn.kind, burn.depends_on) == (BURN_IN_SUBTITLES, ("reconstruct[es]",))
    assert mux.state is burn.state is StepState.BLOCKED


def test_given_file_becomes_a_track_of_its_own_language() -> None:
    mux = _steps(_translated(_spec(subtitles=SubtitleSource(FILE))))[MUX_TRACKS]
    assert part_inputs(mux)["original"] == (PartName(EXTRACT_SUBTITLES),)
    assert mux.settings["source_language"] == "en"


def test_video_is_made_of_the_languages_that_succeeded_when_one_fails() -> None:
    job = _fail(_translated(_spec(burn_in_language="es")), "translate[es,1]")
    assert _steps(job)[MUX_TRACKS].state is StepState.BLOCKED
    job = _complete(_complete(job, "translate[pt,1]"), "reconstruct[pt]")
    assert _steps(job)[MUX_TRACKS].state is StepState.PENDING
    job = _complete(job, MUX_TRACKS)
    assert job.state is JobState.PARTIALLY_COMPLETED
    assert {target.key: target.state for target in job.targets} == {
        "pt": TargetState.COMPLETED,
        "es": TargetState.FAILED,
        "video": TargetState.COMPLETED,
        "burned_in": TargetState.FAILED,
    }


def test_there_is_no_video_when_every_language_fails() -> None:
    job = _fail(_fail(_translated(_spec()), "translate[es,1]"), "translate[pt,1]")
    assert job.state is JobState.FAILED
    mux = _steps(job)[MUX_TRACKS]
    assert mux.error is not None
    assert (mux.state, mux.error.reason) == (StepState.FAILED, "DEPENDENCY_FAILED")


def test_language_that_is_the_source_fails_alone() -> None:
    job = _translated(_spec("en", "pt"))
    assert _steps(job)["reconstruct[en]"].state is StepState.FAILED
    job = _complete(_complete(job, "translate[pt,1]"), "reconstruct[pt]")
    assert _steps(job)[MUX_TRACKS].state is StepState.PENDING


@pytest.mark.parametrize(
    ("finding", "filenames"),
    [
        (None, ["clip.srt"]),
        (EXTRACTION, ["clip.srt"]),
        (FOUND, ["other.srt"]),
        (replace(FOUND, format=""), ["clip.srt"]),
    ],
)
def test_finding_is_refused_when_later_steps_cannot_be_planned_from_it(
    finding: Finding | None, filenames: list[str]
) -> None:
    job = _job(_spec())
    with pytest.raises(InvalidRequest):
        steps_after(job, job.steps[0], finding, filenames, StepTimeouts())


TRACK_FILE = SubtitleFile(artifact_id=FILE, language="pt")


@pytest.mark.parametrize(
    ("operation", "kind", "target", "inputs"),
    [
        (ExtractSubtitles(), "process_subtitles", "subtitles", (VIDEO,)),
        (ConvertSubtitles(SubtitleFormat.VTT), "process_subtitles", "subtitles", (VIDEO,)),
        (MuxSubtitles((TRACK_FILE,)), "mux_tracks", "video", (VIDEO, FILE)),
        (BurnInSubtitles(TRACK_FILE), "burn_in_subtitles", "video", (VIDEO, FILE)),
        (BurnInSubtitles(TrackChoice(index=1)), "burn_in_subtitles", "video", (VIDEO,)),
    ],
)
def test_work_on_subtitles_is_one_step(
    operation: SubtitleOperation, kind: str, target: str, inputs: tuple[UUID, ...]
) -> None:
    spec = ProcessSubtitles(VIDEO, operation)
    planned = plan(spec, Source(VIDEO), StepTimeouts(transcode=timedelta(seconds=9)))
    (step,) = planned.steps
    assert (step.kind, step.target_key, planned.target_keys) == (kind, target, (target,))
    assert step.timeout == timedelta(seconds=9)
    assert spec.artifact_ids == inputs
    assert input_artifact_ids(_stored(step)) == inputs


def _stored(step: PlannedStep) -> Step:
    return new_steps([step], uuid4(), NOON, uuid4)[0]
