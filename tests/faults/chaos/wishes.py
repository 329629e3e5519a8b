"""What the customers of a chaos run ask for: small jobs of all kinds, by the seed."""

import random
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal

from babelmill.client import requests
from babelmill.jobs.v1 import job_pb2, job_service_pb2
from tests.faults.workloads import sentences, transcode_spec

Kind = Literal["text", "long text", "batch", "media", "hasty", "patient"]

_WEIGHTS: Mapping[Kind, int] = {
    "text": 40,
    "long text": 8,
    "batch": 12,
    "media": 14,
    "hasty": 8,
    "patient": 8,
}
_GREETINGS: Mapping[str, str] = {
    "en": "Good morning, the parcel number {} has arrived today.",
    "pt": "Bom dia, a encomenda número {} chegou hoje.",
}
_TARGETS = frozenset({"en", "pt", "es"})
_PRESETS = ("mp3", "mp3", "mp4-h264")


class Wishes:
    """Makes requests. `pairs` are the languages at hand: targets by source."""

    def __init__(self, dice: random.Random, pairs: Mapping[str, Sequence[str]]) -> None:
        self._dice = dice
        self._pairs = {
            source: sorted(_TARGETS.intersection(pairs[source]))
            for source in _GREETINGS
            if source in pairs
        }
        self._number = 0

    def choose(self) -> Kind:
        return self._dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]

    def text(self, deadline: timedelta | None = None) -> job_service_pb2.CreateJobRequest:
        """A sentence into one or two languages."""
        source = self._dice.choice(list(self._pairs))
        count = min(self._dice.choice((1, 1, 2)), len(self._pairs[source]))
        targets = self._dice.sample(list(self._pairs[source]), count)
        self._number += 1
        text = _GREETINGS[source].format(self._number)
        return self._request(requests.text_spec(text, source, targets), deadline)

    def long_text(self) -> job_service_pb2.CreateJobRequest:
        """Some seconds of work, so that blows fall into it."""
        self._number += 1
        text = sentences(self._dice.randint(20, 60), self._number)
        return self._request(requests.text_spec(text, "en", ["pt"]))

    def batch(self) -> list[job_service_pb2.CreateJobRequest]:
        return [self.text() for _ in range(self._dice.randint(2, 8))]

    def media(self, artifact_id: str) -> job_service_pb2.CreateJobRequest:
        return self._request(transcode_spec(artifact_id, self._dice.choice(_PRESETS)))

    def hasty(self) -> job_service_pb2.CreateJobRequest:
        """A deadline that may well pass first."""
        return self.text(timedelta(seconds=self._dice.uniform(0.2, 4)))

    def patient(self) -> job_service_pb2.CreateJobRequest:
        """A deadline that should not pass."""
        return self.text(timedelta(minutes=20))

    def _request(
        self, spec: job_pb2.JobSpec, deadline: timedelta | None = None
    ) -> job_service_pb2.CreateJobRequest:
        priorities: tuple[requests.PriorityName, ...] = ("urgent", "normal", "low")
        return requests.job_request(
            spec,
            priority=self._dice.choices(priorities, (1, 4, 1))[0],
            request_id=str(uuid.UUID(int=self._dice.getrandbits(128), version=4)),
            labels={"run": "chaos"},
            deadline=deadline,
        )
