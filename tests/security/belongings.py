"""What one tenant has, so that another can be seen to see nothing of it."""

from dataclasses import dataclass
from typing import Any

from babelmill.client import Client, translations

CANARY = "zanzibar-6f1c0b7e"


@dataclass(frozen=True)
class Belongings:
    """Ids of a tenant's things; each of them holds the canary where it holds words."""

    job: str
    ended: str
    artifact: str
    glossary: str
    webhook: str

    @property
    def marks(self) -> tuple[str, ...]:
        """What nobody else's answer may hold."""
        return (CANARY, self.job, self.ended, self.artifact, self.glossary, self.webhook)

    def filled(self, given: Any) -> Any:  # Any: JSON
        """Put the ids into a request that names them as {job} and the like."""
        if isinstance(given, dict):
            return {key: self.filled(value) for key, value in given.items()}
        if isinstance(given, list):
            return [self.filled(value) for value in given]
        return given.format(**vars(self)) if isinstance(given, str) else given


def make_belongings(client: Client) -> Belongings:
    """Make one of everything that a tenant can have."""
    label = {"owner": CANARY}
    artifact = client.upload(f"{CANARY} says hello.".encode(), filename=f"{CANARY}.txt")
    job = client.translate_text(f"{CANARY} waits.", "en", ["pt"], labels=label)
    ended = client.translate_text(f"{CANARY} is over.", "en", ["pt"], labels=label)
    client.cancel_job(ended.job_id)
    glossary = client.create_glossary(CANARY, "en", [translations.term(CANARY, "x")])
    return Belongings(
        job=job.job_id,
        ended=ended.job_id,
        artifact=artifact.artifact_id,
        glossary=glossary.glossary_id,
        webhook=_webhook_of(client),
    )


def _webhook_of(client: Client) -> str:
    webhook, _ = client.create_webhook(f"http://127.0.0.1:9/{CANARY}", description=CANARY)
    return webhook.webhook_id
