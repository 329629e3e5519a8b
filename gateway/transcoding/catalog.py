"""The catalogue in JSON: what can be asked for."""

from pydantic import BaseModel, Field

from babelmill.jobs.v1 import catalog_service_pb2
from babelmill.media.v1 import media_pb2
from gateway.transcoding.words import PresetKindWord, word


class Engine(BaseModel):
    """A translator that a worker has at hand."""

    name: str
    version: str
    description: str
    any_pair: bool = Field(description="It takes every pair of languages, so none is listed.")
    needs_chat_model: bool = Field(description="The spec must bring one.")
    keeps_glossary: bool = Field(description="Else the worker sees to the terms.")
    sets_tone: bool = Field(description="Else rules do.")
    max_batch_segments: int
    costs_money: bool


class Engines(BaseModel):
    """The engines, by name."""

    engines: list[Engine]


class RouteHop(BaseModel):
    """One engine's part of a route."""

    engine: str
    source_language: str
    target_language: str


class LanguagePair(BaseModel):
    """One direction that can be translated now."""

    source_language: str
    target_language: str
    hops: list[RouteHop] = Field(description="One for a direct pair, several through pivots.")


class LanguagePairs(BaseModel):
    """The pairs, by source, then target language."""

    pairs: list[LanguagePair]


class Format(BaseModel):
    """A kind of file that can be translated."""

    name: str
    description: str
    extensions: list[str] = Field(description="With their dots.")
    media_types: list[str]


class Formats(BaseModel):
    """The formats, by name."""

    formats: list[Format]


class PresetOption(BaseModel):
    """An option that a preset takes."""

    name: str
    minimum: float
    maximum: float
    choices: list[float] = Field(description="The allowed values; empty if all within are.")


class Preset(BaseModel):
    """A named media recipe."""

    name: str
    kind: PresetKindWord
    description: str
    file_extension: str = Field(description="Of the first output, without the dot.")
    media_type: str = Field(description="Of the first output.")
    video_codec: str = Field(description="Empty if the output has no picture.")
    audio_codec: str = Field(description="Empty if the output has no sound.")
    needs_video: bool = Field(description="An input without video is refused.")
    needs_audio: bool = Field(description="An input without sound is refused.")
    options: list[PresetOption] = Field(description="What can be chosen in a spec's `options`.")
    takes_segments: bool = Field(description="It can be encoded in segments.")


class Presets(BaseModel):
    """The presets, by name."""

    presets: list[Preset]


def engines_from_proto(message: catalog_service_pb2.ListEnginesResponse) -> Engines:
    """Write the engines."""
    return Engines(
        engines=[
            Engine(
                name=each.name,
                version=each.version,
                description=each.description,
                any_pair=each.any_pair,
                needs_chat_model=each.needs_chat_model,
                keeps_glossary=each.keeps_glossary,
                sets_tone=each.sets_tone,
                max_batch_segments=each.max_batch_segments,
                costs_money=each.costs_money,
            )
            for each in message.engines
        ]
    )


def pairs_from_proto(message: catalog_service_pb2.ListLanguagePairsResponse) -> LanguagePairs:
    """Write the language pairs."""
    return LanguagePairs(
        pairs=[
            LanguagePair(
                source_language=pair.source_language,
                target_language=pair.target_language,
                hops=[
                    RouteHop(
                        engine=hop.engine,
                        source_language=hop.source_language,
                        target_language=hop.target_language,
                    )
                    for hop in pair.hops
                ],
            )
            for pair in message.pairs
        ]
    )


def formats_from_proto(message: catalog_service_pb2.ListFormatsResponse) -> Formats:
    """Write the formats."""
    return Formats(
        formats=[
            Format(
                name=each.name,
                description=each.description,
                extensions=list(each.extensions),
                media_types=list(each.media_types),
            )
            for each in message.formats
        ]
    )


def presets_from_proto(message: catalog_service_pb2.ListPresetsResponse) -> Presets:
    """Write the presets."""
    return Presets(
        presets=[
            Preset(
                name=each.name,
                kind=word(PresetKindWord, media_pb2.PresetKind.Name, "PRESET_KIND_", each.kind),
                description=each.description,
                file_extension=each.file_extension,
                media_type=each.media_type,
                video_codec=each.video_codec,
                audio_codec=each.audio_codec,
                needs_video=each.needs_video,
                needs_audio=each.needs_audio,
                takes_segments=each.takes_segments,
                options=[
                    PresetOption(
                        name=option.name,
                        minimum=option.minimum,
                        maximum=option.maximum,
                        choices=list(option.choices),
                    )
                    for option in each.options
                ],
            )
            for each in message.presets
        ]
    )
