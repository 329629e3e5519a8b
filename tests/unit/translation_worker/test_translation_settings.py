"""The translation worker's settings are checked at start."""

from pathlib import Path

import pytest

from babelmill.kit.process.settings import load_settings
from translation_worker.engines.registry import ENGINE_NAMES
from translation_worker.rate_limits import EngineRates, Rate, parse_rates
from translation_worker.settings import TranslationSettings


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABELMILL_WORKER_TOKEN", "token")
    monkeypatch.setenv("BABELMILL_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("BABELMILL_ARTIFACTS", "/nowhere")


def test_all_engines_are_allowed_when_nothing_is_set() -> None:
    settings = load_settings(TranslationSettings)
    assert settings.engines == ENGINE_NAMES
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


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BABELMILL_ENGINE_RATES", "deepl=fast"),
        ("BABELMILL_ENGINE_RATES", "deepl=0/min"),
        ("BABELMILL_ENGINE_RATES", "nonsense=1/min"),
        ("BABELMILL_DEEPL_URL", "api.deepl.com"),
        ("BABELMILL_LIBRETRANSLATE_URL", "file:///etc/passwd"),
        ("BABELMILL_ENGINE_TIMEOUT_SECONDS", "0"),
    ],
)
def test_the_process_ends_when_a_setting_of_the_engines_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit):
        load_settings(TranslationSettings)
    assert variable in capsys.readouterr().err


def test_rates_and_hosts_are_lists_when_parted_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABELMILL_ENGINE_RATES", "deepl=10/min, deepl=5000chars/h,chat=2/s")
    monkeypatch.setenv("BABELMILL_CHAT_HOSTS", "localhost:11434, 10.0.0.7")
    settings = load_settings(TranslationSettings)
    rates = parse_rates(settings.engine_rates)
    assert rates["deepl"] == EngineRates(Rate(10, 60), Rate(5000, 3600))
    assert rates["chat"] == EngineRates(Rate(2, 1))
    assert settings.engine_sources().chat_hosts == ("localhost:11434", "10.0.0.7")
