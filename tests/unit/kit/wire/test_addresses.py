"""Which addresses a worker visits, and which it never does."""

import ipaddress
import time
from collections.abc import Sequence

import pytest

from babelmill.kit.wire import addresses
from babelmill.kit.wire.addresses import (
    AddressRefused,
    HostNotFound,
    check_host,
    is_public,
    read_address,
)


def _at(*found: str) -> addresses.Resolver:
    return lambda _host, _port: found


@pytest.mark.matrix(40, 41, 45)
@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("file:///etc/passwd", "SCHEME"),
        ("gopher://example.com/", "SCHEME"),
        ("data:text/html,x", "SCHEME"),
        ("ftp://example.com/x", "SCHEME"),
        ("//example.com/x", "SCHEME"),
        ("javascript:alert(1)", "SCHEME"),
        ("", "SCHEME"),
        ("http://user:pw@example.com/", "CREDENTIALS"),
        ("http://user@example.com/", "CREDENTIALS"),
        ("http://@example.com/", "CREDENTIALS"),
        ("http:///x", "MALFORMED"),
        ("http://exa mple.com/", "MALFORMED"),
        ("http://example.com\\@10.0.0.1/", "MALFORMED"),
        ("http://example.com/\r\nHost: x", "MALFORMED"),
        ("http://example.com/\x00", "MALFORMED"),
        ("http://example.com:99999/", "MALFORMED"),
        ("http://example.com:x/", "MALFORMED"),
        ("http://[::1/", "MALFORMED"),
        ("http://[fe80::1%25eth0]/", "MALFORMED"),
        ("http://2130706433/", "MALFORMED"),
        ("http://0x7f000001/", "MALFORMED"),
        ("http://0x7f.0.0.1/", "MALFORMED"),
        ("http://0177.0.0.1/", "MALFORMED"),
        ("http://127.1/", "MALFORMED"),
        ("http://127.0.0.1.5/", "MALFORMED"),
        ("http://1.2.3.0x7f/", "MALFORMED"),
        ("http://ex%61mple.com/", "MALFORMED"),
        ("http://a..b/", "MALFORMED"),
        (f"http://{'a' * 64}.com/", "MALFORMED"),
        (f"http://example.com/{'a' * 2048}", "TOO_LONG"),
    ],
)
def test_address_is_refused_when_it_is_not_plainly_of_the_web(url: str, word: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        read_address(url)
    assert refused.value.word == word
    assert "example" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        ("https://example.com.:443/a?b=c#d", "https://example.com/a?b=c"),
        ("http://example.com:8080/ä b".replace(" ", "%20"), "http://example.com:8080/%C3%A4%20b"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://a_b.example/", "http://a_b.example/"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
        ("http://①②⑦.0.0.1/", "http://127.0.0.1/"),
        ("http://[::FFFF:7f00:1]/", "http://[::ffff:7f00:1]/"),
    ],
)
def test_address_is_read_when_it_is_of_the_web(url: str, written: str) -> None:
    assert read_address(url).url == written


@pytest.mark.matrix(41)
@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.1"),
        *("168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192"),
        *("192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1"),
        *("203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:7f00:1"),
        *("64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::a00:1", "100::1"),
        *("2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "2002:808:808::"),
        *("fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "3fff::1", "5f00::1"),
        *("2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:7f00:1", "4000::1"),
    ],
)
def test_host_is_refused_when_its_address_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(AddressRefused) as refused:
        check_host("rebound.example", 80, resolver=_at("93.184.216.34", address))
    assert refused.value.word == "NOT_PUBLIC"
    with pytest.raises(AddressRefused):
        check_host(address, 80)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1", "64:ff9b::5db8:d822"])
def test_addresses_are_given_when_all_are_public(address: str) -> None:
    found = check_host("public.example", 443, resolver=_at(address, "1.1.1.1", address))
    assert [str(each) for each in found] == [address, "1.1.1.1"]


@pytest.mark.parametrize("port", [0, 22, 25, 81, 1023, 65536])
def test_host_is_refused_when_the_port_is_not_of_the_web(port: int) -> None:
    with pytest.raises(AddressRefused) as refused:
        check_host("public.example", port, resolver=_at("1.1.1.1"))
    assert refused.value.word == "PORT"


@pytest.mark.parametrize(
    "entry", ["wiki.intranet", "Wiki.Intranet:81", "wiki.intranet:81", "other", "10.0.0.9:81"]
)
def test_host_is_exempt_when_the_operator_allows_it_with_its_port(entry: str) -> None:
    given = (entry,)
    if entry in {"other", "10.0.0.9:81"}:
        with pytest.raises(AddressRefused):
            check_host("wiki.intranet", 81, given, resolver=_at("10.0.0.9"))
    else:
        (address,) = check_host("wiki.intranet", 81, given, resolver=_at("10.0.0.9"))
        assert str(address) == "10.0.0.9"
    with pytest.raises(AddressRefused):
        check_host("not-wiki.intranet", 81, given, resolver=_at("10.0.0.9"))


def test_host_is_not_found_when_it_has_no_address() -> None:
    with pytest.raises(HostNotFound) as missing:
        check_host("empty.example", 80, resolver=_at())
    assert not missing.value.temporary


def test_host_is_not_found_when_the_resolver_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "RESOLVE_TIMEOUT_SECONDS", 0.05)

    def hang(host: str, port: int) -> Sequence[str]:
        time.sleep(0.5)
        return ["1.1.1.1"]

    with pytest.raises(HostNotFound) as missing:
        check_host("slow.example", 80, resolver=hang)
    assert missing.value.temporary
