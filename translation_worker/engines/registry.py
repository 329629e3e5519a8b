"""Engine registry: which engines work on this machine.

An engine that is broken or missing is logged and left out; it never keeps the others from
working, nor the process from starting.
"""

import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import structlog

from translation_worker.engines.apertium import ApertiumEngine
from translation_worker.engines.bergamot import BergamotEngine
from translation_worker.engines.engine import Engine, EngineError, LanguagePair

ENGINE_NAMES = ("bergamot", "apertium")
_PROBE_TIMEOUT_SECONDS = 120.0

_log = structlog.stdlib.get_logger(__name__)


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
    allowed: Collection[str], apertium_modes_dir: Path, *, probe: bool = False
) -> EngineRegistry:
    """Return the engines of the allow list that this machine has.

    With `probe`, the neural models are loaded and tried in a process of their own first, so that
    this one does not keep their memory. That takes about two seconds.
    """
    makers: dict[str, Callable[[], Engine]] = {
        "bergamot": lambda: _bergamot(probe=probe),
        "apertium": lambda: _apertium(apertium_modes_dir),
    }
    found: list[Engine] = []
    for name in ENGINE_NAMES:
        if name not in allowed:
            continue
        try:
            found.append(makers[name]())
        except (EngineError, OSError, subprocess.TimeoutExpired) as error:
            _log.warning("engine_left_out", engine=name, error_type=type(error).__name__)
    return EngineRegistry(found)


def _bergamot(*, probe: bool) -> BergamotEngine:
    engine = BergamotEngine()
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
