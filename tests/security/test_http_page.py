"""What docs/http.md says works as it says it, by its own lines and a real curl."""

import os
import re
import shutil
import socket
import subprocess
import uuid
from pathlib import Path

import httpx
import pytest

from tests.deadlines import eventually
from tests.security.doors import Doors
from tests.security.raw_http import head, text_job

PAGE = Path(__file__).resolve().parents[2] / "docs" / "http.md"
CLIP = bytes(range(256)) * 4096
SENT_BYTES = 700_000


def commands() -> list[str]:
    """The page's indented blocks, in order."""
    return [
        block.replace("\n    ", "\n").strip()
        for block in re.findall(r"(?:^    .+\n)+", PAGE.read_text(), re.MULTILINE)
    ]


def run(doors: Doors, folder: Path, command: str, **values: str) -> str:
    ran = subprocess.run(
        ["bash", "-o", "pipefail", "-ec", command.replace("curl ", "curl -sS --fail-with-body ")],
        cwd=folder,
        env=os.environ | {"BABELMILL_TOKEN": doors.token, "BABELMILL_HTTP": doors.url} | values,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, (command, ran.stdout, ran.stderr)
    return ran.stdout


def has_ended(doors: Doors, method: str) -> bool:
    """Whether the gateway has seen the client of an upload go away."""
    served = doors.gateway.logged("request_served")
    return any((each["method"], each["status"]) == (method, 499) for each in served)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_every_line_works_when_it_is_typed(
    doors: Doors, http: httpx.Client, tmp_path: Path
) -> None:
    (tmp_path / "clip.mp4").write_bytes(CLIP)
    languages, upload, resume, watch = commands()
    assert "pairs" in run(doors, tmp_path, languages)

    whole = str(uuid.uuid4())
    assert '"state":"ready"' in run(doors, tmp_path, upload, ID=whole)
    assert http.get(f"/v1/artifacts/{whole}").json()["filename"] == "clip.mp4"
    assert http.get(f"/v1/artifacts/{whole}/content").content == CLIP

    broken = str(uuid.uuid4())
    begun = head(
        doors, f"PUT /v1/artifacts/{broken} HTTP/1.1", f"Content-Length: {len(CLIP)}"
    )  # fmt: skip
    with socket.create_connection(doors.http_address, timeout=10) as connection:
        connection.sendall(begun + CLIP[:SENT_BYTES])
        eventually(lambda: http.get(f"/v1/artifacts/{broken}").status_code == 200)
    eventually(lambda: has_ended(doors, "PUT"), timeout_seconds=60)
    ask, _, go_on = resume.partition("\n")

    def resumed() -> str:
        # What had been on its way may move the offset once more; then it is 409, and asked again.
        told = run(doors, tmp_path, ask, ID=broken).lower()
        (offset,) = re.findall(r"upload-offset: (\d+)", told)
        assert 0 <= int(offset) <= SENT_BYTES
        return run(doors, tmp_path, go_on, ID=broken, OFFSET=offset)

    assert '"state":"ready"' in eventually(resumed)
    assert http.get(f"/v1/artifacts/{broken}/content").content == CLIP

    job = http.post("/v1/jobs", json=text_job()).json()["job_id"]
    http.post(f"/v1/jobs/{job}/cancel")
    assert "event: end" in run(doors, tmp_path, watch, JOB=job)


def test_every_route_is_named_when_the_gateway_has_it(http: httpx.Client) -> None:
    page = PAGE.read_text()
    for path in http.get("/openapi.json").json()["paths"]:
        words = [part for part in path.split("/") if part and not part.startswith("{")]
        if path.startswith("/v1/") and words[1] != "webhooks":
            assert words[-1] in page, path
