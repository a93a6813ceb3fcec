"""Trusted proxies: whose word is taken on who is at the other end of a connection."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from claims.exchange.dropin import is_within
from claims.runtime.settings import Settings
from claims.runtime.value_forms import read_networks
from signing.extensions import UNREADABLE

_FORWARDED: Final = "x-forwarded-for"
_SCHEME: Final = "x-forwarded-proto"
#: A certificate is some kilobytes; headers of a megabyte are no business of ours.
_LONGEST: Final = 20_000


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The proxies in front of the service.

    Attributes:
        networks: Where they are.
        certificate_header: Where such a proxy says which certificate the client has proved to hold: PEM,
            percent-encoded, as nginx writes ``$ssl_client_escaped_cert``.
    """

    networks: tuple[str, ...]
    certificate_header: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the proxies that the settings describe."""
        return cls(
            tuple(map(str, read_networks(settings.trusted_proxies))), settings.client_certificate_header
        )

    def holds(self, address: str) -> bool:
        """Return whether an address is one of theirs."""
        return bool(self.networks) and is_within(address, self.networks)

    def address_of(self, peer: str, headers: Headers) -> str:
        """Return the address of the caller: of the peer, or what trusted proxies say in front of it."""
        address = peer
        # All lines of the header: a proxy may add one of its own behind the caller's invention.
        hops = [one.strip() for line in headers.getlist(_FORWARDED) for one in line.split(",") if one.strip()]
        # From the nearest on: each trusted proxy names who came to it; the first that is none is the caller.
        while hops and self.holds(address):
            address = hops.pop()
        return address

    def certificate_of(self, request: Request) -> bytes | None:
        """Return the SHA-256 of the client's certificate (RFC 8705, 3.1), None where none was proved.

        A header that comes twice, or holds no certificate, is as none.
        """
        chain = request.scope.get("extensions", {}).get("tls", {}).get("client_cert_chain")
        if chain:
            return _digest_of(next(iter(chain)))
        header = self.certificate_header
        peer = "" if request.client is None else request.client.host
        if header is None or not self.holds(peer):
            return None
        said = request.headers.getlist(header)
        if len(said) != 1 or not 0 < len(said[0]) <= _LONGEST:
            return None
        return _digest_of(unquote(said[0]))


class BehindProxies:
    """Puts the caller's address and scheme in place of a trusted proxy's; others are not believed."""

    def __init__(self, app: ASGIApp, proxies: TrustedProxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        client = scope.get("client")
        if scope["type"] == "http" and client and self._proxies.holds(client[0]):
            headers = Headers(scope=scope)
            schemes = headers.getlist(_SCHEME)
            scheme = schemes[0] if schemes in (["http"], ["https"]) else scope["scheme"]
            address = self._proxies.address_of(client[0], headers)
            scope = {**scope, "scheme": scheme, "client": (address, client[1])}
        await self._app(scope, receive, send)


def _digest_of(pem: Any) -> bytes | None:  # noqa: ANN401 - from an ASGI server, or a header
    try:
        certificate = x509.load_pem_x509_certificate(str(pem).encode())
    except UNREADABLE:
        return None
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
