"""Every method and every route, called by another tenant: it sees nothing, and is told nothing.

What is called is what the running processes say they have: by gRPC reflection,
and by the gateway's OpenAPI. A method or route without an entry fails.
"""

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import grpc
import httpx
import psycopg2
import pytest
from google.protobuf import json_format, text_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from babelmill.client import Client
from babelmill.kit.wire.status_details import ErrorDetails, from_rpc_error
from babelmill.stack.postgres import EmbeddedPostgres
from babelmill.stack.valkey import EmbeddedValkey
from tests.security.belongings import Belongings, make_belongings
from tests.security.doors import Doors, Metadata, open_doors
from tests.security.sweep_entries import (
    BODIES,
    CHOSEN,
    HIDDEN,
    MAKING,
    NAMING,
    OPEN,
    OPERATORS_ONLY,
    OWN,
    PARAMETERS,
    SOCKETS,
    WORKERS_ONLY,
    Form,
)


@dataclass(frozen=True)
class Neighbours:
    """Doors, a tenant with belongings behind them, and another tenant."""

    doors: Doors
    owned: Belongings
    channel: grpc.Channel

    def refusal_or_answers(
        self, method: MethodDescriptor, form: Form, metadata: Metadata
    ) -> ErrorDetails | list[Message]:
        """Make any kind of call; return its answers, the first of a watch, or its refusal."""
        request = GetMessageClass(method.input_type)()
        json_format.ParseDict(self.owned.filled(form), request)
        # As a stream of one message, which fits every kind of method.
        stub: grpc.StreamStreamMultiCallable[bytes, bytes] = self.channel.stream_stream(
            f"/{method.containing_service.full_name}/{method.name}"
        )
        call = stub(iter([request.SerializeToString()]), metadata=metadata, timeout=10)
        answers: list[Message] = []
        try:
            for answer in call:
                answers.append(GetMessageClass(method.output_type).FromString(answer))
                if method.name.startswith("Watch"):
                    call.cancel()
                    break
        except grpc.RpcError as error:
            return from_rpc_error(error)
        return answers


@pytest.fixture(scope="module")
def neighbours(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    valkey_server: EmbeddedValkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Neighbours]:
    folder = tmp_path_factory.mktemp("neighbours")
    key = folder / "secrets.key"
    key.touch(0o600)
    key.write_text(secrets.token_hex(32))
    with closing(psycopg2.connect(postgres_server.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE security_neighbours TEMPLATE {migrated_template}")
    with (
        open_doors(
            postgres_server.url("security_neighbours"),
            valkey_server.url(),
            folder,
            BABELMILL_SECRETS_KEY_FILE=str(key),
            # Where nobody listens: webhooks lead nowhere.
            BABELMILL_WEBHOOK_HOSTS="127.0.0.1:9",
        ) as doors,
        Client(doors.grpc_address, doors.token) as owner,
        grpc.insecure_channel(doors.grpc_address) as channel,
    ):
        yield Neighbours(doors, make_belongings(owner), channel)


def methods_at(address: str) -> list[MethodDescriptor]:
    """Ask a port what it serves of ours."""
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = DescriptorPool(database)
        return [
            method
            for name in database.get_services()
            if name.startswith("babelmill.")
            for method in pool.FindServiceByName(name).methods
        ]


def short(method: MethodDescriptor) -> str:
    return f"{method.containing_service.name}/{method.name}"


def assert_nothing_of(owned: Belongings, text: str, what: str) -> None:
    assert [mark for mark in owned.marks if mark in text] == [], what


@pytest.mark.matrix(19)
def test_every_method_says_not_found_when_the_thing_is_another_tenants(
    neighbours: Neighbours,
) -> None:
    methods = {
        short(method): method
        for method in methods_at(neighbours.doors.grpc_address)
        if method.containing_service.full_name != OPERATORS_ONLY
    }
    assert set(methods) <= set(HIDDEN) | set(OWN), "a method has no entry"

    stranger = neighbours.doors.other_client
    for name in [name for name in HIDDEN if name in methods]:
        for form in HIDDEN[name]:
            answer = neighbours.refusal_or_answers(methods[name], form, stranger)
            assert isinstance(answer, ErrorDetails), (name, answer)
            assert answer.code is grpc.StatusCode.NOT_FOUND, (name, answer)
            nothing = refusal_of_nothing(neighbours, methods[name], form, stranger)
            assert (answer.code, answer.reason, answer.message) == nothing, name
    for name in [name for name in OWN if name in methods]:
        for form in OWN[name]:
            answer = neighbours.refusal_or_answers(methods[name], form, stranger)
            assert isinstance(answer, list), (name, answer)
            text = "".join(map(text_format.MessageToString, answer))
            assert_nothing_of(neighbours.owned, text, name)

    # That they are there at all, their owner sees.
    for name in [name for name in HIDDEN if name in methods]:
        owner = neighbours.doors.client
        answer = neighbours.refusal_or_answers(methods[name], HIDDEN[name][0], owner)
        found = isinstance(answer, list) or answer.code is not grpc.StatusCode.NOT_FOUND
        assert found, (name, answer)


def refusal_of_nothing(
    neighbours: Neighbours, method: MethodDescriptor, form: Form, metadata: Metadata
) -> tuple[grpc.StatusCode, str, str]:
    """Return what is answered about ids that nobody has."""
    nobody = str(uuid4())
    nothing = Neighbours(
        neighbours.doors,
        Belongings(job=nobody, ended=nobody, artifact=nobody, glossary=nobody, webhook=nobody),
        neighbours.channel,
    )
    answer = nothing.refusal_or_answers(method, form, metadata)
    assert isinstance(answer, ErrorDetails)
    return answer.code, answer.reason, answer.message


@pytest.mark.matrix(18, 20)
def test_every_method_of_operators_and_workers_is_refused_when_a_client_calls(
    neighbours: Neighbours,
) -> None:
    doors = neighbours.doors
    served = methods_at(doors.grpc_address)
    operators = [m for m in served if m.containing_service.full_name == OPERATORS_ONLY]
    workers = methods_at(doors.worker_address)
    assert operators
    assert {m.containing_service.full_name for m in workers} == {WORKERS_ONLY}
    refuse = partial(neighbours.refusal_or_answers, form={}, metadata=doors.client)
    for method in operators:
        answer = refuse(method)
        assert isinstance(answer, ErrorDetails), short(method)
        assert answer.code is grpc.StatusCode.PERMISSION_DENIED, short(method)
    for method in workers:
        answer = refuse(method)
        assert isinstance(answer, ErrorDetails), short(method)
        assert answer.code is grpc.StatusCode.UNIMPLEMENTED, short(method)
    with grpc.insecure_channel(doors.worker_address) as channel:
        elsewhere = Neighbours(doors, neighbours.owned, channel)
        for method in workers:
            answer = elsewhere.refusal_or_answers(method, {}, doors.client)
            assert isinstance(answer, ErrorDetails), short(method)
            assert answer.code is grpc.StatusCode.PERMISSION_DENIED, short(method)


def refusal_of_socket(neighbours: Neighbours, path: str) -> tuple[int, str]:
    """Ask for a WebSocket as a stranger; return the status and the text of its refusal."""
    address = neighbours.doors.url.replace("http", "ws", 1)
    header = {"Authorization": f"Bearer {neighbours.doors.other_token}"}
    filled = neighbours.owned.filled(path.format(**PARAMETERS))
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(address + filled, additional_headers=header, open_timeout=10),
    ):
        pass
    response = refused.value.response
    return response.status_code, (response.body or b"").decode()


def routes_of(http: httpx.Client) -> list[tuple[str, str]]:
    described: Form = http.get("/openapi.json").json()
    return [
        (verb.upper(), path)
        for path, operations in described["paths"].items()
        for verb in operations
        if verb in {"get", "head", "post", "put", "patch", "delete"}
    ]


@pytest.mark.matrix(19)
def test_every_route_says_not_found_when_the_thing_is_another_tenants(
    neighbours: Neighbours,
) -> None:
    owned = neighbours.owned
    with neighbours.doors.http(neighbours.doors.other_token) as stranger:
        routes = routes_of(stranger)
        assert len(routes) > 30
        for verb, path in sorted(routes, key=lambda each: " ".join(each) in CHOSEN):
            route = f"{verb} {path}"
            if route in SOCKETS:
                status, text = refusal_of_socket(neighbours, path)
                assert status == 404, route
                # It may repeat what it was asked for.
                assert_nothing_of(owned, text.replace(owned.job, ""), route)
                continue
            if "{" not in path:
                answer = stranger.request(verb, path, json=owned.filled(NAMING.get(route)))
                if route in NAMING:
                    assert answer.status_code == 404, (route, answer.text)
                else:
                    assert verb in {"GET", "HEAD"} or route in MAKING, f"{route} has no entry"
                    assert_nothing_of(owned, answer.text, route)
                continue
            filled = owned.filled(path.format(**PARAMETERS))
            answer = stranger.request(verb, filled, json=owned.filled(BODIES.get(route)))
            if route in CHOSEN:
                assert answer.status_code in {200, 201, 400, 411, 415}, (route, answer.text)
            else:
                assert answer.status_code == 404, (route, answer.text)
    # What the stranger kept under the same id is its own.
    with neighbours.doors.http() as owner:
        content = owner.get(f"/v1/artifacts/{owned.artifact}/content")
        assert content.text.startswith("zanzibar")
        assert owner.get(f"/v1/jobs/{owned.job}").status_code == 200


@pytest.mark.matrix(17, 18)
def test_every_route_is_refused_when_token_is_missing_wrong_or_a_workers(
    neighbours: Neighbours,
) -> None:
    doors = neighbours.doors
    with httpx.Client(base_url=doors.url, timeout=10) as nobody:
        routes = [(v, p) for v, p in routes_of(nobody) if f"{v} {p}" not in OPEN | SOCKETS]
        for verb, path in routes:
            route = f"{verb} {path}"
            filled = neighbours.owned.filled(path.format(**PARAMETERS))
            form = neighbours.owned.filled(NAMING.get(route) or BODIES.get(route))
            if form is None and verb in {"POST", "PUT", "PATCH"}:
                # Without a body that is well-formed they do not come as far as the token.
                continue
            for token, status in (("", 401), ("x" * 40, 401), (doors.worker_token, 403)):
                header = {"Authorization": f"Bearer {token}"} if token else {}
                answer = nobody.request(verb, filled, json=form, headers=header)
                assert answer.status_code == status, (route, answer.text)
