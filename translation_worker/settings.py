"""Settings of the translation worker, from the environment."""

from translation_worker.engine_settings import EngineSettings
from translation_worker.sources.source_settings import SourceSettings


class TranslationSettings(EngineSettings, SourceSettings):
    """A translation worker's settings: those of its engines, and of what it reads."""
