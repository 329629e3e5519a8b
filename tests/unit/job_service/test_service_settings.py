"""Settings are checked together before anything starts."""

from pathlib import Path

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


def test_secrets_need_a_key_file_that_only_its_owner_can_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("ab" * 32)
    key_file.chmod(0o644)
    for name, value in {**GOOD, "BABELMILL_SECRETS_KEY_FILE": str(key_file)}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        load_settings(JobServiceSettings)
    said = capsys.readouterr().err
    assert "BABELMILL_SECRETS_KEY_FILE" in said
    assert "abab" not in said
    key_file.chmod(0o600)
    assert load_settings(JobServiceSettings).secret_box() is not None
    monkeypatch.delenv("BABELMILL_SECRETS_KEY_FILE")
    assert load_settings(JobServiceSettings).secret_box() is None


def test_times_of_each_kind_of_step_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"EXTRACT": "1", "TRANSLATE": "2", "TONE": "3", "RECONSTRUCT": "4", "TRANSCODE": "5"}
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    for kind, seconds in given.items():
        monkeypatch.setenv(f"BABELMILL_{kind}_TIMEOUT_SECONDS", seconds)
    timeouts = load_settings(JobServiceSettings).limits().step_timeouts
    assert [
        timeouts.extract.total_seconds(),
        timeouts.translate.total_seconds(),
        timeouts.tone.total_seconds(),
        timeouts.reconstruct.total_seconds(),
        timeouts.transcode.total_seconds(),
    ] == [1, 2, 3, 4, 5]
