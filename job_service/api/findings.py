"""What a completed step has found: from a worker's message to what later steps are planned from."""

from babelmill.jobs.v1 import lease_pb2, worker_service_pb2
from job_service.api import checks
from job_service.api.segment_messages import media_split
from job_service.api.subtitle_work import found_subtitles
from job_service.api.validation import Violations
from job_service.domain.expansion import Chunk, Extraction
from job_service.domain.following import Finding


def finding(
    request: worker_service_pb2.CompleteStepRequest, violations: Violations
) -> Finding | None:
    """Read what the step has found; None if it is of a kind that finds nothing."""
    if request.HasField("extraction"):
        return extraction(request.extraction, violations)
    if request.HasField("found_subtitles"):
        return found_subtitles(request.found_subtitles, violations)
    if request.HasField("split"):
        return media_split(request.split, violations)
    return None


def extraction(message: lease_pb2.Extraction, violations: Violations) -> Extraction:
    """Read what an extract step has found."""
    if not 0 <= message.language_confidence <= 1:
        violations.add("extraction.language_confidence", "It must be from 0 to 1.")
    return Extraction(
        format=violations.check("extraction.format", lambda: checks.name(message.format), ""),
        source_language=violations.check(
            "extraction.source_language", lambda: checks.language_tag(message.source_language), ""
        ),
        language_confidence=message.language_confidence,
        chunks=tuple(
            _chunk(chunk, f"extraction.chunks[{index}]", violations)
            for index, chunk in enumerate(message.chunks)
        ),
        original_filename=message.original_filename,
    )


def _chunk(message: lease_pb2.ExtractedChunk, path: str, violations: Violations) -> Chunk:
    return Chunk(
        filename=message.filename,
        characters=violations.check(
            f"{path}.characters", lambda: checks.not_negative(message.characters), 0
        ),
        segments=violations.check(
            f"{path}.segments", lambda: checks.not_negative(message.segments), 0
        ),
    )
