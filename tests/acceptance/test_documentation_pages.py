"""The API's pages in a real browser that can reach this machine and nothing else."""

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.acceptance.conftest import Stack

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
TIMEOUT_SECONDS = 90


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("there is no Chromium here; `make ci-tools` installs it")
    return found


def open_page(browser: str, url: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--user-data-dir={folder}/profile",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--virtual-time-budget=30000",
            f"--log-net-log={folder}/network.json",
            "--dump-dom",
            url,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.row("S1.6")
@pytest.mark.matrix(61)
def test_every_operation_is_shown_when_there_is_no_internet(
    stack: Stack, browser: str, tmp_path: Path
) -> None:
    paths = httpx.get(f"{stack.http}/openapi.json", timeout=30).json()["paths"]
    opened = {}
    for page in ("docs", "redoc"):
        (tmp_path / page).mkdir()
        opened[page] = open_page(browser, f"{stack.http}/{page}", tmp_path / page)
    shown = {page: each.communicate(timeout=TIMEOUT_SECONDS)[0] for page, each in opened.items()}
    for page, text in shown.items():
        words = re.sub(r"<[^>]+>|&ZeroWidthSpace;|\u200b", "", text)
        missing = [path for path in paths if path not in words]
        assert missing == [], f"{page} does not show all"
        asked = re.findall(
            r'"url":"([^"]+)"', (tmp_path / page / "network.json").read_text(errors="replace")
        )
        assert f"{stack.http}/openapi.json" in asked
        assert [url for url in asked if not url.startswith((stack.http, "data:"))] == []
    assert shown["docs"].count('class="opblock-summary-path"') >= len(paths)
