"""From specs to steps."""

from datetime import timedelta
from uuid import uuid4

import pytest

from job_service.domain.job import Progress, StepState, TargetState
from job_service.domain.plan import (
    ImpossiblePlan,
    Plan,
    Source,
    StepTimeouts,
    check_dependencies,
    plan,
)
from job_service.domain.spec import JobSpec, Transcode, TranslateText
from job_service.domain.step_inputs import input_artifact_ids
from tests.unit.job_service.domain.jobs_to_test import a_job_of, a_planned_step


def test_text_becomes_one_step_for_each_language() -> None:
    source = Source(uuid4(), size_bytes=12, characters=10)
    planned = plan(TranslateText("en", ("pt", "es"), text="…", engine="bergamot"), source)
    assert planned.target_keys == ("pt", "es")
    assert [step.name for step in planned.steps] == ["translate[pt]", "translate[es]"]
    step = planned.steps[1]
    assert (step.kind, step.target_key, step.weight) == ("translate_text", "es", 10)
    assert step.progress == Progress("CHARACTERS", 0, 10)
    assert step.settings == {
        "source": str(source.artifact_id),
        "source_language": "en",
        "target_language": "es",
        "engine": "bergamot",
    }


def test_total_is_open_when_the_length_of_the_text_is_not_known() -> None:
    (step,) = plan(
        TranslateText("en", ("pt",), artifact_id=uuid4()), Source(uuid4(), 500), extracts=False
    ).steps
    assert step.progress.total == 0
    assert step.weight == 500


def test_media_becomes_one_step() -> None:
    source = Source(uuid4(), size_bytes=1000)
    (step,) = plan(Transcode(uuid4(), "mp3"), source).steps
    assert (step.name, step.kind, step.target_key) == ("transcode", "transcode", "mp3")
    assert step.settings == {"source": str(source.artifact_id), "preset": "mp3"}


@pytest.mark.parametrize("size_bytes", [0, 1, 10**6, 10**10])
def test_timeout_grows_with_the_input_but_not_for_ever(size_bytes: int) -> None:
    specs = (TranslateText("en", ("pt",), text="x"), Transcode(uuid4(), "mp3"))
    for spec in specs:
        smaller, larger = (
            plan(spec, Source(uuid4(), size)).steps[0].timeout
            for size in (size_bytes, size_bytes * 2)
        )
        assert timedelta(minutes=5) <= smaller <= larger <= timedelta(hours=24)


def test_timeout_is_the_one_set_for_the_kind_of_step() -> None:
    timeouts = StepTimeouts(translate=timedelta(seconds=7), transcode=timedelta(seconds=9))
    text, media = TranslateText("en", ("pt",), text="x"), Transcode(uuid4(), "mp3")

    def of(spec: JobSpec, size_bytes: int) -> timedelta:
        return plan(spec, Source(uuid4(), size_bytes), timeouts, extracts=False).steps[0].timeout

    assert of(text, 10) == of(text, 10**6) == timedelta(seconds=7)
    assert of(text, 3 * 10**6) == timedelta(seconds=21)
    assert of(media, 10) == of(media, 10**12) == timedelta(seconds=9)


def test_steps_wait_when_they_depend_on_others() -> None:
    planned = Plan(
        (a_planned_step("extract"), a_planned_step("translate[pt]", "pt", "extract")), ("pt",)
    )
    job = a_job_of(planned)
    assert [step.state for step in job.steps] == [StepState.PENDING, StepState.BLOCKED]
    assert [target.state for target in job.targets] == [TargetState.ACTIVE]
    assert job.sequence == 1


@pytest.mark.parametrize(
    "steps",
    [
        [a_planned_step("a", "", "b")],
        [a_planned_step("a", "", "a")],
        [a_planned_step("a", "", "b"), a_planned_step("b", "", "a")],
        [a_planned_step("a"), a_planned_step("a")],
    ],
)
def test_plan_is_refused_when_its_steps_can_never_run(steps: list[object]) -> None:
    with pytest.raises(ImpossiblePlan):
        check_dependencies(steps)  # type: ignore[arg-type] # the steps above


def test_inputs_are_read_from_the_settings() -> None:
    source = Source(uuid4(), 1)
    job = a_job_of(plan(Transcode(uuid4(), "mp3"), source))
    assert input_artifact_ids(job.steps[0]) == (source.artifact_id,)
    assert input_artifact_ids(a_job_of(Plan((a_planned_step("a"),), ())).steps[0]) == ()
