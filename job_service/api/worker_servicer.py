"""WorkerService for workers: check, map, call the use case, map back."""

# The stubs' context type exists for type checkers only.
from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from typing_extensions import override

from babelmill.jobs.v1 import lease_pb2, worker_service_pb2, worker_service_pb2_grpc
from job_service.api import checks
from job_service.api.catalog_answers import announcement
from job_service.api.findings import finding
from job_service.api.job_answers import duration
from job_service.api.lease_messages import (
    directive,
    failure,
    heartbeat_report,
    lease,
    lease_ref,
    lease_request,
    output,
    usage,
)
from job_service.api.memory_messages import memory_entries, read_memory_entries
from job_service.api.threads import BoundedThreads
from job_service.api.validation import Violations
from job_service.application.catalog import Catalog
from job_service.application.leasing import Leasing
from job_service.application.outcomes import Outcomes
from job_service.application.segment_memory import SegmentMemory

_MOST_LEASES = 100
_MOST_REPORTS = 1000
_MOST_ENTRIES = 1000
_MOST_OUTPUTS = 2010
_ANNOUNCE_INTERVAL = timedelta(minutes=1)


class WorkerServicer(worker_service_pb2_grpc.WorkerServiceServicer):
    """Serves workers. `heartbeat_interval` is what they are told to keep."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        leasing: Leasing,
        outcomes: Outcomes,
        memory: SegmentMemory,
        threads: BoundedThreads,
        heartbeat_interval: timedelta,
    ) -> None:
        self._catalog = catalog
        self._leasing = leasing
        self._outcomes = outcomes
        self._memory = memory
        self._threads = threads
        self._heartbeat_interval = heartbeat_interval

    @override
    async def AnnounceWorker(
        self,
        request: worker_service_pb2.AnnounceWorkerRequest,
        context: worker_service_pb2_grpc._ServicerContext,
    ) -> worker_service_pb2.AnnounceWorkerResponse:
        """Record what a worker can do."""
        await self._threads.run(self._catalog.announce, announcement(request))
        return worker_service_pb2.AnnounceWorkerResponse(
            heartbeat_interval=duration(self._heartbeat_interval),
            announce_interval=duration(_ANNOUNCE_INTERVAL),
        )

    @override
    async def AcquireLeases(
        self,
        request: worker_service_pb2.AcquireLeasesRequest,
        context: worker_service_pb2_grpc._ServicerContext,
    ) -> worker_service_pb2.AcquireLeasesResponse:
        """Grant the right to attempts."""
        violations = Violations()
        worker_id = _worker_id(request, violations)
        _count(request.refs, "refs", 1, _MOST_LEASES, violations)
        wanted = [
            lease_request(ref, f"refs[{index}]", violations)
            for index, ref in enumerate(request.refs)
        ]
        violations.raise_if_any()
        granted, refused = await self._threads.run(self._leasing.acquire, worker_id, wanted)
        return worker_service_pb2.AcquireLeasesResponse(
            leases=[lease(each) for each in granted],
            refused=[lease_ref(each) for each in refused],
        )

    @override
    async def Heartbeat(
        self,
        request: worker_service_pb2.HeartbeatRequest,
        context: worker_service_pb2_grpc._ServicerContext,
    ) -> worker_service_pb2.HeartbeatResponse:
        """Extend leases and answer what to do about each."""
        violations = Violations()
        worker_id = _worker_id(request, violations)
        _count(request.reports, "reports", 0, _MOST_REPORTS, violations)
        reports = [
            heartbeat_report(report, f"reports[{index}]", violations)
            for index, report in enumerate(request.reports)
        ]
        violations.raise_if_any()
        if not reports:
            return worker_service_pb2.HeartbeatResponse()
        directives = await self._threads.run(self._leasing.heartbeat, worker_id, reports)
        return worker_service_pb2.HeartbeatResponse(
            statuses=[
                lease_pb2.LeaseStatus(ref=report.ref, directive=directive(found))
                for report, found in zip(request.reports, directives, strict=True)
            ]
        )

    @override
    async def CompleteStep(
        self,
        request: worker_service_pb2.CompleteStepRequest,
        context: worker_service_pb2_grpc._ServicerContext,
    ) -> worker_service_pb2.CompleteStepResponse:
        """Publish an attempt's outputs."""
        violations = Violations()
        worker_id = _worker_id(request, violations)
        ref = lease_request(request.ref, "ref", violations)
        _count(request.outputs, "outputs", 0, _MOST_OUTPUTS, violations)
        outputs = [
            output(each, f"outputs[{index}]", violations)
            for index, each in enumerate(request.outputs)
        ]
        measured = usage(request.usage, violations)
        found = finding(request, violations)
        violations.raise_if_any()
        await self._threads.run(self._outcomes.complete, worker_id, ref, outputs, measured, found)
        return worker_service_pb2.CompleteStepResponse()

    @override
    async def FailStep(
        self,
        request: worker_service_pb2.FailStepRequest,
        context: worker_service_pb2_grpc._ServicerContext,
    ) -> worker_service_pb2.FailStepResponse:
        """End an attempt without outputs."""
        violations = Violations()
        worker_id = _worker_id(request, violations)
        ref = lease_request(request.ref, "ref", violations)
        cause = failure(request.failure, violations)
        measured = usage(request.usage, violations)
        violations.raise_if_any()
        await self._threads.run(self._outcomes.fail, worker_id, ref, cause, measured)
        return worker_service_pb2.FailStepResponse()

    @override
    async def RecallSegments(
        self,
        request: worker_service_pb2.RecallSegmentsRequest,
        context: worker_service_pb2_grpc._ServicerContext,
    ) -> worker_service_pb2.RecallSegmentsResponse:
        """Return what the tenant's memory holds."""
        violations = Violations()
        _worker_id(request, violations)
        ref = lease_request(request.ref, "ref", violations)
        _count(request.keys, "keys", 0, _MOST_ENTRIES, violations)
        violations.raise_if_any()
        found = await self._threads.run(self._memory.recall, ref, list(request.keys))
        return worker_service_pb2.RecallSegmentsResponse(entries=memory_entries(found))

    @override
    async def RememberSegments(
        self,
        request: worker_service_pb2.RememberSegmentsRequest,
        context: worker_service_pb2_grpc._ServicerContext,
    ) -> worker_service_pb2.RememberSegmentsResponse:
        """Put entries into the tenant's memory."""
        violations = Violations()
        _worker_id(request, violations)
        ref = lease_request(request.ref, "ref", violations)
        _count(request.entries, "entries", 0, _MOST_ENTRIES, violations)
        violations.raise_if_any()
        await self._threads.run(self._memory.remember, ref, read_memory_entries(request.entries))
        return worker_service_pb2.RememberSegmentsResponse()


class _NamesWorker(Protocol):
    """A request of WorkerService."""

    worker_id: str


def _worker_id(request: _NamesWorker, violations: Violations) -> str:
    return violations.check("worker_id", lambda: checks.worker_id(request.worker_id), "")


def _count(
    items: Sequence[object], path: str, fewest: int, most: int, violations: Violations
) -> None:
    """Check how many there are, before any is looked at. Raises InvalidRequest."""
    if not fewest <= len(items) <= most:
        violations.add(path, f"There are {len(items)}; from {fewest} to {most} are allowed.")
        violations.raise_if_any()
