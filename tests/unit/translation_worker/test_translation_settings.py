"""The translation worker's settings are checked at start."""

from pathlib import Path

import pytest

from babelmill.kit.process.settings import load_settings
from translation_worker.settings import TranslationSettings


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABELMILL_WORKER_TOKEN", "token")
    monkeypatch.setenv("BABELMILL_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("BABELMILL_ARTIFACTS", "/nowhere")


def test_all_engines_are_allowed_when_nothing_is_set() -> None:
    settings = load_settings(TranslationSettings)
    assert settings.engines == ("bergamot", "apertium")
    assert settings.apertium_modes_dir == Path("/usr/share/apertium/modes")


def test_engines_are_a_list_when_parted_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABELMILL_ENGINES", " apertium , bergamot ")
    assert load_settings(TranslationSettings).engines == ("apertium", "bergamot")


@pytest.mark.parametrize("value", ["argos", "bergamot,nonsense", ","])
def test_the_process_ends_when_an_engine_is_unknown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("BABELMILL_ENGINES", value)
    with pytest.raises(SystemExit) as ended:
        load_settings(TranslationSettings)
    assert ended.value.code == 78
    assert "BABELMILL_ENGINES" in capsys.readouterr().err
