"""How a job's spec lies in its JSONB column, both ways.

Keys are written out, as in `json_forms`. What may be long is left out, as the
row changes often: an inline input and the given glossary terms lie in
artifacts of the job's own. A chat model's key is no part of a spec.
"""

from uuid import UUID

from job_service.domain.segments import read_segments, segments_form
from job_service.domain.spec import (
    JobSpec,
    Media,
    Transcode,
    TranslateDocument,
    TranslateRecords,
    TranslateText,
    TranslateUrl,
    Translation,
)
from job_service.domain.subtitles import (
    LocalizeVideo,
    ProcessSubtitles,
    localize_form,
    operation_form,
    read_localize,
    read_operation,
)
from job_service.domain.transcode_options import TranscodeOptions
from job_service.domain.translation import (
    Budget,
    ChatModel,
    DocumentTwins,
    GlossaryTerm,
    Tone,
    TranslationOptions,
)
from job_service.storage.json_forms import Form, NewForm


def spec_form(spec: JobSpec) -> NewForm:
    """Write a spec without its inline input and its glossary terms."""
    if isinstance(spec, Media):
        return _media_form(spec)
    form: NewForm = {
        "source_language": spec.source_language,
        "target_languages": list(spec.target_languages),
        "options": _options_form(spec.options),
    }
    if isinstance(spec, LocalizeVideo):
        return {**form, **localize_form(spec)}
    if isinstance(spec, TranslateText):
        artifact_id = str(spec.artifact_id) if spec.artifact_id else None
        return {**form, "engine": spec.engine, "artifact_id": artifact_id}
    if isinstance(spec, TranslateRecords):
        return {
            **form,
            "target_fields": list(spec.target_fields),
            "code_filter": spec.code_filter,
            "output_prefix": spec.output_prefix,
        }
    form |= {
        "format": spec.format,
        "twins": {"bilingual": spec.twins.bilingual, "xliff": spec.twins.xliff},
    }
    if isinstance(spec, TranslateUrl):
        return {**form, "url": spec.url}
    return {**form, "artifact_id": str(spec.artifact_id)}


def _media_form(spec: Media) -> NewForm:
    if isinstance(spec, ProcessSubtitles):
        artifact_id = str(spec.artifact_id)
        return {"artifact_id": artifact_id, "operation": operation_form(spec.operation)}
    return {
        "artifact_id": str(spec.artifact_id),
        "preset": spec.preset,
        **({"options": dict(spec.options.values)} if spec.options else {}),
        **segments_form(spec.segments),
    }


def read_spec(
    kind: str, form: Form, text: str | None = None, terms: tuple[GlossaryTerm, ...] = ()
) -> JobSpec:
    """Read a spec, putting back what is at hand of its inline input and its terms."""
    if kind == Transcode.kind:
        return Transcode(
            artifact_id=UUID(form["artifact_id"]),
            preset=form["preset"],
            options=TranscodeOptions.read(form.get("options") or {}),
            segments=read_segments(form.get("segments")),
        )
    if kind == ProcessSubtitles.kind:
        return ProcessSubtitles(UUID(form["artifact_id"]), read_operation(form["operation"]))
    return _read_translation(kind, form, text, _read_options(form.get("options") or {}, terms))


def _read_translation(
    kind: str, form: Form, text: str | None, options: TranslationOptions
) -> Translation:
    source_language = form["source_language"]
    target_languages = tuple(form["target_languages"])
    if kind == LocalizeVideo.kind:
        return read_localize(form, source_language, target_languages, options)
    if kind == TranslateText.kind:
        artifact_id = form["artifact_id"]
        return TranslateText(
            source_language=source_language,
            target_languages=target_languages,
            text=text,
            artifact_id=UUID(artifact_id) if artifact_id else None,
            engine=form["engine"],
            options=options,
        )
    if kind == TranslateDocument.kind:
        return TranslateDocument(
            artifact_id=UUID(form["artifact_id"]),
            source_language=source_language,
            target_languages=target_languages,
            format=form["format"],
            options=options,
            twins=DocumentTwins(**form["twins"]),
        )
    if kind == TranslateUrl.kind:
        return TranslateUrl(
            url=form["url"],
            source_language=source_language,
            target_languages=target_languages,
            format=form["format"],
            options=options,
            twins=DocumentTwins(**form["twins"]),
        )
    if kind == TranslateRecords.kind:
        return TranslateRecords(
            records=text,
            target_fields=tuple(form["target_fields"]),
            source_language=source_language,
            target_languages=target_languages,
            code_filter=form["code_filter"],
            options=options,
            output_prefix=form["output_prefix"],
        )
    raise ValueError(f"unknown kind of spec: {kind}")


def _options_form(options: TranslationOptions) -> NewForm:
    """Write options; what was not asked for is left out."""
    form: NewForm = {}
    if options.engines:
        form["engines"] = list(options.engines)
    if options.tone is not None:
        form["tone"] = options.tone
    if options.domain:
        form["domain"] = options.domain
    if options.chat_model is not None:
        form["chat_model"] = {
            "base_url": options.chat_model.base_url,
            "model_name": options.chat_model.model_name,
            "has_api_key": options.chat_model.has_api_key,
        }
    if options.glossary_ids:
        form["glossary_ids"] = [str(glossary_id) for glossary_id in options.glossary_ids]
    if options.budget != Budget():
        form["budget"] = {
            "max_characters": options.budget.max_characters,
            "max_tokens": options.budget.max_tokens,
        }
    if options.without_memory:
        form["without_memory"] = True
    return form


def _read_options(form: Form, terms: tuple[GlossaryTerm, ...]) -> TranslationOptions:
    model = form.get("chat_model")
    return TranslationOptions(
        engines=tuple(form.get("engines", ())),
        tone=Tone(form["tone"]) if "tone" in form else None,
        domain=form.get("domain", ""),
        chat_model=None if model is None else ChatModel(**model),
        glossary_ids=tuple(UUID(each) for each in form.get("glossary_ids", ())),
        glossary_terms=terms,
        budget=Budget(**form.get("budget", {})),
        without_memory=form.get("without_memory", False),
    )
