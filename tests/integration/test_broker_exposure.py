"""Redis asks for its password; one that does not is told of."""

from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from babelmill.stack.valkey import EmbeddedValkey
from job_service.dispatch.broker_exposure import tell_of_exposure


@pytest.mark.matrix(58)
async def test_nobody_is_served_when_password_is_not_given(
    valkey_server: EmbeddedValkey,
) -> None:
    assert not await tell_of_exposure(valkey_server.url())
    stranger = redis.Redis(port=valkey_server.port)
    with pytest.raises(redis.AuthenticationError):
        stranger.flushall()
    stranger.close()
    assert "bind 127.0.0.1" in (valkey_server._directory / "valkey.conf").read_text()


@pytest.mark.matrix(58)
async def test_server_is_told_of_when_it_serves_anybody(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path, settings={"user": "default on nopass ~* &* +@all"})
    server.start()
    try:
        with capture_logs() as told:
            assert await tell_of_exposure(server.url())
    finally:
        server.stop()
    assert [each["event"] for each in told] == ["broker_needs_no_password"]
