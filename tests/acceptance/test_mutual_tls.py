"""A whole stack in which every connection is by TLS and every caller shows a certificate."""

import ssl
import subprocess
from pathlib import Path

import grpc
import httpx
import pytest

from babelmill.client import Client
from babelmill.client.errors import Unavailable
from babelmill.kit.wire.tls import ClientTls
from babelmill.stack.environment import read_environment
from tests.acceptance.conftest import BIN, Stack, run_stack, stack_environment
from tests.security.certificates import Authority


@pytest.mark.slow
@pytest.mark.matrix(60)
def test_jobs_are_done_when_every_process_shows_a_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    ca = str(authority.path)
    server, edge, worker = map(authority.issue, ("job-service", "edge", "worker"))
    more: dict[str, str] = {"BABELMILL_GRPC_CA": ca, "BABELMILL_WORKER_GRPC_CA": ca}
    for prefix, (certificate, key) in {
        "GRPC_LISTEN": server,
        "WORKER_GRPC_LISTEN": server,
        "HTTP_LISTEN": edge,
        "GRPC": edge,
        "WORKER_GRPC": worker,
    }.items():
        more[f"BABELMILL_{prefix}_CERT"] = str(certificate)
        more[f"BABELMILL_{prefix}_KEY"] = str(key)
    for port in ("GRPC", "WORKER_GRPC"):
        more[f"BABELMILL_{port}_LISTEN_CLIENT_CA"] = ca
    home = tmp_path / "stack"
    environment = stack_environment(home, **more)
    started = run_stack("up", environment)
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        use(Stack(home, read_environment(home)), authority)
    finally:
        stopped = run_stack("down", environment)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr


def use(stack: Stack, authority: Authority) -> None:
    done = subprocess.run(
        [BIN / "babelmill", "translate", "Good morning.", "--from", "en", "--to", "pt"],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "bom dia" in done.stdout.lower(), done.stderr
    assert stack.http.startswith("https://")
    trust = ssl.create_default_context(cafile=authority.path)
    header = {"Authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.http, verify=trust, headers=header, timeout=30) as http:
        assert http.get("/readyz").status_code == httpx.codes.OK
        assert len(http.get("/v1/jobs").json()["jobs"]) == 1
    # With a token but no certificate nobody is let in, on either port.
    bare = ClientTls(authority.path)
    with Client(stack.grpc, stack.token, tls=bare) as client, pytest.raises(Unavailable):
        client.languages()
    with grpc.secure_channel(stack.worker_grpc, bare.credentials()) as channel:
        heartbeat: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/babelmill.jobs.v1.WorkerService/Heartbeat"
        )
        shown = (("authorization", f"Bearer {stack.worker_token}"),)
        with pytest.raises(grpc.RpcError) as refused:
            heartbeat(b"", metadata=shown, timeout=10)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
