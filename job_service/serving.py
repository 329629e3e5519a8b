"""The running server: every part of it, started and stopped in order.

Starting: database, then listening ports, then the loops. Stopping: say
NOT_SERVING, end the watches so that they resume elsewhere, let other calls
finish, then the loops, then the threads and the connections.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from babelmill.kit.artifacts.opening import open_store
from babelmill.kit.process.logs import get_logger
from job_service.api.admin_servicer import AdminServicer
from job_service.api.artifact_servicer import ArtifactServicer
from job_service.api.auth import Authenticator
from job_service.api.call_limits import CallLimits
from job_service.api.catalog_servicer import CatalogServicer
from job_service.api.glossary_servicer import GlossaryServicer
from job_service.api.job_servicer import JobServicer
from job_service.api.queue_servicer import QueueServicer
from job_service.api.readiness import Readiness
from job_service.api.refusal_record import RefusalRecord
from job_service.api.server import Port, stop_ports
from job_service.api.service_list import (
    CLIENT_PORT,
    WORKER_PORT,
    admin_services,
    client_services,
    worker_services,
)
from job_service.api.status import Draining
from job_service.api.threads import BoundedThreads
from job_service.api.webhook_servicer import WebhookServicer
from job_service.api.worker_servicer import WorkerServicer
from job_service.application.accounts import Accounts
from job_service.application.auditing import Auditing
from job_service.application.cancellation import Cancellation
from job_service.application.catalog import Catalog
from job_service.application.dead_letters import DeadLetters
from job_service.application.deletion import Deletion
from job_service.application.glossaries import Glossaries
from job_service.application.leasing import Leasing
from job_service.application.orphans import Orphans
from job_service.application.outcomes import Outcomes
from job_service.application.publishing import Publishing
from job_service.application.queries import Queries
from job_service.application.queue_stats import QueueStats
from job_service.application.reaper import Reaper
from job_service.application.retention import Retention
from job_service.application.retrying import Retrying
from job_service.application.segment_memory import SegmentMemory
from job_service.application.submission import Submission
from job_service.application.tokens import Tokens
from job_service.application.uploads import Uploads
from job_service.application.webhook_delivery import WebhookDelivery
from job_service.application.webhooks import Webhooks
from job_service.dispatch.broker_epoch import BrokerEpoch
from job_service.dispatch.celery_broker import CeleryBroker
from job_service.dispatch.endurance import kept_running
from job_service.dispatch.reaper_loop import ReaperLoop
from job_service.dispatch.relay import Relay
from job_service.dispatch.retention_loop import retention_loop
from job_service.dispatch.routes import queues
from job_service.dispatch.webhook_loop import WebhookLoop
from job_service.dispatch.webhook_sender import WebhookSender
from job_service.fanout.clock import SharedClock
from job_service.fanout.hub import Hub
from job_service.fanout.signals import LoopSignals
from job_service.fanout.wakeups import RedisWakeups
from job_service.fanout.watcher import Watching
from job_service.settings import JobServiceSettings
from job_service.storage.engine import Database
from job_service.storage.unit_of_work import SqlUnitOfWorkFactory

_log = get_logger(__name__)

_CLIENT_THREADS = 8
_WORKER_THREADS = 4
_TRANSFER_THREADS = 4
_BACKGROUND_THREADS = 4
_RETENTION_THREADS = 1
_WEBHOOK_THREADS = 1

DATABASE_CONNECTIONS = (
    _CLIENT_THREADS
    + _WORKER_THREADS
    + _TRANSFER_THREADS
    + _BACKGROUND_THREADS
    + _RETENTION_THREADS
    + _WEBHOOK_THREADS
)
"""One for each thread that may use one: nobody waits for a connection."""

# They wait for name servers, and use no connection.
_ADDRESS_THREADS = 8

_POLL_SECONDS = 1.0
_SAFETY_POLL_SECONDS = 10.0
_LOOPS_STOP_SECONDS = 3.0


class JobService:
    """Made in the event loop that it runs in."""

    def __init__(self, settings: JobServiceSettings, database: Database) -> None:
        self._drain_seconds = settings.drain_seconds
        self._clients = BoundedThreads("clients", _CLIENT_THREADS)
        self._workers = BoundedThreads("workers", _WORKER_THREADS)
        self._transfers = BoundedThreads("transfers", _TRANSFER_THREADS)
        self._background = BoundedThreads("background", _BACKGROUND_THREADS)
        self._retention = BoundedThreads("retention", _RETENTION_THREADS)
        self._sender = BoundedThreads("sender", 1)
        self._webhooks = BoundedThreads("webhooks", _WEBHOOK_THREADS)
        self._addresses = BoundedThreads("addresses", _ADDRESS_THREADS)

        units = SqlUnitOfWorkFactory(database)
        limits = settings.limits()
        secrets = settings.secret_box()
        redis_url = settings.redis_url.get_secret_value()
        queries = Queries(units=units)
        self.hub = Hub(
            reads=queries,
            threads=self._background,
            max_watchers=settings.max_watchers,
            max_watchers_per_tenant=settings.max_watchers_per_tenant,
        )
        self.wakeups = RedisWakeups(
            redis_url, on_wakeup=self.hub.wake, on_link_up=self.hub.wake_all
        )
        signals = LoopSignals(
            asyncio.get_running_loop(),
            on_job_changed=(self.hub.wake, self.wakeups.send, self._wake_webhooks),
            on_steps_pending=self._wake_relay,
            on_cancel_requested=self.wakeups.send_cancel,
        )
        self._broker = CeleryBroker(redis_url)
        self._relay = Relay(
            publishing=Publishing(units=units, signals=signals),
            broker=self._broker,
            threads=self._background,
            sender=self._sender,
        )
        reaper = Reaper(units=units, signals=signals, limits=limits)
        self._reaper_loop = ReaperLoop(reaper=reaper, threads=self._background)
        self._readiness = Readiness(ask=queries.now, threads=self._background)
        self._epoch = BrokerEpoch(
            redis_url,
            reaper=reaper,
            threads=self._background,
            tell=self._readiness.tell_of_broker,
        )

        tokens = Tokens(units=units)
        catalog = Catalog(units=units)
        watching = Watching(
            reads=queries,
            hub=self.hub,
            threads=self._clients,
            clock=SharedClock(now=queries.now, threads=self._background),
            keep_alive_seconds=settings.keep_alive_seconds,
        )
        store = open_store(settings.artifacts)
        orphans = Orphans(units=units, store=store)
        self._retention_loop = retention_loop(
            Retention(units=units, store=store, orphans=orphans, limits=limits),
            orphans,
            limits,
            self._retention,
        )
        jobs = JobServicer(
            submission=Submission(units=units, signals=signals, limits=limits, secrets=secrets),
            queries=queries,
            cancellation=Cancellation(units=units, signals=signals, limits=limits),
            retrying=Retrying(units=units, signals=signals, limits=limits, secrets=secrets),
            deletion=Deletion(units=units, signals=signals, orphans=orphans),
            watches=watching,
            threads=self._clients,
        )
        queue_servicer = QueueServicer(
            stats=QueueStats(units=units, queues=queues()),
            dead_letters=DeadLetters(units=units, signals=signals, limits=limits),
            threads=self._clients,
        )
        uploads = Uploads(units=units, store=store, limits=limits)
        webhook_sender = WebhookSender(
            allowed_hosts=settings.webhook_hosts,
            timeout_seconds=settings.webhook_timeout_seconds,
            threads=self._addresses,
        )
        self._webhook_loop = WebhookLoop(
            delivery=WebhookDelivery(units=units, secrets=secrets, rules=settings.delivery_rules()),
            sender=webhook_sender,
            threads=self._webhooks,
            slots=settings.webhook_slots,
        )
        client_tokens = Authenticator(
            tokens=tokens,
            threads=self._clients,
            roles=CLIENT_PORT,
            remember_seconds=settings.token_memory_seconds,
        )
        worker_tokens = Authenticator(
            tokens=tokens,
            threads=self._workers,
            roles=WORKER_PORT,
            remember_seconds=settings.token_memory_seconds,
        )
        auditing = Auditing(units=units)

        def forget_tokens() -> None:
            client_tokens.forget()
            worker_tokens.forget()

        admin = AdminServicer(
            accounts=Accounts(units=units),
            auditing=auditing,
            threads=self._clients,
            on_invalid=forget_tokens,
        )
        self.client_port = Port(
            listen=settings.grpc_listen,
            services=[
                *client_services(
                    jobs=jobs,
                    artifacts=ArtifactServicer(uploads=uploads, threads=self._transfers),
                    catalog=CatalogServicer(catalog=catalog, threads=self._clients),
                    queues=queue_servicer,
                    glossaries=GlossaryServicer(
                        glossaries=Glossaries(units=units, limits=limits), threads=self._clients
                    ),
                    webhooks=WebhookServicer(
                        webhooks=Webhooks(units=units, limits=limits, secrets=secrets),
                        sender=webhook_sender,
                        threads=self._clients,
                    ),
                ),
                *admin_services(admin),
            ],
            authenticator=client_tokens,
            on_refused=RefusalRecord(auditing=auditing, threads=self._background).tell,
            readiness=self._readiness,
            max_concurrent_calls=settings.max_concurrent_calls,
            limits=CallLimits(settings.call_rates()),
            tls=settings.tls_for_clients(),
            share_port=settings.share_port,
        )
        worker = WorkerServicer(
            catalog=catalog,
            leasing=Leasing(units=units, signals=signals, limits=limits, secrets=secrets),
            outcomes=Outcomes(units=units, signals=signals, limits=limits, store=store),
            memory=SegmentMemory(units=units, limits=limits),
            threads=self._workers,
            heartbeat_interval=timedelta(seconds=settings.heartbeat_seconds),
        )
        self.worker_port = Port(
            listen=settings.worker_grpc_listen,
            services=worker_services(worker),
            authenticator=worker_tokens,
            readiness=self._readiness,
            max_concurrent_calls=settings.max_concurrent_worker_calls,
            tls=settings.tls_for_workers(),
            with_channelz=True,
            share_port=settings.share_port,
        )
        self._relay_task: asyncio.Task[None] | None = None
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Serve from now on."""
        await self._readiness.check()
        await self.client_port.start()
        await self.worker_port.start()
        self._relay_task = asyncio.create_task(self._relay.run(), name="relay")
        self._loops = [
            asyncio.create_task(kept_running(name, run), name=name)
            for name, run in {
                "wakeups": self.wakeups.run,
                "poll": lambda: self.hub.poll(self._poll_seconds),
                "reaper": self._reaper_loop.run,
                "retention": self._retention_loop.run,
                "webhooks": self._webhook_loop.run,
                "broker_epoch": self._epoch.run,
                "readiness": self._readiness.run,
            }.items()
        ]

    async def stop(self) -> None:
        """Drain and stop, within the drain time and a few seconds."""
        _log.info("draining", watchers=self.hub.watchers)
        await self._readiness.drain()
        self.hub.close(Draining())
        await stop_ports([self.client_port, self.worker_port], self._drain_seconds)
        self._relay.stop()
        if self._relay_task is not None:
            await asyncio.wait([self._relay_task], timeout=_LOOPS_STOP_SECONDS)
            self._relay_task.cancel()
        for loop in self._loops:
            loop.cancel()
        ending = [*self._loops, *([self._relay_task] if self._relay_task else [])]
        if ending:
            await asyncio.wait(ending, timeout=_LOOPS_STOP_SECONDS)
        for threads in self._all_threads():
            threads.shutdown()
        _log.info("drained")

    def _all_threads(self) -> Sequence[BoundedThreads]:
        return (
            self._clients,
            self._workers,
            self._transfers,
            self._background,
            self._retention,
            self._sender,
            self._webhooks,
            self._addresses,
        )

    def _wake_webhooks(self, job_id: UUID) -> None:
        self._webhook_loop.wake(job_id)

    def _wake_relay(self) -> None:
        self._relay.wake()

    def _poll_seconds(self) -> float:
        return _SAFETY_POLL_SECONDS if self.wakeups.link_up else _POLL_SECONDS
