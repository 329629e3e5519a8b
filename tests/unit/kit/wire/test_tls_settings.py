"""Certificates are checked when settings are read, and their contents never shown."""

from pathlib import Path

import pytest

from babelmill.client.endpoint import Surroundings
from babelmill.kit.process.settings import load_settings
from babelmill.kit.wire.tls import BadCertificate, ClientTls, ServerTls
from babelmill.kit.wire.tls_settings import JobServiceTlsSettings, ListeningTlsSettings
from tests.security.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


def test_there_is_no_tls_when_nothing_is_said() -> None:
    assert JobServiceTlsSettings().tls_to_job_service() is None
    assert ListeningTlsSettings().tls_for_clients() is None
    assert ListeningTlsSettings().tls_for_workers() is None


def test_tls_is_on_when_asked_for_with_the_systems_authorities() -> None:
    assert JobServiceTlsSettings(grpc_tls=True).tls_to_job_service() == ClientTls()


@pytest.mark.parametrize("wrong", ["missing", "another key", "no key", "empty", "half a pair"])
def test_start_is_refused_when_files_are_no_pair(
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: str,
) -> None:
    certificate, _ = authority.issue("service")
    other = authority.issue("other")[1]
    empty = tmp_path / "empty"
    empty.touch()
    chosen = {
        "missing": tmp_path / "nowhere",
        "another key": other,
        "no key": certificate,
        "empty": empty,
    }.get(wrong)
    monkeypatch.setenv("BABELMILL_GRPC_LISTEN_CERT", str(certificate))
    if chosen is not None:
        monkeypatch.setenv("BABELMILL_GRPC_LISTEN_KEY", str(chosen))
    with pytest.raises(SystemExit) as caught:
        load_settings(ListeningTlsSettings)
    assert caught.value.code == 78
    complaint = capsys.readouterr().err
    assert "PRIVATE KEY" not in complaint
    assert (str(chosen) if chosen is not None else "given together") in complaint


def test_authority_is_refused_when_it_holds_no_certificate(
    authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("service")
    junk = tmp_path / "junk"
    junk.write_text("no certificate")
    for tls in (ClientTls(junk), ServerTls(certificate, key, junk)):
        with pytest.raises(BadCertificate, match="junk"):
            tls.check()


def test_certificates_of_the_file_are_used_when_the_address_is_its_own(tmp_path: Path) -> None:
    (tmp_path / ".babelmill").mkdir()
    (tmp_path / ".babelmill" / "env").write_text(
        "BABELMILL_GRPC=127.0.0.1:1\nBABELMILL_TOKEN=t\nBABELMILL_GRPC_CA=/ca.pem\n"
    )
    found = Surroundings({}, tmp_path)
    assert found.endpoint().tls == ClientTls(Path("/ca.pem"))
    assert found.endpoint("127.0.0.1:2").tls is None
    told = Surroundings({"BABELMILL_GRPC_TLS": "1"}, tmp_path)
    assert told.endpoint("127.0.0.1:2").tls == ClientTls()
