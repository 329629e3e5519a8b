"""Fetching from a real server: what comes through, and what ends in its own failure."""

import datetime
import logging
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from babelmill.kit.wire.checked_connections import Allowance, CheckedBackend
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.outcome import StepFailure
from tests.unit.translation_worker.sources.web import PAGE, Web, running_web, source_settings
from translation_worker.sources import fetching
from translation_worker.sources.fetching import Fetched, fetch

_LOCAL = ("127.0.0.1",)


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with running_web() as server:
        yield server


def _fetch(url: str, tmp_path: Path, **values: object) -> Fetched:
    settings = source_settings(tmp_path, **{"fetch_hosts": _LOCAL, **values})
    return fetch(url, tmp_path / "fetched", settings, lambda: None)


def _failure(url: str, tmp_path: Path, **values: object) -> StepFailure:
    with pytest.raises(StepFailure) as failed:
        _fetch(url, tmp_path, **values)
    assert "127.0.0.1" not in failed.value.message
    return failed.value


def test_page_is_written_when_the_operator_allows_the_host(web: Web, tmp_path: Path) -> None:
    fetched = _fetch(web.url("page.html?q=1"), tmp_path)
    assert fetched == Fetched("page.html", "text/html", web.url("page.html?q=1"), "utf-8")
    assert (tmp_path / "fetched").read_bytes() == PAGE
    path, headers = web.seen[-1]
    assert path == "/page.html?q=1"
    assert headers["host"] == f"127.0.0.1:{web.port}"
    assert not {"cookie", "authorization", "referer"} & set(headers)


@pytest.mark.matrix(45)
def test_address_is_not_logged_when_everything_is(
    web: Web, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        _fetch(web.url("page.html?private"), tmp_path)
        _failure(web.url("garbage/private"), tmp_path)
    assert "private" not in caplog.text
    assert str(web.port) not in caplog.text


def test_page_is_unpacked_when_it_comes_packed(web: Web, tmp_path: Path) -> None:
    _fetch(web.url("gzip"), tmp_path)
    assert (tmp_path / "fetched").read_bytes() == PAGE


def test_text_is_utf8_when_the_server_names_another_encoding(web: Web, tmp_path: Path) -> None:
    assert _fetch(web.url("latin.txt"), tmp_path).charset == "latin-1"
    assert (tmp_path / "fetched").read_text("utf-8") == "coração"


@pytest.mark.matrix(42)
def test_redirects_are_followed_when_they_are_three(web: Web, tmp_path: Path) -> None:
    assert _fetch(web.url("again/3"), tmp_path).final_url == web.url("page.html")
    failure = _failure(web.url("again/4"), tmp_path)
    assert failure.reason is FailureReason.URL_REFUSED
    assert failure.metadata["cause"] == "REDIRECTS"


@pytest.mark.matrix(41)
def test_nothing_is_asked_when_the_host_is_not_allowed(web: Web, tmp_path: Path) -> None:
    asked = len(web.seen)
    failure = _failure(web.url("page.html"), tmp_path, fetch_hosts=())
    assert failure.reason is FailureReason.URL_REFUSED
    assert not failure.retryable
    assert len(web.seen) == asked


@pytest.mark.matrix(42)
@pytest.mark.parametrize(
    "place",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://0x7f000001/",
        "file:///etc/passwd",
        "http://user:secret@example.com/",
        "//192.168.0.1/",
        "http://[bad/",
    ],
)
def test_redirect_is_refused_when_it_leads_where_the_client_must_not(
    place: str, web: Web, tmp_path: Path
) -> None:
    asked = len(web.seen)
    failure = _failure(web.url("to/") + place, tmp_path)
    assert failure.reason is FailureReason.URL_REFUSED
    assert len(web.seen) == asked + 1
    assert "secret" not in str(failure)


@pytest.mark.parametrize(
    ("status", "reason", "retryable"),
    [
        (404, FailureReason.URL_NOT_FOUND, False),
        (403, FailureReason.URL_NOT_FOUND, False),
        (410, FailureReason.URL_NOT_FOUND, False),
        (204, FailureReason.URL_UNAVAILABLE, False),
        (429, FailureReason.URL_UNAVAILABLE, True),
        (500, FailureReason.URL_UNAVAILABLE, True),
        (503, FailureReason.URL_UNAVAILABLE, True),
    ],
)
def test_status_has_its_reason_when_it_is_not_ok(
    status: int, reason: FailureReason, retryable: bool, web: Web, tmp_path: Path
) -> None:
    failure = _failure(web.url(f"status/{status}"), tmp_path)
    assert (failure.reason, failure.retryable) == (reason, retryable)
    assert failure.metadata == {"http_status": str(status)}
    assert failure.retry_after_seconds == (7.0 if status == 503 else None)


@pytest.mark.matrix(44)
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("announced", FailureReason.URL_TOO_LARGE),
        ("endless", FailureReason.URL_TOO_LARGE),
        ("bomb", FailureReason.URL_TOO_LARGE),
        ("dripping", FailureReason.URL_TOO_LARGE),
        ("headers", FailureReason.URL_TOO_LARGE),
        ("silent", FailureReason.URL_TOO_LARGE),
        ("garbled", FailureReason.URL_UNAVAILABLE),
        ("cut", FailureReason.URL_UNAVAILABLE),
        ("packed_cut", FailureReason.URL_UNAVAILABLE),
        ("brotli", FailureReason.URL_UNAVAILABLE),
        ("garbage", FailureReason.URL_UNAVAILABLE),
        ("picture", FailureReason.UNSUPPORTED_FORMAT),
    ],
)
def test_failure_has_its_reason_and_comes_in_time_when_the_server_misbehaves(
    path: str, reason: FailureReason, web: Web, tmp_path: Path
) -> None:
    started = time.monotonic()
    failure = _failure(web.url(path), tmp_path, fetch_timeout_seconds=1)
    assert failure.reason is reason
    assert time.monotonic() - started < 5
    fetched = tmp_path / "fetched"
    assert not fetched.exists() or fetched.stat().st_size <= 1024 * 1024


@pytest.mark.matrix(44)
def test_server_is_too_slow_when_it_keeps_below_the_least_rate(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "RATE_FREE_SECONDS", 0.2)
    started = time.monotonic()
    failure = _failure(web.url("dripping"), tmp_path, fetch_timeout_seconds=60)
    assert failure.reason is FailureReason.URL_TOO_LARGE
    assert time.monotonic() - started < 20


def test_fetch_ends_when_the_work_is_stopped(web: Web, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    started = time.monotonic()

    def stop() -> None:
        if time.monotonic() - started > 0.3:
            raise StoppedError

    settings = source_settings(tmp_path, fetch_hosts=_LOCAL, fetch_timeout_seconds=60)
    with pytest.raises(StoppedError):
        fetch(web.url("dripping"), tmp_path / "fetched", settings, stop)


def test_server_is_unavailable_when_nobody_listens(tmp_path: Path) -> None:
    with running_web() as gone:
        url = gone.url("page.html")
    assert _failure(url, tmp_path).reason is FailureReason.URL_UNAVAILABLE


@pytest.mark.matrix(43)
def test_checked_address_is_dialled_when_the_name_changes_its_mind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that is public when it is judged and private a moment later leads nowhere."""
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    dialled: list[str] = []

    def record(_self: object, host: str, *_rest: object, **_options: object) -> None:
        dialled.append(host)
        raise httpcore.ConnectError

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", record)
    backend = CheckedBackend(
        Allowance(5, lambda: None), resolver=lambda _host, _port: answers.pop(0)
    )
    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp("rebound.example", 80)
    assert dialled == ["93.184.216.34"]
    assert len(answers) == 1


@pytest.mark.matrix(43)
def test_name_is_kept_in_tls_and_host_when_the_address_is_dialled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate("secure.example", tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(fetching, "_tls", lambda: trusting)
    with running_web(certificate) as web:
        settings = source_settings(tmp_path, fetch_hosts=("secure.example", "other.example"))
        url = web.url("page.html", "secure.example", "https")
        fetched = fetch(
            url, tmp_path / "fetched", settings, lambda: None, resolver=lambda _h, _p: ["127.0.0.1"]
        )
        assert fetched.final_url == url
        assert web.names == ["secure.example"]
        assert web.seen[0][1]["host"] == f"secure.example:{web.port}"
        with pytest.raises(StepFailure) as failed:
            fetch(
                web.url("page.html", "other.example", "https"),
                tmp_path / "fetched",
                settings,
                lambda: None,
                resolver=lambda _h, _p: ["127.0.0.1"],
            )
        assert failed.value.metadata == {"cause": "TLS"}
        assert not failed.value.retryable


def _certificate(host: str, folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
