"""What follows from what a step has found: which planner, by the kind of step."""

from collections.abc import Collection

from job_service.domain.errors import InvalidRequest, Violation
from job_service.domain.expansion import Extraction, check_extraction, expand
from job_service.domain.job import Job, Step
from job_service.domain.plan_documents import EXTRACT
from job_service.domain.plan_localize import (
    EXTRACT_SUBTITLES,
    FoundSubtitles,
    check_found_subtitles,
    plan_translation,
)
from job_service.domain.plan_media import SPLIT, plan_segments
from job_service.domain.planned import PlannedStep, StepTimeouts, check_dependencies
from job_service.domain.segments import MediaSplit, check_split

Finding = Extraction | FoundSubtitles | MediaSplit


def steps_after(
    job: Job,
    step: Step,
    finding: Finding | None,
    filenames: Collection[str],
    timeouts: StepTimeouts,
) -> tuple[PlannedStep, ...]:
    """Plan what comes after a step that has completed; `filenames` are those of its outputs.

    Raises InvalidRequest where it has not told what it has found, or wrongly.
    """
    if step.kind == EXTRACT:
        if not isinstance(finding, Extraction):
            raise InvalidRequest(Violation("extraction", "must be set", "REQUIRED"))
        check_extraction(finding, step, filenames)
        return expand(job, step, finding, timeouts)
    if step.kind == EXTRACT_SUBTITLES:
        if not isinstance(finding, FoundSubtitles):
            raise InvalidRequest(Violation("found_subtitles", "must be set", "REQUIRED"))
        check_found_subtitles(finding, filenames)
        planned = plan_translation(job, step, finding, timeouts)
        check_dependencies(planned, [known.name for known in job.steps])
        return planned
    if step.kind == SPLIT:
        if not isinstance(finding, MediaSplit):
            raise InvalidRequest(Violation("split", "must be set", "REQUIRED"))
        check_split(finding, int(str(step.settings["max_segments"])), filenames)
        planned = plan_segments(job, step, finding, timeouts)
        check_dependencies(planned, [known.name for known in job.steps])
        return planned
    return ()
