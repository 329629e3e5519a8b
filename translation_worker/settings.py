"""Settings of the translation worker, from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from translation_worker.engines.registry import ENGINE_NAMES
from translation_worker.sources.source_settings import SourceSettings


class TranslationSettings(SourceSettings):
    """A translation worker's settings."""

    # Directory with Apertium's .mode files; the engine is left out if it holds none.
    apertium_modes_dir: Path = Path("/usr/share/apertium/modes")
    # Engines that may be used, by name, separated by commas; all that are found by default.
    engines: Annotated[tuple[str, ...], NoDecode] = Field(default=ENGINE_NAMES, min_length=1)

    @field_validator("engines", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("engines")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if set(value) - set(ENGINE_NAMES):
            raise ValueError(f"must be a list of {', '.join(ENGINE_NAMES)}")
        return value
