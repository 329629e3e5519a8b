"""The contestants of `bench/translate.py`: ways to translate paragraphs from English.

All into Spanish use the same Apertium of this machine, those into Portuguese the same neural
engine. Each takes paragraphs and returns the seconds that it
took until the last translation was there; each must return as many as it was given.
"""

import contextlib
import http.client
import itertools
import json
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from babelmill.client import Client
from babelmill.client.requests import job_request, text_spec
from babelmill.jobs.v1 import job_pb2, job_service_pb2
from babelmill.stack.ports import free_port, is_listening, wait_until
from babelmill.translation.v1 import translation_pb2
from translation_worker.sentence_splitting import split_sentences

MODE = "eng-spa"
ENGINE = "apertium"
BATCH = 250
CLIENTS = 4
_LONGEST_SECONDS = 900


class ContestantError(Exception):
    """A contestant lost something, or did not end."""


def command_for_each(paragraphs: Sequence[str]) -> float:
    """Start the command for every paragraph, as scripts do."""
    started = time.perf_counter()
    for text in paragraphs:
        _apertium(text)
    return time.perf_counter() - started


def raw_engine(paragraphs: Sequence[str]) -> float:
    """Give each of two commands one half of the text at once: the engine at its fastest."""
    half = len(paragraphs) // 2
    parts = ["\n\n".join(paragraphs[:half]), "\n\n".join(paragraphs[half:])]
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_apertium, parts))
    return time.perf_counter() - started


@contextlib.contextmanager
def running_raw_neural(
    paragraphs: Sequence[str], processes: int = 2
) -> Iterator[Callable[[Sequence[str]], float]]:
    """Give a way to let loaded models translate the sentences, on every core at once."""
    sentences = [text[a:b] for text in paragraphs for a, b in split_sentences(text, "en")]
    program = Path(__file__).with_name("peers") / "raw_neural.py"
    with contextlib.ExitStack() as running:
        peers = []
        for first in range(processes):
            peer = running.enter_context(
                subprocess.Popen(
                    [sys.executable, program],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    bufsize=1,
                )
            )
            running.callback(peer.terminate)
            mine = sentences[first::processes]
            peers.append((peer, len(mine)))
            _tell(peer, json.dumps(mine))
        for peer, _ in peers:
            _hear(peer)

        def translate(_texts: Sequence[str]) -> float:
            started = time.perf_counter()
            for peer, _ in peers:
                _tell(peer, "go")
            for peer, count in peers:
                if int(_hear(peer)) != count:
                    raise ContestantError("The raw neural engine gave nothing back.")
            return time.perf_counter() - started

        yield translate


def _tell(peer: subprocess.Popen[str], line: str) -> None:
    if peer.stdin is not None:
        peer.stdin.write(f"{line}\n")
        peer.stdin.flush()


def _hear(peer: subprocess.Popen[str]) -> str:
    line = peer.stdout.readline() if peer.stdout is not None else ""
    if not line:
        raise ContestantError("The raw neural engine does not answer.")
    return line


def apertium_apy(address: str, paragraphs: Sequence[str]) -> float:
    """Ask apertium-apy for every paragraph, from clients that keep their connections."""
    host, _, port = address.partition(":")

    def ask(mine: Sequence[str]) -> None:
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        for text in mine:
            body = urllib.parse.urlencode({"langpair": "eng|spa", "q": text})
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/translate", body, headers)
            answer = json.loads(connection.getresponse().read())
            if not answer["responseData"]["translatedText"]:
                raise ContestantError("apertium-apy gave nothing back.")
        connection.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(ask, [paragraphs[each::CLIENTS] for each in range(CLIENTS)]))
    return time.perf_counter() - started


def one_job(
    client: Client, paragraphs: Sequence[str], language: str = "es", engine: str = ENGINE
) -> float:
    """Let Babelmill translate all paragraphs as one text: extracted, cut, put together again."""
    started = time.perf_counter()
    artifact = client.upload("\n\n".join(paragraphs).encode(), filename="text.txt")
    _run(client, text_spec(artifact, "en", language, engine, options=_fresh()))
    return time.perf_counter() - started


def job_for_each(client: Client, paragraphs: Sequence[str]) -> float:
    """Let Babelmill translate every paragraph as a job of its own, submitted in batches."""
    requests = [
        job_service_pb2.CreateJobRequest(spec=text_spec(text, "en", "es", ENGINE, options=_fresh()))
        for text in paragraphs
    ]
    started = time.perf_counter()
    for start in range(0, len(requests), BATCH):
        client.create_jobs(requests[start : start + BATCH])
    active = job_service_pb2.JobFilter(
        states=[
            job_pb2.JOB_STATE_PENDING,
            job_pb2.JOB_STATE_QUEUED,
            job_pb2.JOB_STATE_IN_PROGRESS,
            job_pb2.JOB_STATE_RETRY_WAIT,
        ]
    )

    def done() -> bool:
        return not client.list_jobs_page(active, page_size=1).jobs

    if not wait_until(done, timeout_seconds=_LONGEST_SECONDS, interval_seconds=0.05):
        raise ContestantError("Jobs do not end.")
    seconds = time.perf_counter() - started
    for job in itertools.islice(client.list_jobs(page_size=500), len(requests)):
        _insist(job)
    return seconds


def document_job(client: Client, path: Path) -> float:
    """Let Babelmill translate a file: upload, job, until it is done."""
    started = time.perf_counter()
    artifact = client.upload(path)
    spec = job_pb2.JobSpec()
    document = spec.translate_document
    document.artifact_id = artifact.artifact_id
    document.source_language = "en"
    document.target_languages.append("es")
    document.options.engines.append(ENGINE)
    document.options.without_memory = True
    _run(client, spec)
    return time.perf_counter() - started


def argos_files(python: Path, path: Path) -> tuple[float, int]:
    """Let argos-translate-files translate a file; return the seconds and the engine's calls."""
    peer = Path(__file__).with_name("peers") / "argos_files.py"
    said = subprocess.run(
        [python, peer, path], capture_output=True, text=True, check=True, timeout=_LONGEST_SECONDS
    ).stdout
    found = json.loads(said.splitlines()[-1])
    return float(found["seconds"]), int(found["calls"])


@contextlib.contextmanager
def running_apy() -> Iterator[str]:
    """Give the address of an apertium-apy that is warm."""
    address = f"127.0.0.1:{free_port()}"
    command = ["apertium-apy", "--port", address.partition(":")[2], "/usr/share/apertium"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process,
    ):
        try:
            if not wait_until(lambda: is_listening(address), timeout_seconds=60):
                raise ContestantError("apertium-apy does not listen.")
            apertium_apy(address, ["Good morning."] * CLIENTS)
            yield address
        finally:
            process.terminate()


def _fresh() -> translation_pb2.TranslationOptions:
    return translation_pb2.TranslationOptions(without_memory=True)


def _run(client: Client, spec: job_pb2.JobSpec) -> None:
    _insist(
        client.wait(client.submit(job_request(spec)).job.job_id, timeout_seconds=_LONGEST_SECONDS)
    )


def _insist(job: job_pb2.Job) -> None:
    if job.state != job_pb2.JOB_STATE_COMPLETED:
        raise ContestantError(f"A job ended as {job_pb2.JobState.Name(job.state)}.")


def _apertium(text: str) -> str:
    done = subprocess.run(
        ["apertium", "-f", "txt", MODE],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=_LONGEST_SECONDS,
    )
    return done.stdout
