"""One broken engine never takes the others away."""

from pathlib import Path

import pytest

from tests.unit.translation_worker.scripted_engine import PAIR, ScriptedEngine
from translation_worker.engines import bergamot
from translation_worker.engines.engine import EngineUnavailableError
from translation_worker.engines.registry import EngineRegistry, find_engines


def test_bergamot_alone_is_found_when_apertium_has_no_modes(tmp_path: Path) -> None:
    assert list(find_engines(["bergamot", "apertium"], tmp_path)) == ["bergamot"]


def test_an_engine_is_left_out_when_it_is_not_allowed(tmp_path: Path) -> None:
    assert list(find_engines(["apertium"], tmp_path)) == []


def test_bergamot_is_left_out_when_its_version_is_not_the_known_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bergamot, "PACKAGE_VERSION", "9.9.9")
    assert list(find_engines(["bergamot"], tmp_path)) == []


def test_bergamot_refuses_a_model_when_its_bytes_are_not_the_known_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {pair: (path, "0" * 64) for pair, (path, _) in bergamot._MODEL_SHA256.items()}
    monkeypatch.setattr(bergamot, "_MODEL_SHA256", known)
    engine = bergamot.BergamotEngine()
    with pytest.raises(EngineUnavailableError):
        engine.translate(["Hello."], next(iter(known)), lambda: None)


def test_every_engine_is_closed_when_one_fails_to() -> None:
    class Stubborn(ScriptedEngine):
        name = "stubborn"

        def close(self) -> None:
            raise OSError

    stubborn, other = Stubborn(lambda text: text), ScriptedEngine(lambda text: text)
    registry = EngineRegistry([stubborn, other])
    registry.close()
    assert other.closed
    assert registry.direct_pairs()["scripted"] == frozenset({PAIR})
