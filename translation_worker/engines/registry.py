"""Engine registry: which engines work on this machine.

An engine that is broken or missing is logged and left out; it never keeps the others from
working, nor the process from starting.
"""

import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from translation_worker.engines.apertium import ApertiumEngine
from translation_worker.engines.bergamot import BergamotEngine
from translation_worker.engines.chat import ChatEngine
from translation_worker.engines.ctranslate2 import CTranslate2Engine
from translation_worker.engines.deepl import DeepLEngine
from translation_worker.engines.engine import Engine, EngineError, LanguagePair
from translation_worker.engines.gate import Gate, OpenGate
from translation_worker.engines.libretranslate import LibreTranslateEngine
from translation_worker.engines.secret_files import read_key

ENGINE_NAMES = ("bergamot", "apertium", "ctranslate2", "libretranslate", "deepl", "chat")
_PROBE_TIMEOUT_SECONDS = 120.0

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class EngineSources:
    """Where the engines that are not bundled are found, and how long their servers may take.

    An engine without its source is not there. `bergamot_threads` is how many sentences its bundled
    models work on at once. `chat_hosts` are hosts that clients may name for
    their chat model though they are not public.
    """

    bergamot_threads: int = 1
    models_dir: Path | None = None
    libretranslate_url: str = ""
    libretranslate_key_file: Path | None = None
    deepl_url: str = ""
    deepl_key_file: Path | None = None
    chat_hosts: tuple[str, ...] = ()
    timeout_seconds: float = 60.0
    gate: Gate = field(default_factory=OpenGate)


class EngineRegistry(Mapping[str, Engine]):
    """The engines that were found, by name, in order of preference."""

    def __init__(self, engines: Collection[Engine]) -> None:
        self._engines = {engine.name: engine for engine in engines}

    def __getitem__(self, name: str) -> Engine:
        return self._engines[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._engines)

    def __len__(self) -> int:
        return len(self._engines)

    def direct_pairs(self) -> dict[str, frozenset[LanguagePair]]:
        """Return what each engine translates without a pivot."""
        return {name: engine.direct_pairs() for name, engine in self._engines.items()}

    def close(self) -> None:
        """Close every engine, also if one of them fails to."""
        for name, engine in self._engines.items():
            try:
                engine.close()
            except (EngineError, OSError) as error:
                _log.warning("engine_not_closed", engine=name, error_type=type(error).__name__)


def find_engines(
    allowed: Collection[str],
    apertium_modes_dir: Path,
    *,
    probe: bool = False,
    sources: EngineSources | None = None,
) -> EngineRegistry:
    """Return the engines of the allow list that this machine has or can reach.

    With `probe`, the neural models are loaded and tried in a process of their own first, so that
    this one does not keep their memory. That takes about two seconds. No server is asked.
    """
    found_at = sources or EngineSources()
    makers: dict[str, Callable[[], Engine | None]] = {
        "bergamot": lambda: _bergamot(found_at.bergamot_threads, probe=probe),
        "apertium": lambda: _apertium(apertium_modes_dir),
        "ctranslate2": lambda: _ctranslate2(found_at),
        "libretranslate": lambda: _libretranslate(found_at),
        "deepl": lambda: _deepl(found_at),
        "chat": lambda: _chat(found_at),
    }
    found: list[Engine] = []
    for name in ENGINE_NAMES:
        if name not in allowed:
            continue
        try:
            engine = makers[name]()
        except (EngineError, OSError, subprocess.TimeoutExpired) as error:
            _log.warning("engine_left_out", engine=name, error_type=type(error).__name__)
        else:
            found += [] if engine is None else [engine]
    return EngineRegistry(found)


def _bergamot(threads: int, *, probe: bool) -> BergamotEngine:
    engine = BergamotEngine(threads=threads)
    engine.check_installation()
    if probe:
        _probe_bergamot()
    return engine


def _probe_bergamot() -> None:
    # Fixed arguments: this interpreter and a module of this package.
    outcome = subprocess.run(
        [sys.executable, "-m", "translation_worker.engines.bergamot_probe"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=_PROBE_TIMEOUT_SECONDS,
    )
    if outcome.returncode != 0:
        raise EngineError("The bergamot models fail their smoke test.")


def _apertium(modes_dir: Path) -> ApertiumEngine:
    engine = ApertiumEngine(modes_dir)
    for mode in engine.rejected_modes:
        _log.warning("apertium_mode_left_out", mode=mode)
    return engine


def _ctranslate2(sources: EngineSources) -> CTranslate2Engine | None:
    if sources.models_dir is None:
        return None
    engine = CTranslate2Engine(sources.models_dir)
    for name in engine.rejected_directories:
        _log.warning("model_left_out", model=name)
    return engine


def _libretranslate(sources: EngineSources) -> LibreTranslateEngine | None:
    if not sources.libretranslate_url:
        return None
    key_file = sources.libretranslate_key_file
    return LibreTranslateEngine(
        sources.libretranslate_url,
        "" if key_file is None else read_key(key_file),
        sources.gate,
        timeout_seconds=sources.timeout_seconds,
    )


def _deepl(sources: EngineSources) -> DeepLEngine | None:
    if sources.deepl_key_file is None:
        return None
    return DeepLEngine(
        read_key(sources.deepl_key_file),
        sources.gate,
        url=sources.deepl_url,
        timeout_seconds=sources.timeout_seconds,
    )


def _chat(sources: EngineSources) -> ChatEngine:
    return ChatEngine(
        sources.gate,
        allowed_hosts=sources.chat_hosts,
        timeout_seconds=sources.timeout_seconds,
    )
