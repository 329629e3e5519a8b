"""Glossaries in JSON: terms and lists of them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from babelmill.translation.v1 import glossary_pb2, glossary_service_pb2
from gateway.transcoding.words import RequestText, time_of


class GlossaryTerm(BaseModel):
    """How a term is to be translated."""

    model_config = ConfigDict(extra="forbid")

    source: RequestText = ""
    target: RequestText = Field(default="", description="Empty: the term stays as it is.")
    target_language: RequestText = Field(default="", description="Empty: all of them.")
    case_sensitive: bool = False


class CreateGlossary(BaseModel):
    """A glossary to keep."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "display_name": "Mills",
                    "source_language": "en",
                    "terms": [
                        {"source": "mill", "target": "moinho", "target_language": "pt"},
                        {"source": "Babelmill", "case_sensitive": True},
                    ],
                }
            ]
        },
    )

    display_name: RequestText = Field(default="", description="1 to 100 characters.")
    source_language: RequestText = Field(default="", description="By BCP 47, of the terms.")
    terms: list[GlossaryTerm] = Field(default_factory=list, description="1 to 10,000.")


class Glossary(BaseModel):
    """A list of terms. It never changes."""

    glossary_id: str
    display_name: str
    source_language: str
    terms: list[GlossaryTerm] | None = Field(description="Null in a list and when it was made.")
    term_count: int
    create_time: datetime | None


class Glossaries(BaseModel):
    """The glossaries, by name."""

    glossaries: list[Glossary]


def glossary_to_proto(given: CreateGlossary) -> glossary_service_pb2.CreateGlossaryRequest:
    """Read a glossary."""
    return glossary_service_pb2.CreateGlossaryRequest(
        display_name=given.display_name,
        source_language=given.source_language,
        terms=[
            glossary_pb2.GlossaryTerm(
                source=term.source,
                target=term.target,
                target_language=term.target_language,
                case_sensitive=term.case_sensitive,
            )
            for term in given.terms
        ],
    )


def glossary_from_proto(message: glossary_pb2.Glossary) -> Glossary:
    """Write a glossary."""
    terms = [
        GlossaryTerm(
            source=term.source,
            target=term.target,
            target_language=term.target_language,
            case_sensitive=term.case_sensitive,
        )
        for term in message.terms
    ]
    return Glossary(
        glossary_id=message.glossary_id,
        display_name=message.display_name,
        source_language=message.source_language,
        terms=terms or None,
        term_count=message.term_count,
        create_time=time_of(message, "create_time"),
    )


def glossaries_from_proto(message: glossary_service_pb2.ListGlossariesResponse) -> Glossaries:
    """Write the glossaries."""
    return Glossaries(glossaries=[glossary_from_proto(each) for each in message.glossaries])
