"""The client library: submit jobs, watch them, move artifacts.

`Client` blocks, `AsyncClient` is for asyncio; both are thin shells around the
same requests, cursors and errors:

    with Client() as client:
        job = client.wait(client.translate_text("Good morning.", "en", ["pt"]).job_id)
        print(client.job_text(job, "pt"))

`requests`, `translations` and `videos` build messages, `updates` is what a watch yields,
`jobs` answers questions about a Job, `errors` is what calls raise. `ClientTls` says who
vouches for the service, where it speaks TLS.
"""

from babelmill.client.async_client import AsyncClient
from babelmill.client.call_policy import CallPolicy
from babelmill.client.errors import BabelmillError
from babelmill.client.jobs import has_succeeded, is_final
from babelmill.client.sync_client import Client
from babelmill.client.updates import Event, ProgressTick, Snapshot, Update
from babelmill.kit.wire.tls import ClientTls

__all__ = [
    "AsyncClient",
    "BabelmillError",
    "CallPolicy",
    "Client",
    "ClientTls",
    "Event",
    "ProgressTick",
    "Snapshot",
    "Update",
    "has_succeeded",
    "is_final",
]
