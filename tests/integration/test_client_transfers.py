"""Uploads and downloads over real gRPC: resumed by offset, checked by digest."""

import asyncio
import io
import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from babelmill.client import AsyncClient, CallPolicy, Client
from babelmill.client.errors import (
    BabelmillError,
    DigestMismatch,
    InvalidArgument,
    NotFound,
    Unavailable,
)
from babelmill.client.resumption import ResumePolicy
from babelmill.client.upload_source import UploadSource
from babelmill.jobs.v1 import artifact_pb2, job_pb2
from babelmill.kit.wire.status_details import ErrorDetails
from tests.integration.client_peer import Peer, serving
from tests.integration.client_peer_artifacts import INTERNAL, TOKEN, UNAVAILABLE

FAST = CallPolicy(
    stream=ResumePolicy(first_delay_seconds=0.01, largest_delay_seconds=0.05, patience_seconds=10)
)
DATA = random.Random(7).randbytes(3_000_000)
CHUNK = 512 * 1024


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving() as served:
        yield served


@pytest.fixture
def client(peer: Peer) -> Iterator[Client]:
    with Client(peer.address, TOKEN, policy=FAST) as opened:
        yield opened


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def stored(peer: Peer, artifact: artifact_pb2.Artifact) -> bytes:
    return peer.artifacts[artifact.artifact_id].data


def test_an_upload_goes_on_where_it_broke_when_the_service_goes_away(
    peer: Peer, client: Client
) -> None:
    peer.faults.upload_breaks = [(1, UNAVAILABLE), (2 * CHUNK, INTERNAL)]
    seen: list[tuple[int, int]] = []
    artifact = client.upload(DATA, "clip.mp4", on_bytes=lambda *now: seen.append(now))
    assert artifact.state == artifact_pb2.ARTIFACT_STATE_READY
    assert (artifact.filename, artifact.media_type) == ("clip.mp4", "video/mp4")
    assert stored(peer, artifact) == DATA
    assert peer.upload_offsets == [0, CHUNK, 2 * CHUNK]
    assert seen[-1] == (len(DATA), len(DATA))


async def test_an_asyncio_upload_goes_on_where_it_broke_when_the_service_goes_away(
    peer: Peer, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mkv"
    path.write_bytes(DATA)
    peer.faults.upload_breaks = [(1, UNAVAILABLE), (2 * CHUNK, INTERNAL)]
    async with AsyncClient(peer.address, TOKEN, policy=FAST) as client:
        artifact = await client.upload(path)
    assert stored(peer, artifact) == DATA
    assert peer.upload_offsets == [0, CHUNK, 2 * CHUNK]


def test_an_upload_starts_over_when_nothing_had_arrived(peer: Peer, client: Client) -> None:
    peer.faults.upload_breaks = [(1, UNAVAILABLE)]
    artifact_id = "0199aa00-0000-7000-8000-000000000009"

    original = peer.enter

    async def enter(context: object, *, unary: bool = True) -> None:
        # The artifact is lost with the service's memory before it is asked for.
        if unary:
            peer.artifacts.clear()
        await original(context, unary=unary)

    peer.enter = enter  # type: ignore[method-assign]  # the peer misbehaves here
    artifact = client.upload(DATA, artifact_id=artifact_id)
    assert stored(peer, artifact) == DATA
    assert peer.upload_offsets == [0, 0]


def test_an_upload_asks_for_the_place_when_it_guessed_wrong(peer: Peer, client: Client) -> None:
    first = artifact_pb2.Artifact(
        artifact_id="0199aa00-0000-7000-8000-00000000000a",
        state=artifact_pb2.ARTIFACT_STATE_UPLOADING,
        received_bytes=CHUNK,
    )
    peer.add_artifact(b"")
    peer.artifacts[first.artifact_id] = type(next(iter(peer.artifacts.values())))(
        first, DATA[:CHUNK]
    )
    artifact = client.upload(DATA, artifact_id=first.artifact_id)
    assert stored(peer, artifact) == DATA
    assert peer.upload_offsets == [0, CHUNK]


def test_an_upload_is_given_up_when_the_service_stays_away(peer: Peer) -> None:
    policy = CallPolicy(stream=ResumePolicy(first_delay_seconds=0.01, patience_seconds=0.3))
    peer.faults.refusals = [UNAVAILABLE] * 100
    peer.faults.upload_breaks = [(1, UNAVAILABLE)] * 100
    with Client(peer.address, TOKEN, policy=policy) as client, pytest.raises(Unavailable):
        client.upload(DATA)


def test_an_upload_is_refused_when_the_file_changes_meanwhile(
    client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 100_000)
    with UploadSource(path) as source:
        path.write_bytes(b"y" * 100_000)
        with pytest.raises(InvalidArgument) as raised:
            client._upload(source, "0199aa00-0000-7000-8000-00000000000b", None)
        assert raised.value.reason == "DIGEST_MISMATCH"
        path.write_bytes(b"y")
        with pytest.raises(InvalidArgument, match="shorter"):
            client._upload(source, "0199aa00-0000-7000-8000-00000000000c", None)


@pytest.mark.parametrize("data", [b"", b"a", DATA[:CHUNK], DATA[: CHUNK + 1]])
def test_any_size_arrives_when_uploaded(peer: Peer, client: Client, data: bytes) -> None:
    assert stored(peer, client.upload(data)) == data


def test_a_pipe_arrives_when_it_cannot_be_read_twice(peer: Peer, client: Client) -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb") as sink:
        sink.write(DATA[:1000])
    peer.faults.upload_breaks = [(1, UNAVAILABLE)]
    with os.fdopen(read_end, "rb") as pipe:
        artifact = client.upload(pipe)
    assert stored(peer, artifact) == DATA[:1000]


def test_a_file_object_is_sent_from_its_position_when_it_was_read(
    peer: Peer, client: Client
) -> None:
    file = io.BytesIO(DATA[:1000])
    file.seek(400)
    assert stored(peer, client.upload(file)) == DATA[400:1000]
    assert not file.closed


def test_a_stream_arrives_when_it_exists_only_once(peer: Peer, client: Client) -> None:
    pieces = (DATA[:10], b"", DATA[10:])
    artifact = client.upload_stream(pieces, "a.bin")
    assert stored(peer, artifact) == DATA


def test_the_streams_own_error_is_raised_when_it_breaks(client: Client) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"some"
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="the source broke"):
        client.upload_stream(pieces(), "a.bin")


async def test_the_asyncio_streams_own_error_is_raised_when_it_breaks(peer: Peer) -> None:
    async def pieces(*, broken: bool) -> AsyncIterator[bytes]:
        yield b"some"
        if broken:
            raise ValueError("the source broke")

    async with AsyncClient(peer.address, TOKEN, policy=FAST) as client:
        with pytest.raises(ValueError, match="the source broke"):
            await client.upload_stream(pieces(broken=True), "a.bin")
        artifact = await client.upload_stream(pieces(broken=False), "a.bin")
    assert stored(peer, artifact) == b"some"


def test_a_text_file_object_is_refused_when_uploaded(client: Client) -> None:
    with pytest.raises(InvalidArgument, match="binary"):
        client.upload(io.StringIO("text"))  # type: ignore[arg-type]  # what the test is about


def test_a_download_goes_on_where_it_broke_when_the_service_goes_away(
    peer: Peer, client: Client, tmp_path: Path
) -> None:
    artifact = peer.add_artifact(DATA)
    peer.faults.breaks = [(3, UNAVAILABLE), (0, INTERNAL), (5, UNAVAILABLE)]
    path = client.download(artifact, tmp_path / "out.bin")
    assert path.read_bytes() == DATA
    assert peer.download_offsets == [0, 3 * 65536, 3 * 65536, 8 * 65536]
    assert names_in(tmp_path) == ["out.bin"]


async def test_an_asyncio_download_goes_on_where_it_broke_when_the_service_goes_away(
    peer: Peer, tmp_path: Path
) -> None:
    artifact = peer.add_artifact(DATA)
    peer.faults.breaks = [(3, UNAVAILABLE), (5, UNAVAILABLE)]
    async with AsyncClient(peer.address, TOKEN, policy=FAST) as client:
        path = await client.download(artifact.artifact_id, tmp_path / "out.bin")
        pieces = [piece async for piece in client.read(artifact)]
    assert path.read_bytes() == DATA
    assert b"".join(pieces) == DATA
    assert peer.download_offsets == [0, 3 * 65536, 8 * 65536, 0]


def test_a_download_goes_on_when_it_is_started_again(
    peer: Peer, client: Client, tmp_path: Path
) -> None:
    artifact = peer.add_artifact(DATA)
    gone = ErrorDetails(Unavailable.code, "gone")
    policy = CallPolicy(stream=ResumePolicy(first_delay_seconds=0.01, patience_seconds=0.0))
    peer.faults.breaks = [(6, gone)]
    with Client(peer.address, TOKEN, policy=policy) as hasty, pytest.raises(Unavailable):
        hasty.download(artifact, tmp_path / "out.bin")
    assert not (tmp_path / "out.bin").exists()
    assert client.download(artifact, tmp_path / "out.bin").read_bytes() == DATA
    assert peer.download_offsets == [0, 6 * 65536]
    assert names_in(tmp_path) == ["out.bin"]


def test_a_kept_part_is_dropped_when_it_is_damaged(
    peer: Peer, client: Client, tmp_path: Path
) -> None:
    artifact = peer.add_artifact(DATA)
    kept = tmp_path / f".out.bin.{artifact.artifact_id}.part"
    for damaged in (b"not what it was", b"x" * (len(DATA) + 1)):
        kept.write_bytes(damaged)
        assert client.download(artifact, tmp_path / "out.bin").read_bytes() == DATA
        assert not kept.exists()


def test_no_file_appears_when_the_bytes_are_wrong(
    peer: Peer, client: Client, tmp_path: Path
) -> None:
    artifact = peer.add_artifact(DATA)
    peer.artifacts[artifact.artifact_id].data = DATA[:-1] + b"?"
    (tmp_path / "out.bin").write_bytes(b"before")
    with pytest.raises(DigestMismatch):
        client.download(artifact, tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == b"before"
    assert names_in(tmp_path) == ["out.bin"]
    with pytest.raises(DigestMismatch):
        list(client.read(artifact))


def test_too_many_bytes_are_refused_when_read(peer: Peer, client: Client) -> None:
    artifact = peer.add_artifact(DATA)
    peer.artifacts[artifact.artifact_id].data = DATA + b"more"
    with pytest.raises(DigestMismatch, match="more bytes"):
        list(client.read(artifact))


def test_a_part_is_read_when_an_offset_is_given(peer: Peer, client: Client) -> None:
    artifact = peer.add_artifact(DATA)
    assert b"".join(client.read(artifact, offset=2_000_000)) == DATA[2_000_000:]


def test_nothing_is_left_behind_when_there_is_no_such_artifact(
    client: Client, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        client.download("0199aa00-0000-7000-8000-00000000000d", tmp_path / "out.bin")
    assert names_in(tmp_path) == []


def test_an_empty_artifact_becomes_a_file_when_downloaded(
    peer: Peer, client: Client, tmp_path: Path
) -> None:
    assert client.download(peer.add_artifact(b""), tmp_path / "none").read_bytes() == b""


def test_a_long_text_is_uploaded_once_when_the_request_is_repeated(
    peer: Peer, client: Client
) -> None:
    text = "Good morning. " * 100_000
    first = client.translate_text(text, "en", ["pt"], request_id="r1")
    again = client.translate_text(text, "en", ["pt"], request_id="r1")
    assert first.job_id == again.job_id
    (only,) = peer.artifacts.values()
    assert only.data == text.encode()
    assert first.spec.translate_text.artifact_id == only.artifact.artifact_id


def test_a_long_result_is_downloaded_when_its_text_is_asked_for(peer: Peer, client: Client) -> None:
    job = job_pb2.Job(
        targets=[
            job_pb2.Target(
                key="pt",
                state=job_pb2.TARGET_STATE_COMPLETED,
                outputs=[peer.add_artifact("Olá. ".encode() * 10_000)],
            )
        ]
    )
    assert client.job_text(job, "pt") == "Olá. " * 10_000


async def test_the_loop_is_free_when_a_file_is_hashed(peer: Peer, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(DATA * 10)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with AsyncClient(peer.address, TOKEN) as client:
        turning = asyncio.create_task(turn())
        await client.upload(path)
        turning.cancel()
    assert turns > 60, "one turn a chunk is the least"


def test_a_missing_file_is_the_systems_own_error_when_uploaded(client: Client) -> None:
    with pytest.raises(FileNotFoundError):
        client.upload("/nowhere/at/all")
    with pytest.raises(BabelmillError):
        client.get_artifact("0199aa00-0000-7000-8000-00000000000d")
