"""The guard on what is fetched from addresses that documents name."""

import gzip
import ipaddress
import threading
from collections.abc import Iterator

import pytest

from claims.outbound.errors import TargetUnreachable, UnusableAddress
from claims.outbound.guard import Guard, _authorities
from tests.unit.authorities.web import Answer, Web, serving

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def redirecting(target: str) -> Answer:
    return lambda _: (302, {"Location": target}, b"")


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        yield web


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",  # noqa: S104 (refused, not listened at)
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # what clouds tell their machines
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "64:ff9b::a9fe:a9fe",  # NAT64 of 169.254.169.254
    ],
)
def test_what_is_not_public_is_not_asked(address: str) -> None:
    guard = Guard(resolver=lambda _host, _port: [address])
    with pytest.raises(UnusableAddress, match="public network"):
        guard.get("http://crl.example.test/a.crl", max_bytes=1)


def test_a_name_with_one_private_address_among_public_ones_is_not_asked() -> None:
    guard = Guard(resolver=lambda _host, _port: ["198.51.100.7", "10.0.0.1"])
    with pytest.raises(UnusableAddress):
        guard.get("http://crl.example.test/a.crl", max_bytes=1)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.test/a.crl",
        "ldap://example.test/cn=a",
        "gopher://example.test/",
        "http://",
        "http:///a.crl",
        "a.crl",
        "http://user:secret@example.test/a.crl",
        "http://user@example.test/a.crl",
        "http://example.test:0/",
        "http://example.test:99999/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[v1.x]/",
        "http://999.1.1.1/",
    ],
)
def test_other_addresses_are_not_asked(url: str) -> None:
    with pytest.raises(UnusableAddress):
        Guard(resolver=lambda _host, _port: ["127.0.0.1"], allowed=LOOPBACK).get(url, max_bytes=1)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@example.test/a?to=b@c", "https://example.test/a?to=b@c"),
        ("https://secret@example.test", "https://example.test"),
        ("https://user:sec/ret@example.test/a", "https://example.test/a"),
        ("https://user:secret@[::1/", "https://[::1/"),
        ("https://user:secret@example.test:0/", "https://example.test:0/"),
        ("user:secret@example.test", "example.test"),
    ],
)
def test_a_refusal_repeats_no_credentials(url: str, shown: str) -> None:
    with pytest.raises(UnusableAddress) as refused:
        Guard().check(url)
    assert (refused.value.url, str(refused.value)) == (shown, f"{shown}: {refused.value.detail}")
    assert "sec" not in refused.value.detail


@pytest.mark.parametrize("url", ["http://2130706433/", "http://0x7f.1/", "http://localhost/", "http://0/"])
def test_the_loopback_in_other_spellings_is_not_asked(url: str) -> None:
    with pytest.raises((UnusableAddress, TargetUnreachable)):
        Guard().get(url, max_bytes=1)


def test_a_name_is_looked_up_once_and_that_address_is_asked(web: Web) -> None:
    web.offer("/a.crl", b"list")
    looked_up = []

    def resolver(host: str, _port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["127.0.0.2"]

    reply = Guard(LOOPBACK, resolver=resolver).get(web.url("/a.crl", "crl.example.test"), max_bytes=10)
    assert reply.body == b"list"
    assert looked_up == ["crl.example.test"]
    assert web.hosts == [f"crl.example.test:{web.port}"]


def test_a_redirection_is_followed_and_looked_at_again(web: Web) -> None:
    web.offer("/b.crl", b"list")
    web.answers["/a.crl"] = redirecting("/b.crl")
    assert Guard(LOOPBACK).get(web.url("/a.crl"), max_bytes=10).body == b"list"
    web.answers["/a.crl"] = redirecting("http://169.254.169.254/latest")
    with pytest.raises(UnusableAddress, match=r"169\.254"):
        Guard(LOOPBACK).get(web.url("/a.crl"), max_bytes=10)
    for nowhere in ("file:///etc/passwd", "http://[::1/", "http://999.1.1.1/"):
        web.answers["/a.crl"] = redirecting(nowhere)
        with pytest.raises(UnusableAddress):
            Guard(LOOPBACK).get(web.url("/a.crl"), max_bytes=10)


def test_redirections_end(web: Web) -> None:
    web.answers["/a.crl"] = lambda _: (301, {"Location": "/a.crl"}, b"")
    with pytest.raises(TargetUnreachable, match="redirected too often"):
        Guard(LOOPBACK).get(web.url("/a.crl"), max_bytes=10)
    assert len(web.asked) == 4


def test_a_long_answer_is_cut(web: Web) -> None:
    web.offer("/a.crl", b"x" * 2_000_000)
    with pytest.raises(TargetUnreachable, match="too long"):
        Guard(LOOPBACK).get(web.url("/a.crl"), max_bytes=1_000_000)


def test_a_packed_answer_is_not_unpacked(web: Web) -> None:
    packed = gzip.compress(b"0" * 1_000_000)
    web.answers["/a.crl"] = lambda _: (200, {"Content-Encoding": "gzip"}, packed)
    with pytest.raises(TargetUnreachable, match="packed"):
        Guard(LOOPBACK).get(web.url("/a.crl"), max_bytes=10_000_000)


def test_a_slow_answer_is_not_waited_for(web: Web) -> None:
    given_up = threading.Event()

    def answer(_: bytes) -> tuple[int, dict[str, str], bytes]:
        given_up.wait(60)
        return 200, {}, b"late"

    web.answers["/a.crl"] = answer
    with pytest.raises(TargetUnreachable, match="too long"):
        Guard(LOOPBACK, timeout_s=0.2).get(web.url("/a.crl"), max_bytes=10)
    given_up.set()


def test_the_environment_names_no_proxy(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    web.offer("/a.crl", b"list")
    assert Guard(LOOPBACK).get(web.url("/a.crl"), max_bytes=10).body == b"list"


def test_nobody_there() -> None:
    with pytest.raises(TargetUnreachable):
        Guard(LOOPBACK).get("http://127.0.0.1:9/a.crl", max_bytes=10)


def test_a_name_without_an_address() -> None:
    def resolver(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(TargetUnreachable, match="no address"):
        Guard(resolver=resolver).get("http://crl.example.test/", max_bytes=10)


def test_what_needs_tls_goes_in_the_clear_only_where_somebody_allowed_it() -> None:
    guard = Guard(LOOPBACK, needs_tls=True, resolver=lambda host, _port: [host])

    guard.check("http://127.0.0.1:9/hook")
    guard.check("https://93.184.216.34/hook")
    with pytest.raises(UnusableAddress, match="must be https"):
        guard.check("http://93.184.216.34/hook")


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254"])
def test_no_list_of_allowed_networks_opens_a_clouds_metadata(address: str) -> None:
    everything = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
    guard = Guard(allowed=everything, resolver=lambda _host, _port: [address])
    with pytest.raises(UnusableAddress):
        guard.get("http://crl.example.test/a.crl", max_bytes=1)


def test_the_authorities_are_read_once_however_much_is_asked(web: Web) -> None:
    web.offer("/a", b"")
    _authorities()
    before = _authorities.cache_info().misses  # threads that are the first at the same moment miss it each
    for _ in range(2):
        Guard(allowed=LOOPBACK).get(web.url("/a"), max_bytes=1)

    assert _authorities.cache_info().misses == before
