"""Operators keep tenants, users and tokens; nobody else does, and all of it is recorded."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import psycopg2
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from babelmill.jobs.v1 import (
    account_pb2,
    admin_service_pb2,
    artifact_service_pb2,
    audit_entry_pb2,
    job_service_pb2,
    queue_service_pb2,
)
from tests.integration.job_service_house import House, Metadata, bearer, open_house, refusal

CREATE_TOKEN = admin_service_pb2.CreateTokenRequest
METHODS = [
    method.name for method in admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"].methods
]


@pytest.fixture
async def house(
    database_url: str, redis_url: str, artifacts_directory: Path
) -> AsyncIterator[House]:
    # What is remembered for thirty seconds is remembered for a third of one.
    async with open_house(
        database_url, redis_url, artifacts_directory, token_memory_seconds=0.3
    ) as opened:
        yield opened


async def new_token(house: House, **fields: object) -> tuple[account_pb2.Token, Metadata]:
    request = CREATE_TOKEN(**fields)  # type: ignore[arg-type]  # fields by name
    made = await house.admin.CreateToken(request, metadata=house.operator)
    return made.token, bearer(made.secret)


async def lists_jobs(house: House, token: Metadata) -> bool:
    try:
        await house.jobs.ListJobs(job_service_pb2.ListJobsRequest(), metadata=token)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
            raise
        return False
    return True


async def entries(house: House, **fields: str) -> list[audit_entry_pb2.AuditEntry]:
    request = admin_service_pb2.ListAuditEntriesRequest(**fields)  # type: ignore[arg-type]  # as above
    return list((await house.admin.ListAuditEntries(request, metadata=house.operator)).entries)


async def test_tenant_user_and_token_are_kept_when_operator_makes_them(house: House) -> None:
    tenant = await house.admin.CreateTenant(
        admin_service_pb2.CreateTenantRequest(name="mill"), metadata=house.operator
    )
    user = await house.admin.CreateUser(
        admin_service_pb2.CreateUserRequest(tenant="mill", name="ana@mill.example"),
        metadata=house.operator,
    )
    token, shown = await new_token(house, tenant="mill", user="ana@mill.example", label="laptop")

    assert tenant.tenant.name == "mill"
    assert (user.user.tenant, user.user.role) == ("mill", account_pb2.ROLE_CLIENT)
    assert (token.user, token.label, token.role) == (
        "ana@mill.example",
        "laptop",
        account_pb2.ROLE_CLIENT,
    )
    assert await lists_jobs(house, shown)
    secret = shown[0][1].removeprefix("Bearer ")
    assert secret.startswith(token.prefix)
    assert len(token.prefix) == len("babelmill_client_") + 6
    # By its prefix, and by the whole of one that was found somewhere.
    for text in (token.prefix[:-2], token.prefix, secret):
        found = await house.admin.ListTokens(
            admin_service_pb2.ListTokensRequest(prefix=text), metadata=house.operator
        )
        assert [each.token_id for each in found.tokens] == [token.token_id]
    told = await entries(house, tenant="mill")
    assert [each.action for each in told] == ["token.create", "user.create", "tenant.create"]
    assert told[0].actor == "operators"
    assert told[0].subject == f"token/{token.token_id}"
    assert told[0].details["prefix"] == token.prefix
    assert secret not in str(told)


async def test_name_is_refused_when_taken_or_malformed(house: House) -> None:
    create = admin_service_pb2.CreateTenantRequest
    taken = await refusal(house.admin.CreateTenant(create(name="ours"), metadata=house.operator))
    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "TENANT_EXISTS")
    for name in ("", "Ours", "../x", "a b", "x" * 64, "é", "a\x00"):
        wrong = await refusal(house.admin.CreateTenant(create(name=name), metadata=house.operator))
        assert wrong.code is grpc.StatusCode.INVALID_ARGUMENT, name
    unknown = admin_service_pb2.CreateUserRequest(tenant="nobody", name="x")
    details = await refusal(house.admin.CreateUser(unknown, metadata=house.operator))
    assert (details.code, details.reason) == (grpc.StatusCode.NOT_FOUND, "TENANT_NOT_FOUND")


@pytest.mark.matrix(18)
async def test_every_method_is_refused_and_recorded_when_caller_is_no_operator(
    house: House,
) -> None:
    for name in METHODS:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = house.client_channel.unary_unary(
            f"/babelmill.jobs.v1.AdminService/{name}"
        )
        for token in (house.client, house.worker):
            details = await refusal(method(b"", metadata=token))
            assert (details.code, details.reason) == (
                grpc.StatusCode.PERMISSION_DENIED,
                "WRONG_ROLE",
            ), name
        assert (await refusal(method(b"", metadata=()))).code is grpc.StatusCode.UNAUTHENTICATED
    async with asyncio.timeout(10):
        while len(told := await entries(house, action="call.refused")) < len(METHODS):
            await asyncio.sleep(0.05)
    assert {each.subject for each in told} == {
        f"method/babelmill.jobs.v1.AdminService/{name}" for name in METHODS
    }
    assert {each.actor for each in told} == {"ours"}


async def test_role_is_refused_when_the_users_own_is_lower(house: House) -> None:
    await house.admin.CreateUser(
        admin_service_pb2.CreateUserRequest(tenant="ours", name="ana"), metadata=house.operator
    )
    for role in (account_pb2.ROLE_OPERATOR, account_pb2.ROLE_WORKER):
        request = CREATE_TOKEN(tenant="ours", user="ana", role=role)
        details = await refusal(house.admin.CreateToken(request, metadata=house.operator))
        assert (details.code, details.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "ROLE_TOO_HIGH",
        )


async def test_tokens_end_and_return_when_their_user_or_tenant_is_switched(house: House) -> None:
    await house.admin.CreateUser(
        admin_service_pb2.CreateUserRequest(tenant="ours", name="ana"), metadata=house.operator
    )
    _, hers = await new_token(house, tenant="ours", user="ana")
    assert await lists_jobs(house, hers)

    named = {"tenant": "ours", "name": "ana"}
    await house.admin.DisableUser(
        admin_service_pb2.DisableUserRequest(**named), metadata=house.operator
    )
    assert not await lists_jobs(house, hers)
    assert await lists_jobs(house, house.client)
    await house.admin.EnableUser(
        admin_service_pb2.EnableUserRequest(**named), metadata=house.operator
    )
    assert await lists_jobs(house, hers)

    switched = await house.admin.DisableTenant(
        admin_service_pb2.DisableTenantRequest(name="ours"), metadata=house.operator
    )
    assert switched.tenant.HasField("disable_time")
    assert not await lists_jobs(house, hers)
    assert not await lists_jobs(house, house.client)
    assert await lists_jobs(house, house.other_client)
    await house.admin.EnableTenant(
        admin_service_pb2.EnableTenantRequest(name="ours"), metadata=house.operator
    )
    assert await lists_jobs(house, house.client)


async def test_operator_is_refused_when_it_would_lock_itself_out(house: House) -> None:
    listed = await house.admin.ListTokens(
        admin_service_pb2.ListTokensRequest(tenant="operators"), metadata=house.operator
    )
    revoke = admin_service_pb2.RevokeTokenRequest(token_id=listed.tokens[0].token_id)
    disable = admin_service_pb2.DisableTenantRequest(name="operators")
    for call in (
        house.admin.RevokeToken(revoke, metadata=house.operator),
        house.admin.DisableTenant(disable, metadata=house.operator),
    ):
        details = await refusal(call)
        assert (details.code, details.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "OWN_ACCOUNT",
        )


async def test_token_is_refused_from_its_time_on_when_it_expires(house: House) -> None:
    soon = Timestamp()
    soon.FromDatetime(datetime.now(UTC) + timedelta(seconds=1.5))
    _, brief = await new_token(house, tenant="ours", expire_time=soon)
    assert await lists_jobs(house, brief)
    async with asyncio.timeout(10):
        while await lists_jobs(house, brief):
            await asyncio.sleep(0.05)
    past = Timestamp(seconds=1)
    request = CREATE_TOKEN(tenant="ours", expire_time=past)
    details = await refusal(house.admin.CreateToken(request, metadata=house.operator))
    assert [each.reason for each in details.violations] == ["IN_THE_PAST"]


@pytest.mark.matrix(23)
@pytest.mark.parametrize("way", ["revoked", "expired", "tenant disabled"])
async def test_open_streams_end_when_their_token_stops_working(house: House, way: str) -> None:
    soon = Timestamp()
    soon.FromDatetime(datetime.now(UTC) + timedelta(seconds=1.5))
    expiry = {"expire_time": soon} if way == "expired" else {}
    token, shown = await new_token(house, tenant="ours", **expiry)
    job = await house.create()
    watch = house.jobs.WatchJob(job_service_pb2.WatchJobRequest(job_id=job.job_id), metadata=shown)
    upload = house.artifacts.UploadArtifact(metadata=shown)
    await upload.write(
        artifact_service_pb2.UploadArtifactRequest(
            header=artifact_service_pb2.UploadHeader(filename="x")
        )
    )
    untouched = house.jobs.WatchJob(
        job_service_pb2.WatchJobRequest(job_id=job.job_id),
        metadata=house.client if way != "tenant disabled" else house.operator,
    )
    await watch.read()

    if way == "revoked":
        request = admin_service_pb2.RevokeTokenRequest(token_id=token.token_id)
        await house.admin.RevokeToken(request, metadata=house.operator)
    elif way == "tenant disabled":
        disable = admin_service_pb2.DisableTenantRequest(name="ours")
        await house.admin.DisableTenant(disable, metadata=house.operator)

    async with asyncio.timeout(10):
        details = await refusal(watch)
        assert details.code is grpc.StatusCode.UNAUTHENTICATED
        assert (await refusal(upload)).code is grpc.StatusCode.UNAUTHENTICATED
    if way != "tenant disabled":
        assert (await untouched.read()) is not grpc.aio.EOF
    untouched.cancel()


async def test_pages_hold_all_once_when_list_is_long(house: House) -> None:
    made = {(await new_token(house, tenant="theirs"))[0].token_id for _ in range(5)}
    seen: list[str] = []
    page_token = ""
    while True:
        page = await house.admin.ListTokens(
            admin_service_pb2.ListTokensRequest(
                tenant="theirs", page_size=2, page_token=page_token
            ),
            metadata=house.operator,
        )
        seen += [each.token_id for each in page.tokens]
        page_token = page.next_page_token
        if not page_token:
            break
        other = admin_service_pb2.ListTokensRequest(tenant="ours", page_token=page_token)
        details = await refusal(house.admin.ListTokens(other, metadata=house.operator))
        assert [each.reason for each in details.violations] == ["WRONG_PAGE_TOKEN"]
    assert len(seen) == len(set(seen)) == 6
    assert made < set(seen)


@pytest.mark.matrix(62)
async def test_audit_log_stays_when_somebody_would_change_it(
    house: House, database_url: str
) -> None:
    assert {each.actor for each in await entries(house)} == {"command"}
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    for statement in (
        "UPDATE audit_entries SET actor = 'somebody else'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ):
        with pytest.raises(psycopg2.IntegrityError), connection.cursor() as cursor:
            cursor.execute(statement)
    connection.close()


async def test_deletion_is_told_when_the_job_can_tell_it_no_more(house: House) -> None:
    job = await house.create()
    cancel = job_service_pb2.CancelJobRequest(job_id=job.job_id)
    await house.jobs.CancelJob(cancel, metadata=house.client)
    delete = job_service_pb2.DeleteJobRequest(job_id=job.job_id)
    await house.jobs.DeleteJob(delete, metadata=house.client)
    told = await entries(house, tenant="ours", action="job.delete")
    assert [(each.actor, each.subject) for each in told] == [("ours", f"job/{job.job_id}")]
    assert told[0].details == {"state": "CANCELLED"}


async def test_other_tenants_waiting_work_is_counted_for_operators_alone(house: House) -> None:
    await house.create("pt", "es")

    async def waiting(token: Metadata) -> int:
        request = queue_service_pb2.ListQueuesRequest()
        listed = await house.queues.ListQueues(request, metadata=token)
        return sum(queue.depth for queue in listed.queues)

    assert await waiting(house.client) == 2
    assert await waiting(house.other_client) == 0
    assert await waiting(house.operator) == 2
