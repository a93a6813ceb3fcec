"""The guard through which every request goes whose address somebody else chose.

A certificate says where its list or its responder is, and anybody can write a certificate; a facility says
where its webhooks go. So nothing in this machine's own network is asked, the address that was checked is the
one that is connected to, and what comes back is bounded in size and time.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx2

from claims.outbound.errors import TargetUnreachable, UnusableAddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MOVED: Final = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_NO_WEB: Final = ("an http or https address is needed", "cần địa chỉ http hoặc https")
_UNREADABLE: Final = ("its host or port cannot be read", "không đọc được tên máy chủ hoặc cổng")
_PORTS: Final = {"http": 80, "https": 443}
# RFC 6052, 2.1: behind it is the IPv4 address in its last 32 bits.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_IPV4_BITS: Final = 0xFFFFFFFF
#: Where clouds tell a machine its own secrets; no list of allowed networks opens these.
_METADATA: Final = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200"))
)


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host.

    Raises:
        OSError: It has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: The HTTP status.
        kind: The media type without its parameters, in lower case; empty if none was said.
        body: The body's bytes.
    """

    status: int
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Guard:
    """Through which everything is asked whose address comes from outside.

    Attributes:
        allowed: Networks that may be asked although they are not public, such as that of a hospital's own CA.
        needs_tls: Whether what goes to a network that nobody allowed must be https.
        timeout_s: How long one fetch may take, with all its redirections.
        max_redirects: How often an answer may point elsewhere.
        resolver: Finds the addresses of a host.
    """

    allowed: Sequence[Network] = ()
    needs_tls: bool = False
    timeout_s: float = 10.0
    max_redirects: int = 3
    resolver: Callable[[str, int], Sequence[str]] = resolve

    def get(self, url: str, *, max_bytes: int) -> Reply:
        """Get what is there, following redirections.

        Raises:
            UnusableAddress: This address, or one that it redirects to, is not asked.
            TargetUnreachable: Nothing whole came back, or too much.
        """
        deadline = time.monotonic() + self.timeout_s
        for _ in range(self.max_redirects + 1):
            target, reply = self._exchange(self._request("GET", url), deadline, max_bytes)
            if target is None:
                return reply
            try:
                url = urljoin(url, target)
            except ValueError as error:
                raise UnusableAddress(target, *_NO_WEB) from error
        raise TargetUnreachable(url, "redirected too often", "bị chuyển hướng quá nhiều lần")

    def post(self, url: str, content: bytes, *, headers: Mapping[str, str], max_bytes: int) -> Reply:
        """Post once, following no redirection.

        Raises:
            UnusableAddress: This address is not asked.
            TargetUnreachable: Nothing whole came back, or too much.
        """
        request = self._request("POST", url, content, headers)
        return self._exchange(request, time.monotonic() + self.timeout_s, max_bytes)[1]

    def tell(self, url: str, content: bytes, *, headers: Mapping[str, str]) -> int:
        """Post once and return the status that comes back, whatever follows it; no redirection is followed.

        Raises:
            UnusableAddress: This address is not asked.
            TargetUnreachable: No status came back.
        """
        request = self._request("POST", url, content, headers)
        return self._exchange(request, time.monotonic() + self.timeout_s, None)[1].status

    def check(self, url: str) -> None:
        """Pass if the address may be asked as its name resolves now; a request looks again.

        Raises:
            UnusableAddress: It may not.
            TargetUnreachable: Its name has no address now.
        """
        self._bind(self._request("POST", url))

    def _request(
        self, method: str, url: str, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx2.Request:
        try:
            parts = urlsplit(url)
            has_port_zero = parts.port == 0
        except ValueError as error:  # whose text may repeat what was taken for the port
            raise UnusableAddress(url, *_UNREADABLE) from error
        if parts.scheme not in _PORTS or not parts.hostname or has_port_zero:
            raise UnusableAddress(url, *_NO_WEB)
        if parts.username is not None or parts.password is not None:
            raise UnusableAddress(
                url, "an address with credentials is not asked", "không dùng địa chỉ có kèm tên và mật khẩu"
            )
        try:
            return httpx2.Request(method, url, content=content, headers=headers)
        except httpx2.InvalidURL as error:
            raise UnusableAddress(url, *_UNREADABLE) from error

    def _exchange(
        self, request: httpx2.Request, deadline: float, max_bytes: int | None
    ) -> tuple[str | None, Reply]:
        url = str(request.url)
        bound = self._bind(request)
        try:
            left = deadline - time.monotonic()
            return asyncio.run(asyncio.wait_for(_send(bound, url, max_bytes), timeout=max(left, 0)))
        except TimeoutError as error:
            raise TargetUnreachable(url, "its answer takes too long", "chờ trả lời quá lâu") from error
        except httpx2.RemoteProtocolError as error:  # whose text may repeat what came
            raise TargetUnreachable(
                url,
                "what it answered is not HTTP, or ends too early",
                "câu trả lời không phải HTTP, hoặc bị đứt giữa chừng",
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise TargetUnreachable(url, str(error) or type(error).__name__) from error

    def _bind(self, request: httpx2.Request) -> httpx2.Request:
        """Return the request to the one address that was looked up and found allowed."""
        url, host = str(request.url), request.url.host
        try:
            found = [
                ipaddress.ip_address(text.partition("%")[0])
                for text in self.resolver(host, request.url.port or _PORTS[request.url.scheme])
            ]
        except (OSError, ValueError) as error:
            raise TargetUnreachable(
                url, f"its name has no address ({error})", f"tên miền không có địa chỉ ({error})"
            ) from error
        if not found:
            raise TargetUnreachable(url, "its name has no address", "tên miền không có địa chỉ")
        # One name may have a public address beside a private one, so that the next look-up takes the other.
        if refused := [address for address in found if not self._may_ask(address)]:
            raise UnusableAddress(
                url,
                f"{refused[0]} is not in a public network, and nobody allowed it",
                f"{refused[0]} không thuộc mạng công cộng và chưa được ai cho phép",
            )
        if self.needs_tls and request.url.scheme != "https" and not all(map(self._is_allowed, found)):
            raise UnusableAddress(
                url,
                "what leaves for a public network must be https",
                "gửi ra mạng công cộng thì phải dùng https",
            )
        return httpx2.Request(
            request.method,
            request.url.copy_with(host=str(found[0])),
            headers={**request.headers, "Accept-Encoding": "identity", "Connection": "close"},
            content=request.content,
            extensions={"sni_hostname": host},
        )

    def _may_ask(self, address: Address) -> bool:
        reached = list(_reached_by(address))
        if not _METADATA.isdisjoint(reached):
            return False
        return self._is_allowed(address) or all(each.is_global and not each.is_multicast for each in reached)

    def _is_allowed(self, address: Address) -> bool:
        return any(address in network for network in self.allowed)


def _reached_by(address: Address) -> Iterable[Address]:
    """Return the address and those inside it to which a router may send what is sent to it."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        yield from (each for each in inner if each is not None)
        if address in _NAT64:
            yield ipaddress.IPv4Address(int(address) & _IPV4_BITS)


@cache
def _authorities() -> ssl.SSLContext:
    # Reading the authorities' certificates takes ten times as long as all the rest of a request.
    return httpx2.create_ssl_context(trust_env=False)


async def _send(request: httpx2.Request, url: str, max_bytes: int | None) -> tuple[str | None, Reply]:
    # The environment does not decide through whom a request goes; the caller times all of it.
    async with httpx2.AsyncClient(verify=_authorities(), trust_env=False, timeout=None) as client:
        answer = await client.send(request, stream=True)
        try:
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if answer.status_code in _MOVED:
                return answer.headers.get("location", ""), Reply(answer.status_code, kind, b"")
            if max_bytes is None:
                return None, Reply(answer.status_code, kind, b"")
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                raise TargetUnreachable(
                    url,
                    "its answer is packed, which nobody asked for",
                    "câu trả lời bị nén dù không ai yêu cầu",
                )
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > max_bytes:
                    raise TargetUnreachable(url, "its answer is too long", "câu trả lời quá dài")
            return None, Reply(answer.status_code, kind, bytes(body))
        finally:
            await answer.aclose()
