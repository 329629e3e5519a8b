"""TLS between processes: certificates from files, checked when a process starts.

A server proves who it is by a certificate, and asks for one of its callers if
it is given an authority for them (mTLS). A certificate comes on top of the
token and never stands for one. gRPC speaks TLS 1.2 and 1.3 only. A server
reads its files again when they change, so that renewing a certificate ends
no connection; a client reads them when it starts.
"""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc


class BadCertificate(ValueError):
    """A file of certificates or keys cannot be used; the text names it, never its content."""


@dataclass(frozen=True, slots=True)
class ServerTls:
    """A server's certificate with its chain, its key, and who vouches for its callers."""

    certificate: Path
    key: Path
    client_authority: Path | None = None

    def check(self) -> None:
        """Read everything once. Raises BadCertificate."""
        _check_pair(self.certificate, self.key)
        if self.client_authority is not None:
            _check_authority(self.client_authority)

    def credentials(self) -> grpc.ServerCredentials:
        """Give gRPC the credentials. Raises BadCertificate."""
        self.check()
        fetch = _Renewals(self)
        # The stubs do not know that None is an answer, as gRPC documents it.
        return grpc.dynamic_ssl_server_credentials(
            fetch.first,
            fetch,  # type: ignore[arg-type]  # as said
            require_client_authentication=self.client_authority is not None,
        )

    def files(self) -> tuple[Path, ...]:
        """Name the files that it is read from."""
        return (self.certificate, self.key, *filter(None, (self.client_authority,)))

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        """Read the files as they are now. Raises BadCertificate."""
        return grpc.ssl_server_certificate_configuration(
            [(_read(self.key), _read(self.certificate))],
            root_certificates=_read(self.client_authority) if self.client_authority else None,
        )


@dataclass(frozen=True, slots=True)
class ClientTls:
    """Who vouches for the server (None: the system's authorities), and the caller's own pair."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def check(self) -> None:
        """Read everything once. Raises BadCertificate."""
        if (self.certificate is None) != (self.key is None):
            raise BadCertificate("A certificate and its key must be given together.")
        if self.authority is not None:
            _check_authority(self.authority)
        if self.certificate is not None and self.key is not None:
            _check_pair(self.certificate, self.key)

    def credentials(self) -> grpc.ChannelCredentials:
        """Give gRPC the credentials. Raises BadCertificate."""
        self.check()
        return grpc.ssl_channel_credentials(
            root_certificates=_read(self.authority) if self.authority else None,
            private_key=_read(self.key) if self.key else None,
            certificate_chain=_read(self.certificate) if self.certificate else None,
        )


class _Renewals:
    """Reads a server's files again once they have changed; gRPC asks at each handshake."""

    def __init__(self, tls: ServerTls) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._seen = self._look()
        self.first = tls.configuration()

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what is new; None goes on with what there was."""
        with self._lock:
            try:
                now = self._look()
                if now == self._seen:
                    return None
                # Half of a pair may have been written: then the next handshake tries again.
                self._tls.check()
                renewed = self._tls.configuration()
            except (BadCertificate, OSError):
                return None
            self._seen = now
            return renewed

    def _look(self) -> tuple[tuple[int, int], ...]:
        return tuple((s.st_mtime_ns, s.st_ino) for s in (p.stat() for p in self._tls.files()))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadCertificate(f"{path}: {error.strerror}") from None


def _check_pair(certificate: Path, key: Path) -> None:
    _read(certificate)
    _read(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _refuse_bad(
        # The password keeps a key that needs one from asking the terminal for it.
        lambda: context.load_cert_chain(certificate, key, password=""),
        f"{certificate} and {key} are no certificate and its key without a password.",
    )


def _check_authority(authority: Path) -> None:
    _read(authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _refuse_bad(
        lambda: context.load_verify_locations(authority), f"{authority} holds no certificates."
    )


def _refuse_bad(load: Callable[[], None], complaint: str) -> None:
    try:
        load()
    except (ssl.SSLError, ValueError):
        raise BadCertificate(complaint) from None
