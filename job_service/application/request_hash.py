"""Whether two requests ask for the same thing: a hash of all that a client chose.

The form is written out field by field, because hashes are stored: a repeated
request must still match after the classes have changed.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from job_service.domain.job import Artifact, Priority
from job_service.domain.segments import segments_form
from job_service.domain.spec import (
    JobSpec,
    Media,
    TranslateRecords,
    TranslateText,
    TranslateUrl,
    needs_api_key,
)
from job_service.domain.subtitles import (
    LocalizeVideo,
    ProcessSubtitles,
    localize_form,
    operation_form,
)
from job_service.domain.translation import TranslationOptions


def request_hash(
    spec: JobSpec,
    priority: Priority,
    labels: Mapping[str, str],
    deadline_at: datetime | None,
    secret_digest: bytes = b"",
    *,
    reuse_results: bool = False,
) -> bytes:
    """Return the sha256 of the canonical request; a secret counts by its keyed digest.

    The trace is left out: a retry comes with another one.
    """
    body: dict[str, object] = {
        "kind": spec.kind,
        "spec": _spec_body(spec),
        "priority": priority.value,
        "labels": dict(labels),
        "deadline": deadline_at.astimezone(UTC).isoformat() if deadline_at else None,
    }
    if reuse_results:
        # Left out otherwise: older requests have hashed to less.
        body["reuse_results"] = True
    return _hashed(_with_secret(body, secret_digest))


def work_hash(spec: JobSpec, inputs: Mapping[UUID, Artifact], terms: bytes | None) -> bytes | None:
    """Return the sha256 of what is asked for: the spec, and its inputs by their content.

    Two jobs of one hash have the same results, down to the names of the files,
    but for what engines and encoders themselves may do differently. None where
    the spec does not say it all: the web changes, and a secret is not kept.
    """
    if isinstance(spec, TranslateUrl) or needs_api_key(spec):
        return None
    contents = {}
    for artifact_id, artifact in inputs.items():
        if artifact.digest is None:
            return None
        digest = artifact.digest
        contents[str(artifact_id)] = [artifact.filename, digest.sha256, digest.size_bytes]
    return _hashed(
        {
            "kind": spec.kind,
            "spec": _by_content(_spec_body(spec), contents),
            "terms": None if terms is None else sha256(terms).hexdigest(),
        }
    )


def _by_content(value: object, contents: Mapping[str, object]) -> object:
    """Put contents in the places of the ids that stand for them."""
    if isinstance(value, dict):
        return {key: _by_content(each, contents) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_by_content(each, contents) for each in value]
    return contents.get(value, value) if isinstance(value, str) else value


def redrive_hash(parent_job_id: UUID, *, all_targets: bool, secret_digest: bytes = b"") -> bytes:
    """Return the sha256 of a request to do a job again; it is that of no other request."""
    body: dict[str, object] = {"redrive": str(parent_job_id), "all_targets": all_targets}
    return _hashed(_with_secret(body, secret_digest))


def _with_secret(body: dict[str, object], secret_digest: bytes) -> dict[str, object]:
    return {**body, "secret": secret_digest.hex()} if secret_digest else body


def _hashed(body: Mapping[str, object]) -> bytes:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).digest()


def _spec_body(spec: JobSpec) -> dict[str, object]:
    if isinstance(spec, Media):
        return _media_body(spec)
    body: dict[str, object] = {
        "source_language": spec.source_language,
        "target_languages": spec.target_languages,
    }
    if spec.options != TranslationOptions():
        body["options"] = _options_body(spec.options)
    if isinstance(spec, LocalizeVideo):
        return {**body, **localize_form(spec)}
    if isinstance(spec, TranslateText):
        artifact_id = str(spec.artifact_id) if spec.artifact_id else None
        return {**body, "text": spec.text, "artifact_id": artifact_id, "engine": spec.engine}
    if isinstance(spec, TranslateRecords):
        return {
            **body,
            "records": spec.records,
            "target_fields": spec.target_fields,
            "code_filter": spec.code_filter,
            "output_prefix": spec.output_prefix,
        }
    body |= {"format": spec.format, "twins": [spec.twins.bilingual, spec.twins.xliff]}
    if isinstance(spec, TranslateUrl):
        return {**body, "url": spec.url}
    return {**body, "artifact_id": str(spec.artifact_id)}


def _media_body(spec: Media) -> dict[str, object]:
    if isinstance(spec, ProcessSubtitles):
        artifact_id = str(spec.artifact_id)
        return {"artifact_id": artifact_id, "operation": operation_form(spec.operation)}
    return {
        "artifact_id": str(spec.artifact_id),
        "preset": spec.preset,
        **({"options": dict(spec.options.values)} if spec.options else {}),
        **segments_form(spec.segments),
    }


def _options_body(options: TranslationOptions) -> dict[str, object]:
    model = options.chat_model
    return {
        "engines": options.engines,
        "tone": options.tone,
        "domain": options.domain,
        "chat_model": model and [model.base_url, model.model_name, model.has_api_key],
        "glossary_ids": [str(glossary_id) for glossary_id in options.glossary_ids],
        "glossary_terms": [
            [term.source, term.target, term.target_language, term.case_sensitive]
            for term in options.glossary_terms
        ],
        "budget": [options.budget.max_characters, options.budget.max_tokens],
        "without_memory": options.without_memory,
    }
