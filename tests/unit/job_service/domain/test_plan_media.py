"""When a transcode is planned in segments, and which steps follow from where it can be cut."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from job_service.domain.catalog import Preset, PresetKind, WorkerAnnouncement
from job_service.domain.errors import InvalidRequest
from job_service.domain.following import steps_after
from job_service.domain.job import Failure, Job, JobState, Priority, Step, StepState, Target
from job_service.domain.offer import check_offered, merge
from job_service.domain.opening import new_steps
from job_service.domain.plan import plan
from job_service.domain.plan_media import SEGMENT_STEPS
from job_service.domain.planned import Source, StepTimeouts
from job_service.domain.segments import (
    MediaSegment,
    MediaSplit,
    Segmenting,
    SegmentPolicy,
    Segments,
    SegmentsMode,
    read_segments,
    segments_form,
)
from job_service.domain.settlement import settle
from job_service.domain.spec import Transcode
from job_service.domain.step_inputs import PartName, part_inputs
from job_service.domain.transcode_options import PresetOption, TranscodeOptions

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LARGE = Source(uuid4(), size_bytes=100_000_000)
SMALL = Source(uuid4(), size_bytes=100_000)
SEGMENTING = Segmenting(frozenset({"mp4-h264"}), SegmentPolicy(length_seconds=20.0, most=50))
ON = Segments(SegmentsMode.ON)
OFF = Segments(SegmentsMode.OFF)
SLOWER = TranscodeOptions({"frame_rate": (10.0,)})
NARROWER = TranscodeOptions({"max_width": (320.0,)})
FOUND = MediaSplit(
    (MediaSegment(300, 10.0), MediaSegment(300, 10.0), MediaSegment(60, 2.0)),
    plan_filename="segments.json",
)


def a_spec(
    segments: Segments = Segments(),  # noqa: B008 - frozen
    options: TranscodeOptions = TranscodeOptions(),  # noqa: B008 - frozen
    preset: str = "mp4-h264",
) -> Transcode:
    return Transcode(uuid4(), preset, options, segments)


@pytest.mark.parametrize(
    ("spec", "source", "kind"),
    [
        (a_spec(), LARGE, "split_media"),
        (a_spec(), SMALL, "transcode"),
        (a_spec(ON), SMALL, "split_media"),
        (a_spec(OFF), LARGE, "transcode"),
        (a_spec(options=SLOWER), LARGE, "transcode"),
        (a_spec(options=NARROWER), LARGE, "split_media"),
        (a_spec(preset="mp3"), LARGE, "transcode"),
    ],
)
def test_first_step_fits_the_wish_and_the_input_when_a_transcode_is_planned(
    spec: Transcode, source: Source, kind: str
) -> None:
    (step,) = plan(spec, source, segmenting=SEGMENTING).steps
    assert step.kind == kind


def test_transcode_is_one_step_when_no_worker_makes_segments() -> None:
    (step,) = plan(a_spec(), LARGE).steps
    assert step.kind == "transcode"


def test_split_asks_for_what_was_wished_when_the_client_has_said_it() -> None:
    spec = a_spec(replace(ON, length_seconds=7.0))
    (step,) = plan(spec, SMALL, segmenting=SEGMENTING).steps
    asked = {key: step.settings[key] for key in ("length_seconds", "from_seconds", "max_segments")}
    assert asked == {"length_seconds": 7.0, "from_seconds": 0.0, "max_segments": 50}


def test_split_keeps_to_the_policy_when_the_client_has_said_nothing() -> None:
    (step,) = plan(a_spec(), LARGE, segmenting=SEGMENTING).steps
    assert (step.settings["length_seconds"], step.settings["from_seconds"]) == (20.0, 120.0)


def test_segments_are_steps_of_their_own_when_the_video_can_be_cut() -> None:
    job, split = a_split_job(a_spec(ON, NARROWER))
    *encodes, join = steps_after(job, split, FOUND, ["segments.json"], StepTimeouts())
    assert [step.name for step in encodes] == ["encode[1]", "encode[2]", "encode[3]"]
    assert {step.depends_on for step in encodes} == {("split",)}
    assert [step.settings["number"] for step in encodes] == [1, 2, 3]
    assert [step.progress.total for step in encodes] == [10.0, 10.0, 2.0]
    assert {step.target_key for step in (*encodes, join)} == {"mp4-h264"}
    assert all(step.settings["options"] == {"max_width": (320.0,)} for step in (*encodes, join))
    assert join.depends_on == ("split", "encode[1]", "encode[2]", "encode[3]")
    (stored,) = new_steps([join], job.job_id, NOW, uuid4)
    assert part_inputs(stored) == {
        "plan": (PartName("split", "segments.json"),),
        "segments": (PartName("encode[1]"), PartName("encode[2]"), PartName("encode[3]")),
    }


def test_segments_take_turns_when_there_are_many() -> None:
    spec, source = a_spec(ON), Source(uuid4(), 1)
    policy = SegmentPolicy(at_once=2)
    (planned,) = plan(spec, source, segmenting=Segmenting(policy=policy)).steps
    job, split = a_split_job(spec)
    split = replace(split, settings=planned.settings)
    found = replace(FOUND, segments=(MediaSegment(1, 1.0),) * 5)
    *encodes, join = steps_after(job, split, found, ["segments.json"], StepTimeouts())
    assert [step.depends_on for step in encodes] == [
        ("split",),
        ("split",),
        ("split", "encode[1]"),
        ("split", "encode[2]"),
        ("split", "encode[3]"),
    ]
    change = settle(job, {}, NOW, added=new_steps([*encodes, join], job.job_id, NOW, uuid4))
    waiting = {step.name: step for step in change.after.steps}
    failed = replace(waiting["encode[1]"], state=StepState.FAILED, finished_at=NOW)
    after = settle(change.after, {failed.step_id: failed}, NOW).after
    # Neither those whose turn it is nor those after them are of use any more.
    assert {step.state for step in after.steps[1:]} == {StepState.FAILED}
    assert after.state is JobState.FAILED


def test_later_steps_read_the_copy_when_the_split_step_has_made_one() -> None:
    job, split = a_split_job(a_spec(ON))
    found = replace(FOUND, source_filename="source.mkv")
    steps = steps_after(job, split, found, ["segments.json", "source.mkv"], StepTimeouts())
    for stored in new_steps(steps, job.job_id, NOW, uuid4):
        assert part_inputs(stored)["source"] == (PartName("split", "source.mkv"),)


def test_video_is_transcoded_in_one_step_when_it_is_left_in_one_piece() -> None:
    spec = a_spec(ON, NARROWER)
    job, split = a_split_job(spec)
    whole = MediaSplit((MediaSegment(660, 22.0),))
    (step,) = steps_after(job, split, whole, [], StepTimeouts())
    assert (step.name, step.kind, step.depends_on) == ("transcode", "transcode", ("split",))
    (alone,) = plan(replace(spec, segments=OFF), LARGE).steps
    assert step.settings == {**alone.settings, "source": step.settings["source"]}


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (None, "split"),
        (MediaSplit(()), "split.segments"),
        (MediaSplit((MediaSegment(1, 1.0),) * 51, "segments.json"), "split.segments"),
        (MediaSplit((MediaSegment(1, 1.0), MediaSegment(0, 1.0)), "segments.json"),
         "split.segments[1]"),
        (MediaSplit((MediaSegment(1, float("nan")),)), "split.segments[0]"),
        (MediaSplit((MediaSegment(1, 1.0),) * 2, "other.json"), "split.plan_filename"),
        (replace(FOUND, source_filename="other.mkv"), "split.source_filename"),
    ],
)  # fmt: skip
def test_finding_is_refused_when_no_steps_can_follow_from_it(
    found: MediaSplit | None, field: str
) -> None:
    job, split = a_split_job(a_spec(ON))
    with pytest.raises(InvalidRequest) as refusal:
        steps_after(job, split, found, ["segments.json"], StepTimeouts())
    assert [violation.field for violation in refusal.value.violations] == [field]


@pytest.mark.parametrize(
    ("spec", "description"),
    [
        (a_spec(ON, preset="mp3"), "the preset cannot be made in segments"),
        (a_spec(ON, SLOWER), "option frame_rate does not go with segments"),
    ],
)
def test_request_is_refused_when_segments_are_insisted_on_and_not_possible(
    spec: Transcode, description: str
) -> None:
    offer = merge([announced(*SEGMENT_STEPS)])
    with pytest.raises(InvalidRequest) as refusal:
        check_offered(spec, offer)
    violation = refusal.value.violations[-1]
    assert violation.field == "spec.transcode.segments.mode"
    assert (violation.description, violation.reason) == (description, "SEGMENTS_NOT_POSSIBLE")


def test_no_preset_takes_segments_when_a_kind_of_step_is_missing() -> None:
    assert merge([announced(*SEGMENT_STEPS)]).presets_in_segments == {"mp4-h264"}
    assert merge([announced("split_media", "join_segments")]).presets_in_segments == frozenset()


def test_waiting_segments_are_given_up_when_one_has_failed_for_good() -> None:
    job, split = a_split_job(a_spec(ON))
    planned = steps_after(job, split, FOUND, ["segments.json"], StepTimeouts())
    change = settle(job, {}, NOW, added=new_steps(planned, job.job_id, NOW, uuid4))
    first, second, third, join = change.after.steps[1:]
    running = replace(second, state=StepState.IN_PROGRESS)
    damaged = Failure("MEDIA_REFUSED", "The file is damaged.")
    failed = replace(first, state=StepState.FAILED, error=damaged, finished_at=NOW)

    after = settle(change.after, {first.step_id: failed, second.step_id: running}, NOW).after
    states = {step.name: step.state for step in after.steps}
    assert states == {
        "split": StepState.COMPLETED,
        "encode[1]": StepState.FAILED,
        "encode[2]": StepState.IN_PROGRESS,
        "encode[3]": StepState.FAILED,
        "join": StepState.FAILED,
    }
    given_up = next(step for step in after.steps if step.step_id == third.step_id)
    assert given_up.error is not None
    assert given_up.error.reason == "DEPENDENCY_FAILED"
    assert given_up.error.metadata == {"step": join.name, "cause": "DEPENDENCY_FAILED"}

    done = replace(running, state=StepState.COMPLETED)
    ended = settle(after, {second.step_id: done}, NOW).after
    assert (ended.state, ended.error) == (JobState.FAILED, damaged)


def test_segments_are_joined_when_all_are_there() -> None:
    job, split = a_split_job(a_spec(ON))
    planned = steps_after(job, split, FOUND, ["segments.json"], StepTimeouts())
    change = settle(job, {}, NOW, added=new_steps(planned, job.job_id, NOW, uuid4))
    assert [step.state for step in change.after.steps[1:]] == [
        *([StepState.PENDING] * 3),
        StepState.BLOCKED,
    ]
    done = {
        step.step_id: replace(step, state=StepState.COMPLETED)
        for step in change.after.steps
        if step.kind == "encode_segment"
    }
    assert settle(change.after, done, NOW).after.steps[-1].state is StepState.PENDING


@pytest.mark.parametrize("segments", [Segments(), ON, Segments(SegmentsMode.OFF, 5.0)])
def test_wish_is_the_same_when_it_was_stored_and_read(segments: Segments) -> None:
    assert read_segments(segments_form(segments).get("segments")) == segments  # type: ignore[arg-type]  # as from JSON


def announced(*kinds: str) -> WorkerAnnouncement:
    options = tuple(PresetOption(name, 1.0, 4096.0) for name in ("max_width", "frame_rate"))
    return WorkerAnnouncement(
        worker_id="media_worker@host:1",
        service="media_worker",
        version="1",
        step_kinds=("transcode", *kinds),
        presets=(
            Preset("mp4-h264", PresetKind.VIDEO, options=options, takes_segments=True),
            Preset("mp3", PresetKind.AUDIO, options=options),
        ),
    )


def a_split_job(spec: Transcode) -> tuple[Job, Step]:
    """A job whose split step has just completed."""
    job_id = uuid4()
    (split,) = new_steps(plan(spec, LARGE, segmenting=SEGMENTING).steps, job_id, NOW, uuid4)
    split = replace(split, state=StepState.COMPLETED)
    job = Job(
        job_id,
        uuid4(),
        spec,
        JobState.IN_PROGRESS,
        Priority.NORMAL,
        NOW,
        "",
        targets=(Target("mp4-h264"),),
        steps=(split,),
    )
    return job, split
