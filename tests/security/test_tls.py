"""Both ports speak TLS with callers that show a certificate, and with nobody else."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import grpc
import httpx
import psycopg2
import pytest

from babelmill.client import Client
from babelmill.client.errors import Unavailable
from babelmill.jobs.v1 import job_service_pb2, job_service_pb2_grpc
from babelmill.kit.wire.channels import open_channel
from babelmill.kit.wire.tls import ClientTls
from babelmill.stack.postgres import EmbeddedPostgres
from babelmill.stack.valkey import EmbeddedValkey
from tests.deadlines import eventually
from tests.security.certificates import DAY, Authority
from tests.security.doors import Doors, open_doors

TLS_1_1, TLS_1_2, TLS_1_3 = (
    ssl.TLSVersion.TLSv1_1,
    ssl.TLSVersion.TLSv1_2,
    ssl.TLSVersion.TLSv1_3,
)
# What every HTTP/2 client says first, with empty settings.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
PORTS = ("clients", "workers")


@dataclass(frozen=True)
class Guarded:
    """Doors with locks, and who has keys."""

    doors: Doors
    ours: Authority
    theirs: Authority

    def address(self, port: str) -> str:
        return self.doors.grpc_address if port == "clients" else self.doors.worker_address


@pytest.fixture(scope="module")
def guarded(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    valkey_server: EmbeddedValkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    ours, theirs = Authority(folder, "ours"), Authority(folder, "theirs")
    certificate, key = map(str, ours.issue("job-service"))
    edge = ours.caller("gateway")
    environment: dict[str, str] = {
        "BABELMILL_GRPC_CA": str(edge.authority),
        "BABELMILL_GRPC_CERT": str(edge.certificate),
        "BABELMILL_GRPC_KEY": str(edge.key),
    }
    for port in ("GRPC", "WORKER_GRPC"):
        environment |= {
            f"BABELMILL_{port}_LISTEN_CERT": certificate,
            f"BABELMILL_{port}_LISTEN_KEY": key,
            f"BABELMILL_{port}_LISTEN_CLIENT_CA": str(ours.path),
        }
    with closing(psycopg2.connect(postgres_server.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE security_tls TEMPLATE {migrated_template}")
    database = postgres_server.url("security_tls")
    with open_doors(database, valkey_server.url(), folder, **environment) as opened:
        yield Guarded(opened, ours, theirs)


@contextmanager
def handshake(
    address: str,
    tls: ClientTls,
    lowest: ssl.TLSVersion = TLS_1_2,
    highest: ssl.TLSVersion = TLS_1_3,
) -> Iterator[ssl.SSLSocket]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(tls.authority)
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    context.set_alpn_protocols(["h2"])
    # Else this side would not even try the old version.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = highest
    context.minimum_version = lowest
    host, _, port = address.rpartition(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        yield secured


def answers(secured: ssl.SSLSocket) -> bool:
    """Tell whether the server says anything: under TLS 1.3 it refuses after the handshake."""
    try:
        secured.sendall(PREFACE)
        return bool(secured.recv(9))
    except (ssl.SSLError, ConnectionError):
        return False


@pytest.mark.matrix(60)
def test_calls_are_answered_when_both_sides_show_certificates(guarded: Guarded) -> None:
    doors = guarded.doors
    with Client(doors.grpc_address, doors.token, tls=guarded.ours.caller("client")) as client:
        assert list(client.list_jobs()) == []
    with open_channel(
        doors.worker_address, doors.worker_token, tls=guarded.ours.caller("worker")
    ) as channel:
        method: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/babelmill.jobs.v1.WorkerService/Heartbeat"
        )
        with pytest.raises(grpc.RpcError) as caught:
            method(b"", timeout=10)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    with doors.http() as http:
        assert http.get("/readyz").status_code == httpx.codes.OK
        assert http.get("/v1/jobs").status_code == httpx.codes.OK


@pytest.mark.matrix(60)
@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("caller", ["without TLS", "no", "another's", "expired"])
def test_call_is_refused_when_certificate_is_not_good(
    guarded: Guarded, port: str, caller: str
) -> None:
    ours, theirs = guarded.ours, guarded.theirs
    tls = {
        "without TLS": None,
        "no": ClientTls(ours.path),
        "another's": ClientTls(ours.path, *theirs.issue("intruder")),
        "expired": ours.caller("late", lasts=-DAY),
    }[caller]
    if tls is None:
        channel = grpc.insecure_channel(guarded.address(port))
    else:
        channel = grpc.secure_channel(guarded.address(port), tls.credentials())
        with handshake_or_none(guarded.address(port), tls) as secured:
            assert secured is None or not answers(secured)
    with channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.ListJobs(
                job_service_pb2.ListJobsRequest(), metadata=guarded.doors.client, timeout=10
            )
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@contextmanager
def handshake_or_none(address: str, tls: ClientTls) -> Iterator[ssl.SSLSocket | None]:
    try:
        with handshake(address, tls) as secured:
            yield secured
    except (ssl.SSLError, ConnectionError):
        yield None


@pytest.mark.matrix(60)
@pytest.mark.parametrize("port", PORTS)
# The old version is asked for on purpose.
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_handshake_is_refused_when_tls_is_older_than_1_2(guarded: Guarded, port: str) -> None:
    tls = guarded.ours.caller("elderly")
    with (
        pytest.raises(ssl.SSLError),
        handshake(guarded.address(port), tls, TLS_1_1, TLS_1_1) as secured,
    ):
        raise AssertionError(secured.version())
    for version in (TLS_1_2, TLS_1_3):
        with handshake(guarded.address(port), tls, version, version) as secured:
            assert answers(secured)


@pytest.mark.matrix(60)
@pytest.mark.parametrize("server", ["another's authority", "the system's authorities"])
def test_client_sends_no_token_when_nobody_vouches_for_the_server(
    guarded: Guarded, server: str
) -> None:
    tls = ClientTls(guarded.theirs.path if server == "another's authority" else None)
    with (
        Client(guarded.doors.grpc_address, guarded.doors.token, tls=tls) as client,
        pytest.raises(Unavailable),
    ):
        client.languages()


def test_renewed_certificate_is_shown_when_files_have_changed(guarded: Guarded) -> None:
    tls = guarded.ours.caller("patient")

    def shown() -> bytes:
        with handshake(guarded.doors.grpc_address, tls) as secured:
            return secured.getpeercert(binary_form=True) or b""

    before = shown()
    with Client(guarded.doors.grpc_address, guarded.doors.token, tls=tls) as client:
        client.languages()
        guarded.ours.issue("job-service")
        eventually(lambda: shown() != before)
        # A connection that was there before goes on.
        client.languages()
