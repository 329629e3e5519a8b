"""An HTTP/2 client without manners: frames as the test wants them, on a plain socket."""

import socket
import struct
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import h2.config
import h2.connection
import h2.events

Headers = Sequence[tuple[str, str]]


class Http2Peer:
    """One connection. `h2` keeps its state; the rules of gRPC are nobody's here."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding=None)
        )
        self._h2.initiate_connection()
        self.flush()
        self.events: list[h2.events.Event] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def flush(self) -> None:
        self.socket.sendall(self._h2.data_to_send())

    def call(self, path: str, message: bytes, metadata: Headers = (), timeout: str = "") -> int:
        """Begin a call and send its message; return the stream."""
        stream = self._h2.get_next_available_stream_id()
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            *metadata,
        ]
        if timeout:
            headers.append(("grpc-timeout", timeout))
        self._h2.send_headers(stream, headers)
        framed = struct.pack(">BI", 0, len(message)) + message
        self._h2.send_data(stream, framed, end_stream=True)
        return stream

    def reset(self, stream: int) -> None:
        """Give a call up (RST_STREAM)."""
        self._h2.reset_stream(stream)

    def ping(self) -> None:
        self._h2.ping(b"12345678")

    def read(self, seconds: float = 0.05) -> bool:
        """Take in what comes; false when the other side has closed."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65_536)
        except TimeoutError:
            return True
        except OSError:
            return False
        if not data:
            return False
        self.events.extend(self._h2.receive_data(data))
        self.flush()
        return True

    def status_of(self, stream: int, within_seconds: float = 10) -> str:
        """Wait for a call's `grpc-status`."""
        deadline = time.monotonic() + within_seconds
        while time.monotonic() < deadline:
            for event in self.events:
                if (
                    isinstance(event, h2.events.TrailersReceived | h2.events.ResponseReceived)
                    and event.stream_id == stream
                ):
                    for name, value in event.headers or ():
                        if name == b"grpc-status":
                            return value.decode()
            if not self.read():
                break
        raise AssertionError("the call has not ended")

    @property
    def sent_away(self) -> bool:
        """Whether a GOAWAY has come."""
        return any(isinstance(each, h2.events.ConnectionTerminated) for each in self.events)
