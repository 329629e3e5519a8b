"""Examples of what the edge answers, for its description.

They go through the same transcoding as real answers, so that they always have
the shape that real ones have. Examples of requests stand at their models.
"""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel

from babelmill.jobs.v1 import (
    artifact_pb2,
    artifact_service_pb2,
    catalog_service_pb2,
    failure_pb2,
    job_event_pb2,
    job_pb2,
    job_service_pb2,
    progress_pb2,
    queue_pb2,
    queue_service_pb2,
    step_pb2,
    usage_pb2,
)
from babelmill.media.v1 import media_pb2
from babelmill.translation.v1 import glossary_pb2, glossary_service_pb2, translation_pb2
from gateway.transcoding.artifacts import artifact_from_proto, artifact_page_from_proto
from gateway.transcoding.catalog import (
    engines_from_proto,
    formats_from_proto,
    pairs_from_proto,
    presets_from_proto,
)
from gateway.transcoding.events import events_from_proto
from gateway.transcoding.glossaries import glossaries_from_proto, glossary_from_proto
from gateway.transcoding.jobs import (
    batch_from_proto,
    job_from_proto,
    page_from_proto,
    result_from_proto,
)
from gateway.transcoding.queues import (
    dead_letters_from_proto,
    queues_from_proto,
    replays_from_proto,
)

JOB_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
STEP_ID = "01890a5d-ac97-7b0c-9c55-6f4b6f0d5a11"
ARTIFACT_ID = "01890a5d-ac98-7d2e-8f43-0a9b1c2d3e4f"
GLOSSARY_ID = "01890a5d-ac99-7e3f-9a54-1b0c2d3e4f5a"
_ENDED_JOB_ID = "01890a5c-1f02-7a11-8b3c-4d5e6f708192"
_TEXT = "Bom dia."


def answers() -> Mapping[str, BaseModel]:
    """Give an example of each answer by its schema's name."""
    job = _job()
    created = job_service_pb2.CreateJobResponse(job=job, created=True)
    return {
        "Job": job_from_proto(job),
        "JobPage": page_from_proto(
            job_service_pb2.ListJobsResponse(jobs=[_listed(job)], next_page_token="")
        ),
        "CreatedJobs": batch_from_proto(
            job_service_pb2.BatchCreateJobsResponse(responses=[created])
        ),
        "JobResult": result_from_proto(job, final=True),
        "JobEvents": events_from_proto(_events()),
        "Artifact": artifact_from_proto(_output()),
        "ArtifactPage": artifact_page_from_proto(
            artifact_service_pb2.ListArtifactsResponse(artifacts=[_output()])
        ),
        "Engines": engines_from_proto(_engines()),
        "LanguagePairs": pairs_from_proto(_pairs()),
        "Formats": formats_from_proto(_formats()),
        "Presets": presets_from_proto(_presets()),
        "Queues": queues_from_proto(_queues()),
        "DeadLetterPage": dead_letters_from_proto(_dead_letters()),
        "Replays": replays_from_proto(
            queue_service_pb2.ReplayDeadLettersResponse(jobs=[_listed(job)])
        ),
        "Glossary": glossary_from_proto(_glossary()),
        "Glossaries": glossaries_from_proto(
            glossary_service_pb2.ListGlossariesResponse(glossaries=[_glossary()])
        ),
    }


def _at(second: int) -> Timestamp:
    return Timestamp(seconds=1_893_492_000 + second)  # 2030-01-01T10:00:00Z


def _output() -> artifact_pb2.Artifact:
    return artifact_pb2.Artifact(
        artifact_id=ARTIFACT_ID,
        state=artifact_pb2.ARTIFACT_STATE_READY,
        filename="text.pt.txt",
        media_type="text/plain; charset=utf-8",
        digest=artifact_pb2.Digest(
            sha256="8d2e5f3c0a7b419696f1d5a2b3c4e6f708192a3b4c5d6e7f8091a2b3c4d5e6f7",
            size_bytes=len(_TEXT),
        ),
        received_bytes=len(_TEXT),
        job_id=JOB_ID,
        create_time=_at(2),
    )


def _job() -> job_pb2.Job:
    progress = progress_pb2.Progress(
        unit=progress_pb2.PROGRESS_UNIT_CHARACTERS,
        done=13,
        total=13,
        percent=100,
        stage="translate",
        update_time=_at(2),
    )
    usage = usage_pb2.Usage(
        peak_cpu_percent=97.5,
        peak_rss_bytes=188_743_680,
        cpu_seconds=0.21,
        processing_seconds=0.24,
        engine_characters=13,
    )
    step = step_pb2.Step(
        step_id=STEP_ID,
        name="translate[pt]",
        kind="translate_text",
        target_key="pt",
        state=step_pb2.STEP_STATE_COMPLETED,
        attempt=1,
        progress=progress,
        usage=usage,
        create_time=_at(0),
        queue_time=_at(0),
        start_time=_at(1),
        finish_time=_at(2),
    )
    return job_pb2.Job(
        job_id=JOB_ID,
        spec=job_pb2.JobSpec(
            translate_text=translation_pb2.TranslateTextSpec(
                text="Good morning.", source_language="en", target_languages=["pt"]
            )
        ),
        state=job_pb2.JOB_STATE_COMPLETED,
        priority=job_pb2.PRIORITY_NORMAL,
        progress=progress,
        targets=[
            job_pb2.Target(
                key="pt", state=job_pb2.TARGET_STATE_COMPLETED, outputs=[_output()], text=_TEXT
            )
        ],
        steps=[step],
        attempts=1,
        labels={"project": "greetings"},
        create_time=_at(0),
        queue_time=_at(0),
        start_time=_at(1),
        finish_time=_at(2),
        sequence=7,
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        usage=usage,
        request_id="greeting-1",
    )


def _listed(job: job_pb2.Job) -> job_pb2.Job:
    listed = job_pb2.Job()
    listed.CopyFrom(job)
    listed.spec.translate_text.text = ""
    del listed.steps[:]
    for target in listed.targets:
        target.ClearField("text")
        target.ClearField("outputs")
    return listed


def _events() -> job_service_pb2.ListJobEventsResponse:
    return job_service_pb2.ListJobEventsResponse(
        events=[
            job_event_pb2.JobEvent(
                job_id=JOB_ID,
                sequence=6,
                event_time=_at(2),
                target_finished=job_event_pb2.TargetFinished(
                    key="pt", state=job_pb2.TARGET_STATE_COMPLETED
                ),
            ),
            job_event_pb2.JobEvent(
                job_id=JOB_ID,
                sequence=7,
                event_time=_at(2),
                job_state_changed=job_event_pb2.JobStateChanged(
                    previous=job_pb2.JOB_STATE_IN_PROGRESS, state=job_pb2.JOB_STATE_COMPLETED
                ),
            ),
        ]
    )


def _engines() -> catalog_service_pb2.ListEnginesResponse:
    return catalog_service_pb2.ListEnginesResponse(
        engines=[
            translation_pb2.Engine(
                name="bergamot",
                version="0.2.0",
                description="Neural models that run on this machine.",
                max_batch_segments=64,
            )
        ]
    )


def _pairs() -> catalog_service_pb2.ListLanguagePairsResponse:
    hop = translation_pb2.RouteHop(engine="bergamot", source_language="en", target_language="pt")
    return catalog_service_pb2.ListLanguagePairsResponse(
        pairs=[translation_pb2.LanguagePair(source_language="en", target_language="pt", hops=[hop])]
    )


def _formats() -> catalog_service_pb2.ListFormatsResponse:
    return catalog_service_pb2.ListFormatsResponse(
        formats=[
            translation_pb2.Format(
                name="markdown",
                description="CommonMark with tables.",
                extensions=[".md", ".markdown"],
                media_types=["text/markdown"],
            )
        ]
    )


def _presets() -> catalog_service_pb2.ListPresetsResponse:
    return catalog_service_pb2.ListPresetsResponse(
        presets=[
            media_pb2.Preset(
                name="mp3",
                kind=media_pb2.PRESET_KIND_AUDIO,
                description="Sound for every player.",
                file_extension="mp3",
                media_type="audio/mpeg",
            )
        ]
    )


def _queues() -> queue_service_pb2.ListQueuesResponse:
    return queue_service_pb2.ListQueuesResponse(
        queues=[
            queue_pb2.Queue(
                name="translation.normal",
                priority=job_pb2.PRIORITY_NORMAL,
                depth=12,
                leased=2,
                oldest_age=Duration(seconds=3),
                drain_rate=4.5,
            )
        ]
    )


def _dead_letters() -> queue_service_pb2.ListDeadLettersResponse:
    return queue_service_pb2.ListDeadLettersResponse(
        dead_letters=[
            queue_pb2.DeadLetter(
                job_id=_ENDED_JOB_ID,
                kind="translate_text",
                error=failure_pb2.Failure(
                    reason="ENGINE_UNAVAILABLE",
                    message="The engine's server cannot be reached.",
                    retryable=True,
                ),
                attempts=5,
                finish_time=_at(600),
                replay_job_ids=[JOB_ID],
            )
        ]
    )


def _glossary() -> glossary_pb2.Glossary:
    return glossary_pb2.Glossary(
        glossary_id=GLOSSARY_ID,
        display_name="Mills",
        source_language="en",
        terms=[glossary_pb2.GlossaryTerm(source="mill", target="moinho", target_language="pt")],
        term_count=1,
        create_time=_at(0),
    )
