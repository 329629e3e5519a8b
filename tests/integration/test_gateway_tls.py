"""The gateway's own port speaks TLS where it is told to, and asks for certificates."""

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.integration.gateway_edge import running_edge
from tests.security.certificates import Authority

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: mill\r\nConnection: close\r\n\r\n"
NO_SERVICE = "127.0.0.1:1"


def context_of(authority: Authority, version: ssl.TLSVersion, name: str = "") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.path)
    if name:
        context.load_cert_chain(*authority.issue(name))
    # Else this side would not even try the old version.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = context.minimum_version = version
    return context


async def answer(url: str, context: ssl.SSLContext) -> bytes:
    """Ask for the gateway's health; nothing is what those get that are not let in."""
    host, port = url.removeprefix("http://").split(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    except (ssl.SSLError, ConnectionError):
        return b""
    try:
        writer.write(REQUEST)
        return await asyncio.wait_for(reader.read(), 10)
    except (ssl.SSLError, ConnectionError):
        return b""
    finally:
        writer.transport.abort()


@pytest.mark.matrix(60)
# The old version is asked for on purpose.
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_browser_is_answered_when_its_tls_and_certificate_are_good(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    theirs = Authority(tmp_path, "theirs")
    certificate, key = ours.issue("edge")
    async with running_edge(
        NO_SERVICE,
        http_listen_cert=certificate,
        http_listen_key=key,
        http_listen_client_ca=ours.path,
    ) as edge:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            told = await answer(edge.url, context_of(ours, version, "browser"))
            assert told.startswith(b"HTTP/1.1 200"), version
            assert await answer(edge.url, context_of(ours, version)) == b"", "no certificate"
            stranger = context_of(ours, version)
            stranger.load_cert_chain(*theirs.issue("stranger"))
            assert await answer(edge.url, stranger) == b"", "another authority's"
        old = context_of(ours, ssl.TLSVersion.TLSv1_1, "browser")
        assert await answer(edge.url, old) == b""
