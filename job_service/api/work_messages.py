"""What a lease asks its worker to do: from a step's settings to Work."""

from collections.abc import Callable, Mapping
from uuid import UUID

from babelmill.jobs.v1 import lease_pb2
from babelmill.media.v1 import media_pb2
from job_service.api import segment_work, spec_answers, subtitle_work
from job_service.api.stored_contents import stored_content
from job_service.api.transcode_messages import write_options
from job_service.application.leasing import GrantedLease
from job_service.domain.step_inputs import GLOSSARY, SOURCE
from job_service.domain.transcode_options import TranscodeOptions
from job_service.domain.translation import DocumentTwins

_Settings = Mapping[str, object]


class UnknownStepKind(Exception):
    """A step was planned of a kind that this server cannot put into a lease."""


def work(granted: GrantedLease) -> lease_pb2.Work:
    """Write what the step asks for. Raises UnknownStepKind."""
    write = _WRITERS.get(granted.step.kind)
    if write is None:
        raise UnknownStepKind(granted.step.kind)
    return write(granted, granted.step.settings)


def _translate_text(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    return lease_pb2.Work(
        translate_text=lease_pb2.TranslateTextWork(
            source=_input(granted, SOURCE),
            source_language=_text(settings, "source_language"),
            target_language=_text(settings, "target_language"),
            engine=_text(settings, "engine"),
            settings=_translation_settings(granted, settings),
        )
    )


def _transcode(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    return lease_pb2.Work(
        transcode=lease_pb2.TranscodeWork(
            source=_input(granted, SOURCE),
            preset=_text(settings, "preset"),
            options=_transcode_options(settings),
        )
    )


def _transcode_options(settings: _Settings) -> media_pb2.TranscodeOptions | None:
    found = settings.get("options")
    return write_options(TranscodeOptions.read(found)) if isinstance(found, dict) else None


def _extract(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    languages = settings.get("target_languages")
    message = lease_pb2.ExtractWork(
        format=_text(settings, "format"),
        source_language=_text(settings, "source_language"),
        target_languages=[str(language) for language in languages]
        if isinstance(languages, list)
        else [],
        record_rules=_record_rules(settings),
        max_chunks=_number(settings, "max_chunks"),
        max_characters=_number(settings, "max_characters"),
        engines=_engines(granted, settings),
        has_chat_model=granted.options is not None and granted.options.chat_model is not None,
    )
    if "url" in settings:
        message.url = _text(settings, "url")
    elif SOURCE in granted.parts:
        message.content.CopyFrom(_only(granted, SOURCE))
    else:
        message.content.CopyFrom(_input(granted, SOURCE))
    return lease_pb2.Work(extract=message)


def _translate_segments(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    return lease_pb2.Work(
        translate_segments=lease_pb2.TranslateSegmentsWork(
            segments=_only(granted, "segments"),
            source_language=_text(settings, "source_language"),
            target_language=_text(settings, "target_language"),
            settings=_translation_settings(granted, settings),
        )
    )


def _adapt_tone(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    return lease_pb2.Work(
        adapt_tone=lease_pb2.AdaptToneWork(
            segments=_only(granted, "segments"),
            translations=_only(granted, "translations"),
            source_language=_text(settings, "source_language"),
            target_language=_text(settings, "target_language"),
            settings=_translation_settings(granted, settings),
        )
    )


def _reconstruct(granted: GrantedLease, settings: _Settings) -> lease_pb2.Work:
    twins = settings.get("twins")
    message = lease_pb2.ReconstructWork(
        original=_input(granted, SOURCE) if SOURCE in settings else _only(granted, "original"),
        format=_text(settings, "format"),
        source_language=_text(settings, "source_language"),
        target_language=_text(settings, "target_language"),
        segments=[stored_content(part) for part in granted.parts.get("segments", ())],
        translations=[stored_content(part) for part in granted.parts.get("translations", ())],
        record_rules=_record_rules(settings),
        output_prefix=_text(settings, "output_prefix"),
    )
    if isinstance(twins, dict):
        message.twins.CopyFrom(spec_answers.twins(DocumentTwins(**twins)))
    if GLOSSARY in settings:
        message.glossary.CopyFrom(_input(granted, GLOSSARY))
    return lease_pb2.Work(reconstruct=message)


def _engines(granted: GrantedLease, settings: _Settings) -> list[str]:
    """Name the engines to use, the one that a text's spec names by itself before all others."""
    engine = _text(settings, "engine")
    others = granted.options.engines if granted.options is not None else ()
    return list(dict.fromkeys([*([engine] if engine else []), *others]))


def _translation_settings(
    granted: GrantedLease, settings: _Settings
) -> lease_pb2.TranslationSettings:
    message = lease_pb2.TranslationSettings(max_tokens=_number(settings, "max_tokens"))
    if granted.options is not None:
        message.options.CopyFrom(spec_answers.options(granted.options, granted.chat_api_key))
        # The terms come as one list, whatever they came from.
        del message.options.glossary_ids[:]
        del message.options.glossary_terms[:]
    if engines := _engines(granted, settings):
        message.options.engines[:] = engines
    if GLOSSARY in settings:
        message.glossary.CopyFrom(_input(granted, GLOSSARY))
    return message


def _record_rules(settings: _Settings) -> lease_pb2.RecordRules | None:
    rules = settings.get("record_rules")
    if not isinstance(rules, dict):
        return None
    return lease_pb2.RecordRules(
        target_fields=rules["target_fields"], code_filter=rules["code_filter"]
    )


def _input(granted: GrantedLease, key: str) -> lease_pb2.StoredContent:
    return stored_content(granted.inputs.get(UUID(str(granted.step.settings[key]))))


def _only(granted: GrantedLease, use: str) -> lease_pb2.StoredContent:
    parts = granted.parts.get(use, ())
    return stored_content(parts[0] if parts else None)


def _text(settings: _Settings, key: str) -> str:
    return str(settings.get(key, ""))


def _number(settings: _Settings, key: str) -> int:
    value = settings.get(key, 0)
    return value if isinstance(value, int) else 0


_WRITERS: Mapping[str, Callable[[GrantedLease, _Settings], lease_pb2.Work]] = {
    "translate_text": _translate_text,
    "transcode": _transcode,
    "extract": _extract,
    "translate_segments": _translate_segments,
    "adapt_tone": _adapt_tone,
    "reconstruct": _reconstruct,
    "process_subtitles": subtitle_work.process_subtitles,
    "extract_subtitles": subtitle_work.extract_subtitles,
    "mux_tracks": subtitle_work.mux_tracks,
    "burn_in_subtitles": subtitle_work.burn_in_subtitles,
    "split_media": segment_work.split_media,
    "encode_segment": segment_work.encode_segment,
    "join_segments": segment_work.join_segments,
}
