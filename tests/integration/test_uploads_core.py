"""Uploads and downloads on a real database and a real directory."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from job_service.application.limits import Limits
from job_service.application.uploads import UploadRequest
from job_service.domain.content import digest_of
from job_service.domain.errors import (
    ArtifactDamaged,
    ArtifactExists,
    ArtifactNotFound,
    ArtifactNotReady,
    InvalidRequest,
    OffsetBeyondEnd,
    OffsetMismatch,
    TooLarge,
)
from job_service.domain.job import Artifact, ArtifactState, Digest
from tests.integration.core import Core, open_core

CONTENT = bytes(range(256)) * 3000
REQUEST = UploadRequest(filename="a.bin", media_type="application/octet-stream")


@pytest.fixture
def core(database_url: str, tmp_path: Path) -> Iterator[Core]:
    with open_core(database_url, tmp_path / "artifacts") as opened:
        yield opened


def _upload(core: Core, content: bytes = CONTENT, request: UploadRequest = REQUEST) -> Artifact:
    artifact = core.uploads.begin(core.tenant, request)
    core.uploads.append(core.tenant, artifact.artifact_id, 0, content)
    return core.uploads.finish(core.tenant, artifact.artifact_id)


def _read(core: Core, artifact: Artifact, offset: int = 0) -> bytes:
    _, chunks = core.uploads.open(core.tenant, artifact.artifact_id, offset)
    return b"".join(chunks)


def test_bytes_come_back_when_uploaded_in_chunks(core: Core) -> None:
    artifact_id = core.uploads.begin(core.tenant, REQUEST).artifact_id
    for offset in range(0, len(CONTENT), 100_000):
        chunk = CONTENT[offset : offset + 100_000]
        sent = core.uploads.append(core.tenant, artifact_id, offset, chunk)
        assert sent.received_bytes == offset + len(chunk)
    ready = core.uploads.finish(core.tenant, artifact_id)
    assert ready.state is ArtifactState.READY
    assert ready.digest == digest_of(CONTENT)
    assert core.uploads.finish(core.tenant, artifact_id) == ready
    assert _read(core, ready) == CONTENT
    assert _read(core, ready, 700_000) == CONTENT[700_000:]
    assert _read(core, ready, len(CONTENT)) == b""


def test_upload_goes_on_where_it_broke_off(core: Core) -> None:
    request = replace(REQUEST, artifact_id=uuid4(), digest=digest_of(CONTENT))
    artifact_id = core.uploads.begin(core.tenant, request).artifact_id
    assert artifact_id == request.artifact_id
    core.uploads.append(core.tenant, artifact_id, 0, CONTENT[:1000])
    broken = core.uploads.finish(core.tenant, artifact_id)
    assert (broken.state, broken.received_bytes) == (ArtifactState.UPLOADING, 1000)
    assert core.uploads.get(core.tenant, artifact_id).received_bytes == 1000
    with pytest.raises(OffsetMismatch) as refused:
        core.uploads.begin(core.tenant, request)
    assert refused.value.metadata == {"received_bytes": "1000"}
    with pytest.raises(OffsetMismatch):
        core.uploads.append(core.tenant, artifact_id, 500, b"x")
    core.uploads.begin(core.tenant, replace(request, offset=1000))
    core.uploads.append(core.tenant, artifact_id, 1000, CONTENT[1000:])
    assert core.uploads.finish(core.tenant, artifact_id).digest == digest_of(CONTENT)


def test_nothing_is_sent_again_when_the_content_is_there(core: Core) -> None:
    request = replace(REQUEST, artifact_id=uuid4(), digest=digest_of(CONTENT))
    ready = _upload(core, request=request)
    assert core.uploads.begin(core.tenant, request) == ready
    for other in (
        replace(request, digest=digest_of(b"other")),
        replace(request, digest=None),
    ):
        with pytest.raises(ArtifactExists):
            core.uploads.begin(core.tenant, other)
    with pytest.raises(ArtifactExists):
        core.uploads.append(core.tenant, ready.artifact_id, len(CONTENT), b"more")


def test_bytes_are_dropped_when_they_do_not_match_the_digest(core: Core) -> None:
    request = replace(REQUEST, artifact_id=uuid4(), digest=digest_of(b"abc"))
    artifact_id = core.uploads.begin(core.tenant, request).artifact_id
    core.uploads.append(core.tenant, artifact_id, 0, b"abd")
    with pytest.raises(InvalidRequest) as refused:
        core.uploads.finish(core.tenant, artifact_id)
    assert refused.value.reason == "DIGEST_MISMATCH"
    core.uploads.begin(core.tenant, request)
    with pytest.raises(InvalidRequest):
        core.uploads.append(core.tenant, artifact_id, 0, b"abcd")
    core.uploads.append(core.tenant, artifact_id, 0, b"abc")
    assert core.uploads.finish(core.tenant, artifact_id).state is ArtifactState.READY


def test_upload_may_go_without_a_name(core: Core) -> None:
    assert _upload(core, request=replace(REQUEST, filename="")).filename == ""


def test_empty_content_is_an_artifact_too(core: Core) -> None:
    artifact_id = core.uploads.begin(core.tenant, REQUEST).artifact_id
    ready = core.uploads.finish(core.tenant, artifact_id)
    assert ready.digest == digest_of(b"")
    assert _read(core, ready) == b""


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, filename="../a"),
        replace(REQUEST, filename=".."),
        replace(REQUEST, filename="a" * 256),
        replace(REQUEST, filename="a\x00b"),
        replace(REQUEST, filename="a\u202eb"),
        replace(REQUEST, media_type="nonsense"),
        replace(REQUEST, media_type="text/plain\nx"),
        replace(REQUEST, offset=-1),
        replace(REQUEST, digest=Digest("zz", 1)),
        replace(REQUEST, digest=Digest("0" * 64, -1)),
    ],
)
def test_upload_is_refused_when_its_header_is_wrong(core: Core, request_: UploadRequest) -> None:
    with pytest.raises(InvalidRequest):
        core.uploads.begin(core.tenant, request_)


def test_upload_is_refused_when_it_is_too_large(database_url: str, tmp_path: Path) -> None:
    with open_core(database_url, tmp_path, Limits(max_upload_bytes=10)) as core:
        with pytest.raises(TooLarge):
            core.uploads.begin(core.tenant, replace(REQUEST, digest=Digest("0" * 64, 11)))
        artifact_id = core.uploads.begin(core.tenant, REQUEST).artifact_id
        core.uploads.append(core.tenant, artifact_id, 0, b"x" * 10)
        with pytest.raises(TooLarge):
            core.uploads.append(core.tenant, artifact_id, 10, b"x")


@pytest.mark.matrix(19)
def test_nothing_is_found_when_the_artifact_is_another_tenants(core: Core) -> None:
    other = core.tokens.create_tenant("two")
    request = replace(REQUEST, artifact_id=uuid4())
    ready = _upload(core, request=request)
    with pytest.raises(ArtifactNotFound):
        core.uploads.get(other, ready.artifact_id)
    with pytest.raises(ArtifactNotFound):
        core.uploads.open(other, ready.artifact_id)
    with pytest.raises(ArtifactNotFound):
        core.uploads.append(other, ready.artifact_id, 0, b"x")
    with pytest.raises(ArtifactNotFound):
        core.uploads.finish(other, ready.artifact_id)
    # The same id is free for the other tenant, which thus learns nothing.
    assert core.uploads.begin(other, request).received_bytes == 0
    assert _read(core, ready) == CONTENT


def test_reading_is_refused_when_there_is_nothing_to_read(core: Core) -> None:
    uploading = core.uploads.begin(core.tenant, REQUEST)
    with pytest.raises(ArtifactNotReady):
        core.uploads.open(core.tenant, uploading.artifact_id)
    with pytest.raises(OffsetBeyondEnd):
        core.uploads.open(core.tenant, _upload(core).artifact_id, len(CONTENT) + 1)
    with pytest.raises(ArtifactNotFound):
        core.uploads.open(core.tenant, uuid4())


def test_damage_is_noticed_when_stored_bytes_change_or_go(core: Core) -> None:
    changed, short, gone = _upload(core), _upload(core), _upload(core)
    for artifact in (changed, short, gone):
        assert artifact.storage_key is not None
        core.store.delete(artifact.storage_key)
    core.store.write(str(changed.storage_key), [CONTENT[::-1]])
    core.store.write(str(short.storage_key), [CONTENT[:10]])
    for artifact in (changed, short, gone):
        with pytest.raises(ArtifactDamaged):
            _read(core, artifact)


def test_writers_take_turns_when_they_upload_to_one_id(core: Core) -> None:
    artifact_id = core.uploads.begin(core.tenant, REQUEST).artifact_id

    def append(_: int) -> bool:
        try:
            core.uploads.append(core.tenant, artifact_id, 0, CONTENT)
        except OffsetMismatch:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(append, range(8))) == 1
    assert core.uploads.finish(core.tenant, artifact_id).digest == digest_of(CONTENT)


def test_output_is_read_when_its_job_has_made_it_inline(core: Core) -> None:
    job = core.create()
    core.complete(core.start(job), b"ola")
    (output,) = core.job(job).targets[0].outputs
    assert _read(core, output) == b"ola"
    assert _read(core, output, 1) == b"la"
    assert core.uploads.get(core.tenant, output.artifact_id).job_id == job.job_id
    with pytest.raises(ArtifactExists):
        core.uploads.begin(core.tenant, replace(REQUEST, artifact_id=output.artifact_id))
