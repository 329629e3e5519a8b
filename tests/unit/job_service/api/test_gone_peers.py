"""A peer that goes while it is written to is nobody's fault here."""

import asyncio
from typing import cast

import grpc.aio
import pytest
from google.protobuf.message import Message

from babelmill.jobs.v1 import job_service_pb2
from job_service.api.auth import Authenticator
from job_service.api.edge import Edge


class _GoneContext:
    async def write(self, message: Message) -> None:
        raise grpc.aio.InternalError('Failed "execute_batch"')


async def test_call_counts_as_cancelled_when_its_peer_has_gone() -> None:
    # No call is authenticated here.
    edge = Edge(cast("Authenticator", None), open_services=frozenset())
    context = cast("grpc.aio.ServicerContext[object, object]", _GoneContext())
    with pytest.raises(asyncio.CancelledError):
        await edge._write(context, job_service_pb2.WatchJobResponse())
