"""Settings of the engines: which may be used, where they are, and how often they are asked."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from babelmill.kit.worker.settings import WorkerSettings
from translation_worker.engines.registry import ENGINE_NAMES, EngineSources
from translation_worker.rate_limits import parse_rates


class EngineSettings(WorkerSettings):
    """What the engines need. Keys are in files that only their owner may read."""

    # Directory with Apertium's .mode files; the engine is left out if it holds none.
    apertium_modes_dir: Path = Path("/usr/share/apertium/modes")
    # Engines that may be used, by name, separated by commas; all that are found by default.
    engines: Annotated[tuple[str, ...], NoDecode] = Field(default=ENGINE_NAMES, min_length=1)
    # Sentences that the bundled models work on at once, in each of a worker's processes. More
    # than one is for texts that are alone: when all processes are busy it gains nothing.
    bergamot_threads: int = Field(default=2, ge=1, le=64)
    # Directory with models for CTranslate2, each in a directory of its own.
    models_dir: Path | None = None
    libretranslate_url: str = ""
    libretranslate_key_file: Path | None = None
    # Without an address the kind of key decides between DeepL's two.
    deepl_url: str = ""
    deepl_key_file: Path | None = None
    # Hosts that clients may name for their chat model though they are not public, such as
    # "localhost:11434".
    chat_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    # Such as "deepl=10/min,deepl=50000chars/min,chat=60/min"; for all workers together.
    engine_rates: str = ""
    engine_timeout_seconds: float = Field(default=60.0, gt=0, le=600)

    @field_validator("engines", "chat_hosts", mode="before")
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

    @field_validator("engine_rates")
    @classmethod
    def _are_rates(cls, value: str) -> str:
        unknown = set(parse_rates(value)) - set(ENGINE_NAMES)
        if unknown:
            raise ValueError(f"must name engines of {', '.join(ENGINE_NAMES)}")
        return value

    @field_validator("libretranslate_url", "deepl_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must be an http:// or https:// URL")
        return value

    def engine_sources(self) -> EngineSources:
        """Return where the engines are, with no gate before them."""
        return EngineSources(
            bergamot_threads=self.bergamot_threads,
            models_dir=self.models_dir,
            libretranslate_url=self.libretranslate_url,
            libretranslate_key_file=self.libretranslate_key_file,
            deepl_url=self.deepl_url,
            deepl_key_file=self.deepl_key_file,
            chat_hosts=self.chat_hosts,
            timeout_seconds=self.engine_timeout_seconds,
        )
