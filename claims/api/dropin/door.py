"""Who may come near: addresses of a list, or a client's certificate that a trusted proxy vouches for."""

from dataclasses import dataclass
from typing import Final, Self

from starlette.datastructures import Headers

from claims.exchange.dropin import is_within
from claims.runtime.proxies import TrustedProxies
from claims.runtime.settings import Settings
from claims.runtime.value_forms import read_networks

_VOUCHED: Final = "SUCCESS"


@dataclass(frozen=True, slots=True)
class Door:
    """Says from where a request came, and whether anybody may sign in from there.

    Attributes:
        networks: The addresses that may.
        proxies: The proxies whose word counts.
        certificate_header: Where one of them says that it verified the client's certificate.
    """

    networks: tuple[str, ...]
    proxies: TrustedProxies
    certificate_header: str | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the door that the settings describe."""
        return cls(
            tuple(map(str, read_networks(settings.dropin_networks))),
            TrustedProxies.of(settings),
            settings.dropin_certificate_header,
        )

    def address_of(self, peer: str, headers: Headers) -> str:
        """Return the address of the caller: of the peer, or what trusted proxies say in front of it."""
        return self.proxies.address_of(peer, headers)

    def admits(self, peer: str, headers: Headers) -> bool:
        """Return whether somebody may sign in by this request."""
        if self.networks and is_within(self.address_of(peer, headers), self.networks):
            return True
        header = self.certificate_header
        return header is not None and self.proxies.holds(peer) and headers.getlist(header) == [_VOUCHED]
