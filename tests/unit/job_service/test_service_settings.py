"""Settings are checked together before anything starts."""

import pytest

from babelmill.kit.process.settings import load_settings
from job_service.settings import JobServiceSettings

GOOD = {
    "BABELMILL_DATABASE_URL": "postgresql://u:hunter2@h/d",
    "BABELMILL_REDIS_URL": "redis://h:6379/0",
    "BABELMILL_ARTIFACTS": "/tmp/a",
}


def test_settings_have_safe_defaults_when_only_the_needed_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(JobServiceSettings)
    assert settings.grpc_listen == "127.0.0.1:50051"
    assert settings.worker_grpc_listen == "127.0.0.1:50052"
    assert settings.limits().lease_ttl.total_seconds() == 30
    assert "hunter2" not in repr(settings)


def test_every_wrong_variable_is_named_when_several_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BABELMILL_DATABASE_URL", "mysql://u:hunter2@h/d")
    monkeypatch.setenv("BABELMILL_GRPC_LISTEN", "nowhere")
    monkeypatch.setenv("BABELMILL_MAX_WAITING_JOBS", "-1")
    with pytest.raises(SystemExit) as caught:
        load_settings(JobServiceSettings)
    assert caught.value.code == 78
    said = capsys.readouterr().err
    for name in ("DATABASE_URL", "REDIS_URL", "ARTIFACTS", "GRPC_LISTEN", "MAX_WAITING_JOBS"):
        assert f"BABELMILL_{name}" in said
    assert "hunter2" not in said


def test_heartbeats_are_refused_when_too_rare_for_the_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {**GOOD, "BABELMILL_HEARTBEAT_SECONDS": "11"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        load_settings(JobServiceSettings)
