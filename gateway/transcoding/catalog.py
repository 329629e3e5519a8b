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


class Preset(BaseModel):
    """A named media recipe."""

    name: str
    kind: PresetKindWord
    description: str
    file_extension: str
    media_type: str


class Presets(BaseModel):
    """The presets, by name."""

    presets: list[Preset]


def engines_from_proto(message: catalog_service_pb2.ListEnginesResponse) -> Engines:
    """Write the engines."""
    return Engines(
        engines=[
            Engine(name=each.name, version=each.version, description=each.description)
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
            )
            for each in message.presets
        ]
    )
