"""The steps of a transcode: one, or those of a video in segments. Pure.

`split_media` finds where to cut; its end adds an `encode_segment` step for
each segment, which any number of workers do at once, and a `join_segments`
step that needs them all. A video that is better left alone gets the plain
`transcode` step then. Each step is retried by itself.

Settings: source, preset, options; of `split_media` also length_seconds,
from_seconds, max_segments, at_once; of `encode_segment` number. Parts: plan, segments,
and source where the split step has put out what is to be read in its place.
"""

from job_service.domain.job import Job, Progress, Step
from job_service.domain.planned import Plan, PlannedStep, Source, StepTimeouts
from job_service.domain.segments import MediaSplit, Segmenting, SegmentsMode, pays
from job_service.domain.spec import Transcode
from job_service.domain.step_inputs import PARTS, SOURCE, PartName, part_form

SPLIT, ENCODE_SEGMENT, JOIN = "split_media", "encode_segment", "join_segments"

SEGMENT_MAKERS = frozenset({SPLIT, ENCODE_SEGMENT})
"""The kinds of steps whose outputs are for later steps."""

SEGMENT_STEPS = SEGMENT_MAKERS | {JOIN}
"""The kinds of steps that a worker must know to make a video in segments."""

_SPLIT_NAME, _JOIN_NAME = "split", "join"
# Encoding the sound, and reading the whole result once more.
_JOIN_WEIGHT = 0.05


def plan_transcode(
    spec: Transcode, source: Source, timeouts: StepTimeouts, segmenting: Segmenting
) -> Plan:
    """Plan a transcode as far as it can be known before the input is looked at."""
    settings = _settings(spec, str(source.artifact_id))
    if pays(spec.segments, spec.options, source.size_bytes, segmenting, spec.preset):
        step = _split(spec, settings, timeouts, segmenting)
    else:
        step = _transcode(spec, settings, timeouts)
    return Plan((step,), (spec.preset,))


def plan_segments(
    job: Job, step: Step, found: MediaSplit, timeouts: StepTimeouts
) -> tuple[PlannedStep, ...]:
    """Plan the steps after a split step that has completed."""
    spec = job.spec
    if not isinstance(spec, Transcode):
        raise TypeError(spec)
    settings = _settings(spec, str(step.settings[SOURCE]))
    if len(found.segments) == 1:
        return (_transcode(spec, settings, timeouts, depends_on=(step.name,)),)
    parts = {"plan": [PartName(step.name, found.plan_filename)]}
    if found.source_filename:
        parts[SOURCE] = [PartName(step.name, found.source_filename)]
    at_once = int(str(step.settings["at_once"]))
    encodes = tuple(
        PlannedStep(
            name=_encoding(number),
            kind=ENCODE_SEGMENT,
            target_key=spec.preset,
            settings={**settings, "number": number, PARTS: part_form(parts)},
            timeout=timeouts.transcode,
            progress=Progress(unit="MEDIA_SECONDS", done=0.0, total=segment.seconds),
            depends_on=(step.name, *_turn(number, at_once)),
            weight=segment.seconds,
        )
        for number, segment in enumerate(found.segments, start=1)
    )
    names = tuple(encode.name for encode in encodes)
    parts = {**parts, "segments": [PartName(name) for name in names]}
    join = PlannedStep(
        name=_JOIN_NAME,
        kind=JOIN,
        target_key=spec.preset,
        settings={**settings, PARTS: part_form(parts)},
        timeout=timeouts.transcode,
        # The video's seconds are counted where they are encoded, once.
        progress=Progress(unit="STEPS", done=0.0, total=1.0),
        depends_on=(step.name, *names),
        weight=sum(segment.seconds for segment in found.segments) * _JOIN_WEIGHT,
    )
    return (*encodes, join)


def _turn(number: int, at_once: int) -> tuple[str, ...]:
    """Name the segment whose end makes room for another one.

    All segments of a film in the queue would be before everybody else's work.
    """
    return (_encoding(number - at_once),) if number > at_once else ()


def _encoding(number: int) -> str:
    """Name the step that encodes a segment."""
    return f"encode[{number}]"


def _settings(spec: Transcode, source_id: str) -> dict[str, object]:
    return {
        SOURCE: source_id,
        "preset": spec.preset,
        **({"options": dict(spec.options.values)} if spec.options else {}),
    }


def _transcode(
    spec: Transcode,
    settings: dict[str, object],
    timeouts: StepTimeouts,
    depends_on: tuple[str, ...] = (),
) -> PlannedStep:
    return PlannedStep(
        name="transcode",
        kind=Transcode.kind,
        target_key=spec.preset,
        settings=settings,
        timeout=timeouts.transcode,
        progress=Progress(unit="MEDIA_SECONDS", done=0.0, total=0.0),
        depends_on=depends_on,
    )


def _split(
    spec: Transcode, settings: dict[str, object], timeouts: StepTimeouts, segmenting: Segmenting
) -> PlannedStep:
    policy = segmenting.policy
    is_wanted = spec.segments.mode is SegmentsMode.ON
    return PlannedStep(
        name=_SPLIT_NAME,
        kind=SPLIT,
        settings={
            **settings,
            "length_seconds": spec.segments.length_seconds or policy.length_seconds,
            "from_seconds": 0.0 if is_wanted else policy.from_seconds,
            "max_segments": policy.most,
            "at_once": policy.at_once,
        },
        timeout=timeouts.transcode,
        weight=0.0,
        progress=Progress(unit="UNSPECIFIED", done=0.0, total=0.0),
    )
