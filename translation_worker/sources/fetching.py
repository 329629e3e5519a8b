"""Fetches what an address serves into a file, within limits of place, size and time.

A server is as little trusted as the client who named it: every hop is checked, redirects are few,
and what it sends is cut off when it is too much, too slow, or unpacks to too much. The worker sends
no credentials, no cookies and no referrer, and uses no proxy.
"""

import email.message
import logging
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urljoin

import certifi
import httpcore

from babelmill.kit.process.logs import get_logger
from babelmill.kit.wire.addresses import (
    AddressRefused,
    HostNotFound,
    Resolver,
    WebAddress,
    read_address,
)
from babelmill.kit.wire.checked_connections import Allowance, CheckedBackend
from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.outcome import StepFailure
from translation_worker.sources.charsets import make_utf8
from translation_worker.sources.source_settings import SourceSettings

MAX_REDIRECTS = 3
# A server that sends less than this after the first seconds keeps a worker busy for nothing.
LEAST_BYTES_PER_SECOND = 1024
RATE_FREE_SECONDS = 10.0
_PIECE_BYTES = 64 * 1024
_MAX_FILENAME_CHARACTERS = 150
_HEADERS = [
    (b"User-Agent", b"babelmill"),
    (b"Accept", b"*/*"),
    (b"Accept-Encoding", b"gzip, identity"),
]
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 200, 400, 500
_TRY_LATER = frozenset({408, 421, 425, 429})
# Kinds that no codec reads; the rest is told apart by its content.
_OTHER_MEDIA = frozenset({"audio", "font", "image", "model", "multipart", "video"})
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched: its name and media type as the server tells, and where it was found.

    `charset` is the encoding that the server names, "" if it names none; see `charsets`.
    """

    filename: str
    media_type: str
    final_url: str
    charset: str = ""


def fetch(
    url: str,
    target: Path,
    settings: SourceSettings,
    stop: Callable[[], None],
    *,
    resolver: Resolver | None = None,
) -> Fetched:
    """Fetch `url` into the file `target`; `stop` raises when the work shall stop.

    Raises StepFailure URL_REFUSED, URL_NOT_FOUND, URL_UNAVAILABLE, URL_TOO_LARGE or
    UNSUPPORTED_FORMAT; then there may be a part of a file.
    """
    # At its lowest level the library would log the addresses that clients name.
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    allowance = Allowance(settings.fetch_timeout_seconds, stop)
    backend = CheckedBackend(allowance, settings.fetch_hosts, resolver)
    try:
        with httpcore.ConnectionPool(
            ssl_context=_tls(), network_backend=backend, http2=False, retries=0
        ) as pool:
            address = read_address(url)
            for _ in range(MAX_REDIRECTS + 1):
                with pool.stream(
                    "GET",
                    httpcore.URL(
                        scheme=address.scheme.encode(),
                        host=address.host.encode(),
                        port=address.port,
                        target=address.target.encode(),
                    ),
                    headers=[(b"Host", address.host_header.encode()), *_HEADERS],
                ) as response:
                    headers = _Headers(response.headers)
                    if response.status in _REDIRECTS and headers["location"]:
                        address = _redirected(address, headers["location"])
                        continue
                    _check_status(response.status, headers)
                    fetched = _described(address, headers)
                    _receive(response.iter_stream(), headers, target, settings)
                    make_utf8(target, fetched.media_type, fetched.charset)
                    return fetched
    except AddressRefused as error:
        raise StepFailure(
            FailureReason.URL_REFUSED, _sentence(error.message), metadata={"cause": error.word}
        ) from error
    except HostNotFound as error:
        reason = FailureReason.URL_UNAVAILABLE if error.temporary else FailureReason.URL_NOT_FOUND
        raise StepFailure(reason, _sentence(str(error)), metadata={"cause": "DNS"}) from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise _failed_exchange(error, allowance) from error
    raise StepFailure(
        FailureReason.URL_REFUSED,
        f"The address redirects more than {MAX_REDIRECTS} times.",
        metadata={"cause": "REDIRECTS"},
    )


class _Headers:
    """The headers of a response; of repeated ones the first counts."""

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            self._values.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def __getitem__(self, name: str) -> str:
        return self._values.get(name, "")


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:  # images without the system's certificates
        context.load_verify_locations(certifi.where())
    return context


def _redirected(address: WebAddress, location: str) -> WebAddress:
    try:
        # Some servers send UTF-8 there although a header is ASCII.
        location = location.encode("latin-1").decode()
    except UnicodeError:
        raise AddressRefused("MALFORMED", "a redirect's address is malformed") from None
    try:
        return read_address(urljoin(address.url, location))
    except ValueError:
        raise AddressRefused("MALFORMED", "a redirect's address is malformed") from None


def _check_status(status: int, headers: _Headers) -> None:
    if status == _OK:
        return
    told = {"http_status": str(status)}
    if status in _TRY_LATER or status >= _FIRST_SERVER_ERROR:
        wait = headers["retry-after"]
        raise StepFailure(
            FailureReason.URL_UNAVAILABLE,
            f"The server answers with status {status}.",
            retry_after_seconds=float(wait) if wait.isascii() and wait.isdigit() else None,
            metadata=told,
        )
    reason = (
        FailureReason.URL_NOT_FOUND
        if status >= _FIRST_CLIENT_ERROR
        else FailureReason.URL_UNAVAILABLE
    )
    raise StepFailure(
        reason, f"The server answers with status {status}.", retryable=False, metadata=told
    )


def _described(address: WebAddress, headers: _Headers) -> Fetched:
    message = email.message.Message()
    message["content-type"] = headers["content-type"] or "application/octet-stream"
    media_type = message.get_content_type()
    if media_type.partition("/")[0] in _OTHER_MEDIA:
        raise StepFailure(
            FailureReason.UNSUPPORTED_FORMAT,
            "The address serves a kind of media that holds no text to translate.",
            metadata={"media_type": media_type[:100]},
        )
    name = PurePosixPath(unquote(address.target.partition("?")[0])).name
    kept = "".join(c for c in name if c.isprintable() and c not in '<>:"|?*\\').strip(" .")
    return Fetched(
        kept[-_MAX_FILENAME_CHARACTERS:] or "document",
        media_type,
        address.url,
        str(message.get_content_charset() or ""),
    )


def _receive(
    pieces: Iterable[bytes], headers: _Headers, target: Path, settings: SourceSettings
) -> None:
    limit_bytes = settings.fetch_max_bytes
    announced = headers["content-length"]
    if announced.isascii() and announced.isdigit() and int(announced) > limit_bytes:
        raise _too_large(limit_bytes)
    coding = headers["content-encoding"].strip().lower()
    written = 0
    with target.open("wb") as file:
        for piece in _decoded(_paced(pieces, limit_bytes), coding):
            written += len(piece)
            if written > limit_bytes:
                raise _too_large(limit_bytes)
            file.write(piece)


def _paced(pieces: Iterable[bytes], limit_bytes: int) -> Iterator[bytes]:
    started = time.monotonic()
    received = 0
    for piece in pieces:
        received += len(piece)
        if received > limit_bytes:
            raise _too_large(limit_bytes)
        elapsed = time.monotonic() - started
        if elapsed > RATE_FREE_SECONDS and received < elapsed * LEAST_BYTES_PER_SECOND:
            raise StepFailure(FailureReason.URL_TOO_LARGE, "The address serves too slowly.")
        yield piece


def _decoded(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    if coding in {"", "identity"}:
        yield from pieces
        return
    if coding not in {"gzip", "x-gzip"}:
        raise StepFailure(
            FailureReason.URL_UNAVAILABLE,
            "The server encodes its answer in a way that it was not asked for.",
            retryable=False,
        )
    unpacker = _unpacker()
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if unpacker.eof:  # several members make one file
                    unpacker = _unpacker()
                # Never more at a time than a piece: a bomb is counted as it goes off.
                yield unpacker.decompress(rest, _PIECE_BYTES)
                rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    except zlib.error as error:
        raise _garbled() from error
    if not unpacker.eof:
        raise _garbled()


def _unpacker() -> "zlib._Decompress":
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _garbled() -> StepFailure:
    return StepFailure(FailureReason.URL_UNAVAILABLE, "The server's answer is garbled or cut off.")


def _too_large(limit_bytes: int) -> StepFailure:
    return StepFailure(
        FailureReason.URL_TOO_LARGE,
        f"The address serves more than {limit_bytes} bytes.",
        metadata={"limit_bytes": str(limit_bytes)},
    )


def _failed_exchange(error: Exception, allowance: Allowance) -> StepFailure:
    _log.info("fetch_failed", error=type(error).__name__)
    if allowance.is_over:
        return StepFailure(FailureReason.URL_TOO_LARGE, "The address serves too slowly.")
    if isinstance(error.__cause__, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError):
        return StepFailure(
            FailureReason.URL_UNAVAILABLE,
            "The server does not prove who it is: its certificate is not accepted.",
            retryable=False,
            metadata={"cause": "TLS"},
        )
    if isinstance(error, httpcore.TimeoutException):
        return StepFailure(FailureReason.URL_UNAVAILABLE, "The server does not answer in time.")
    return StepFailure(FailureReason.URL_UNAVAILABLE)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
