"""Secrets that open for their own job alone."""

from pathlib import Path
from uuid import uuid4

import pytest

from job_service.application.secret_box import (
    BadSecretsKey,
    SecretBox,
    SecretUnreadable,
    read_key_file,
)

KEY = bytes(range(32))
TENANT, JOB = uuid4(), uuid4()


def test_secret_comes_back_when_its_own_job_opens_it() -> None:
    sealed = SecretBox(KEY).seal(TENANT, JOB, "sk-canary")
    assert b"canary" not in sealed
    assert SecretBox(KEY).open(TENANT, JOB, sealed) == "sk-canary"


def test_secret_is_sealed_anew_each_time() -> None:
    box = SecretBox(KEY)
    assert box.seal(TENANT, JOB, "same") != box.seal(TENANT, JOB, "same")
    assert box.digest("same") == box.digest("same") != SecretBox(bytes(32)).digest("same")


@pytest.mark.parametrize("change", ["job", "tenant", "key", "bit", "version", "cut", "nothing"])
def test_secret_stays_closed_when_anything_is_another(change: str) -> None:
    sealed = SecretBox(KEY).seal(TENANT, JOB, "sk-canary")
    tenant, job, key = TENANT, JOB, KEY
    match change:
        case "job":
            job = uuid4()
        case "tenant":
            tenant = uuid4()
        case "key":
            key = bytes(32)
        case "bit":
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        case "version":
            sealed = b"\x02" + sealed[1:]
        case "cut":
            sealed = sealed[:9]
        case _:
            sealed = b""
    with pytest.raises(SecretUnreadable):
        SecretBox(key).open(tenant, job, sealed)


def test_key_is_read_when_only_its_owner_can(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY.hex() + "\n")
    path.chmod(0o600)
    assert read_key_file(path) == KEY


@pytest.mark.parametrize(
    ("text", "mode", "problem"),
    [
        (KEY.hex(), 0o640, "owner only"),
        (KEY.hex()[:-2], 0o600, "64 hexadecimal"),
        ("zz" * 32, 0o600, "64 hexadecimal"),
        ("é" * 32, 0o600, "64 hexadecimal"),
        (None, 0, "cannot be read"),
    ],
)
def test_key_file_is_refused_when_it_cannot_be_trusted(
    tmp_path: Path, text: str | None, mode: int, problem: str
) -> None:
    path = tmp_path / "key"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(BadSecretsKey, match=problem) as caught:
        read_key_file(path)
    assert KEY.hex()[:-2] not in str(caught.value)
