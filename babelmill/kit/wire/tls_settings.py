"""How a process is told of its certificates: fields to mix into its settings."""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from babelmill.kit.process.settings import Settings
from babelmill.kit.wire.tls import ClientTls, ServerTls


class JobServiceTlsSettings(Settings):
    """For who dials the port of clients. TLS is on with an authority, or with grpc_tls."""

    # With the system's authorities; name an authority of your own instead.
    grpc_tls: bool = False
    grpc_ca: Path | None = None
    # Where the server asks for the caller's certificate.
    grpc_cert: Path | None = None
    grpc_key: Path | None = None

    @model_validator(mode="after")
    def _check_grpc_tls(self) -> Self:
        tls = self.tls_to_job_service()
        if tls is not None:
            tls.check()
        return self

    def tls_to_job_service(self) -> ClientTls | None:
        """Give what to dial with; None is without TLS."""
        return client_tls(self.grpc_tls, self.grpc_ca, self.grpc_cert, self.grpc_key)


class WorkerTlsSettings(Settings):
    """For who dials the port of workers."""

    worker_grpc_tls: bool = False
    worker_grpc_ca: Path | None = None
    worker_grpc_cert: Path | None = None
    worker_grpc_key: Path | None = None

    @model_validator(mode="after")
    def _check_worker_grpc_tls(self) -> Self:
        tls = self.tls_to_job_service()
        if tls is not None:
            tls.check()
        return self

    def tls_to_job_service(self) -> ClientTls | None:
        """Give what to dial with; None is without TLS."""
        return client_tls(
            self.worker_grpc_tls, self.worker_grpc_ca, self.worker_grpc_cert, self.worker_grpc_key
        )


class ListeningTlsSettings(Settings):
    """For the two ports of the job service, each with or without."""

    grpc_listen_cert: Path | None = None
    grpc_listen_key: Path | None = None
    # Who vouches for callers; with it, each must show a certificate (mTLS).
    grpc_listen_client_ca: Path | None = None
    worker_grpc_listen_cert: Path | None = None
    worker_grpc_listen_key: Path | None = None
    worker_grpc_listen_client_ca: Path | None = None

    @model_validator(mode="after")
    def _check_listening_tls(self) -> Self:
        for tls in (self.tls_for_clients(), self.tls_for_workers()):
            if tls is not None:
                tls.check()
        return self

    def tls_for_clients(self) -> ServerTls | None:
        """Give what the port of clients shows; None is without TLS."""
        return server_tls(self.grpc_listen_cert, self.grpc_listen_key, self.grpc_listen_client_ca)

    def tls_for_workers(self) -> ServerTls | None:
        """Give what the port of workers shows; None is without TLS."""
        return server_tls(
            self.worker_grpc_listen_cert,
            self.worker_grpc_listen_key,
            self.worker_grpc_listen_client_ca,
        )


class HttpTlsSettings(Settings):
    """For the gateway's own port, where nothing in front of it speaks TLS."""

    http_listen_cert: Path | None = None
    http_listen_key: Path | None = None
    http_listen_client_ca: Path | None = None

    @model_validator(mode="after")
    def _check_http_tls(self) -> Self:
        tls = self.tls_for_http()
        if tls is not None:
            tls.check()
        return self

    def tls_for_http(self) -> ServerTls | None:
        """Give what the port shows; None is without TLS."""
        return server_tls(self.http_listen_cert, self.http_listen_key, self.http_listen_client_ca)


def client_tls(
    on: bool, authority: Path | None, certificate: Path | None, key: Path | None
) -> ClientTls | None:
    """Put a caller's files together; None where nothing asks for TLS."""
    if not on and authority is None and certificate is None and key is None:
        return None
    return ClientTls(authority, certificate, key)


def server_tls(
    certificate: Path | None, key: Path | None, client_authority: Path | None
) -> ServerTls | None:
    """Put a server's files together. Raises ValueError when some are missing."""
    if certificate is None and key is None and client_authority is None:
        return None
    if certificate is None or key is None:
        raise ValueError("a certificate and its key must be given together")
    return ServerTls(certificate, key, client_authority)
