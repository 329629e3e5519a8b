"""Addresses that clients name: which of them may be connected to.

A client must not reach through a service what it cannot reach by itself: the machine, its network,
the metadata service of a cloud. So a name is resolved once, every address that it has is judged,
and the connection is made to an address that was judged, never to the name. An operator may allow
hosts that are not public; these are trusted wherever they lead.

Sources: IANA special-purpose address registries (RFC 6890), RFC 6598 (CGNAT), RFC 6052 (NAT64),
RFC 3056 (6to4), RFC 4380 (Teredo), RFC 5156, WHATWG URL (numbers as hosts).
"""

import ipaddress
import queue
import re
import socket
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias
from urllib.parse import quote, urlsplit

import idna

Address: TypeAlias = IPv4Address | IPv6Address
Resolver: TypeAlias = Callable[[str, int], Sequence[str]]

MAX_URL_CHARACTERS = 2048
RESOLVE_TIMEOUT_SECONDS = 10.0
DEFAULT_PORTS = {"http": 80, "https": 443}
_FIRST_UNPRIVILEGED_PORT = 1024
_LARGEST_PORT = 65535

_CLOSED_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carriers' NAT, and the metadata of one cloud
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # the host of machines in one cloud, by a public number
            "169.254.0.0/16",  # link-local, and the metadata of most clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_OPEN_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: leads to any IPv4 address
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = re.compile(r"[0-9a-f]{16}0[0-3]005efe[0-9a-f]{8}")
_NUMBER = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MAX_HOST_CHARACTERS = 253


class AddressRefused(Exception):
    """The address must not be visited; `word` tells programs why, the message people.

    The message holds nothing of the address itself.
    """

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message)
        self.word = word
        self.message = message


class HostNotFound(Exception):
    """The host has no address; `temporary` if asking again may help."""

    def __init__(self, *, temporary: bool) -> None:
        super().__init__("the host's name could not be resolved")
        self.temporary = temporary


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An address taken apart: an ASCII host, its port, and what is asked of it."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def host_header(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address in one piece."""
        return f"{self.scheme}://{self.host_header}{self.target}"


def read_address(url: str) -> WebAddress:
    """Take an address of http or https apart. Raises AddressRefused for any other, or a wrong one.

    It is stricter than browsers are: what could be read in two ways is refused.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise AddressRefused("TOO_LONG", f"the address is over {MAX_URL_CHARACTERS} characters")
    if any(c <= " " or c in {"\\", "\x7f"} for c in url):
        raise AddressRefused("MALFORMED", "the address holds characters that it may not")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("MALFORMED", "the address is malformed") from None
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise AddressRefused("SCHEME", "only addresses of http and https are visited")
    if "@" in parts.netloc:
        raise AddressRefused("CREDENTIALS", "an address with credentials is not visited")
    if not parts.hostname:
        raise AddressRefused("MALFORMED", "the address names no host")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]") if parts.query else ""
    return WebAddress(
        scheme,
        ascii_host(parts.hostname, bracketed="[" in parts.netloc),
        DEFAULT_PORTS[scheme] if port is None else port,
        path + query,
    )


def ascii_host(host: str, *, bracketed: bool = False) -> str:
    """Return a host as it goes over the wire. Raises AddressRefused.

    Numbers must be addresses in their usual form: other notations (decimal, octal, hexadecimal,
    shortened) only serve to hide where they lead.
    """
    if bracketed or ":" in host:
        try:
            if "%" in host:
                raise ValueError
            return str(IPv6Address(host))
        except ValueError:
            raise AddressRefused("MALFORMED", "the host is no IPv6 address") from None
    try:
        name = idna.encode(host.rstrip("."), uts46=True, std3_rules=False).decode().lower()
    except (idna.IDNAError, UnicodeError):
        name = _plain_name(host.rstrip(".").lower())
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(name))
        except ValueError:
            raise AddressRefused("MALFORMED", "the host is no IPv4 address") from None
    return _plain_name(name)


def check_host(
    host: str,
    port: int,
    allowed_hosts: Collection[str] = (),
    resolver: Resolver | None = None,
) -> tuple[Address, ...]:
    """Return the addresses of a host that may be connected to, the resolver's first one first.

    `allowed_hosts` are the operator's: `host` or `host:port`, exempt from the checks. One closed
    address among open ones closes the host. Raises AddressRefused, HostNotFound.
    """
    name = ascii_host(host)
    allowed = is_allowed(name, port, allowed_hosts)
    if not allowed and not _is_open_port(port):
        raise AddressRefused("PORT", "the port is not one of web servers")
    addresses = _resolve(name, port, resolver or resolve)
    if not allowed and not all(map(is_public, addresses)):
        raise AddressRefused("NOT_PUBLIC", "the host has an address that is not public")
    return addresses


def is_public(address: Address) -> bool:
    """Tell whether an address is a public unicast one, whatever it is wrapped in."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    if address in _NAT64:  # how networks without IPv4 see the addresses of those that have it
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return (
        address in _OPEN_V6
        and not any(address in network for network in _CLOSED_V6)
        and not _ISATAP.fullmatch(f"{int(address):032x}")
        and address.scope_id is None
    )


def is_allowed(host: str, port: int, allowed_hosts: Collection[str]) -> bool:
    """Tell whether the operator allows a host (in its wire form) with this port."""
    return any(
        entry.lower() in {host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}"}
        for entry in allowed_hosts
    )


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for a host's addresses. Raises HostNotFound."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise HostNotFound(temporary=error.errno == socket.EAI_AGAIN) from error
    except (OSError, UnicodeError) as error:
        raise HostNotFound(temporary=False) from error
    return [str(entry[4][0]) for entry in found]


def _resolve(name: str, port: int, resolver: Resolver) -> tuple[Address, ...]:
    try:
        return (ipaddress.ip_address(name),)
    except ValueError:
        pass
    found = tuple(dict.fromkeys(ipaddress.ip_address(a) for a in _in_time(resolver, name, port)))
    if not found:
        raise HostNotFound(temporary=False)
    return found


def _in_time(resolver: Resolver, name: str, port: int) -> Sequence[str]:
    """Wait for the resolver, which knows no timeout, only so long. Raises HostNotFound."""
    answers: queue.SimpleQueue[Sequence[str] | HostNotFound] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolver(name, port))
        except HostNotFound as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=RESOLVE_TIMEOUT_SECONDS)
    except queue.Empty:
        raise HostNotFound(temporary=True) from None
    if isinstance(answer, HostNotFound):
        raise answer
    return answer


def _plain_name(name: str) -> str:
    if len(name) > _MAX_HOST_CHARACTERS or not all(map(_LABEL.fullmatch, name.split("."))):
        raise AddressRefused("MALFORMED", "the host's name is malformed")
    return name


def _is_open_port(port: int) -> bool:
    return port in DEFAULT_PORTS.values() or _FIRST_UNPRIVILEGED_PORT <= port <= _LARGEST_PORT
