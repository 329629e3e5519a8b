"""An operator keeps users and tokens by the command, and their holders feel it."""

import json
import subprocess
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from babelmill.client import AsyncClient, Client
from babelmill.client.errors import PermissionDenied, Unauthenticated
from tests.acceptance.conftest import BIN, Stack
from tests.deadlines import eventually


def admin(stack: Stack, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "babelmill", "admin", *arguments],
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def done(stack: Stack, *arguments: str | Path) -> str:
    finished = admin(stack, *arguments)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


@pytest.mark.row("S0.7")
def test_users_and_tokens_are_kept_when_the_command_is_used(stack: Stack, tmp_path: Path) -> None:
    tenant = f"mill-{uuid4().hex[:8]}"
    file = tmp_path / "ana.token"
    done(stack, "tenants", "create", tenant)
    done(stack, "users", "create", tenant, "ana")
    done(
        stack,
        *("tokens", "create", tenant, "--user", "ana", "--label", "laptop"),
        *("--expires-in", "30d", "--token-file", file),
    )
    secret = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600

    with Client(stack.grpc, secret) as ana:
        job = ana.translate_text("Good morning.", "en", ["pt"])
        assert ana.wait(job.job_id, timeout_seconds=60).targets[0].text
        with pytest.raises(PermissionDenied):
            ana.create_tenant("another")
    listed = [
        json.loads(line)
        for line in done(stack, "tokens", "list", "--tenant", tenant, "--json").splitlines()
    ]
    assert [(t["user"], t["label"], t["role"]) for t in listed] == [
        ("ana", "laptop", "ROLE_CLIENT")
    ]
    assert secret.startswith(listed[0]["prefix"])
    assert listed[0]["expire_time"]

    # Without its rest, and before anybody has asked for it again.
    done(stack, "tokens", "revoke", listed[0]["prefix"])
    with Client(stack.grpc, secret) as ana, pytest.raises(Unauthenticated):
        ana.get_job(job.job_id)
    refused = httpx.get(
        f"{stack.http}/v1/jobs/{job.job_id}", headers={"Authorization": f"Bearer {secret}"}
    )
    assert refused.status_code == 401
    assert done(stack, "tokens", "list", "--tenant", tenant, "--valid") == ""

    told = done(stack, "audit", "--tenant", tenant)
    assert [line.split("\t")[2] for line in told.splitlines()] == [
        "token.revoke",
        "token.create",
        "user.create",
        "tenant.create",
    ]
    assert secret not in told
    logs = [log.read_text() for log in (stack.home / "logs").iterdir()]
    assert logs
    assert not any(secret in log for log in logs)


async def test_accounts_are_kept_when_a_program_is_asynchronous(stack: Stack) -> None:
    tenant = f"mill-{uuid4().hex[:8]}"
    operator = stack.values["BABELMILL_OPERATOR_TOKEN"]
    async with AsyncClient(stack.grpc, operator) as client:
        await client.create_tenant(tenant)
        await client.create_user(tenant, "bo", role="operator")
        made = [await client.create_token(tenant, user="bo") for _ in range(3)]
        listed = [token.token_id async for token in client.tokens(tenant, page_size=2)]
        assert sorted(listed) == sorted(each.token.token_id for each in made)
        assert [user.name async for user in client.users(tenant)] == ["bo"]
        assert (await client.disable_tenant(tenant)).HasField("disable_time")
        async with AsyncClient(stack.grpc, made[0].secret) as disabled:
            with pytest.raises(Unauthenticated):
                await disabled.languages()
        assert not (await client.enable_tenant(tenant)).HasField("disable_time")


def test_command_is_refused_when_token_is_no_operators(stack: Stack) -> None:
    environment = {**stack.environment(), "BABELMILL_OPERATOR_TOKEN": stack.token}
    refused = subprocess.run(
        [BIN / "babelmill", "admin", "tenants", "list"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 4
    assert "WRONG_ROLE" in refused.stderr
    eventually(
        lambda: "ListTenants" in done(stack, "audit", "--action", "call.refused"),
        timeout_seconds=10,
    )
