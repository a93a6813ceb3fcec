"""Attempts to sign in: slowed down for whoever guesses, in a way that cannot lock the rightful person out.

A browser in which somebody signed in before holds a device token. Whoever shows one is counted by it alone,
so that a stranger's guesses never stand in its way; a stranger cannot have one, because only a sign-in gives
it. All others are counted by name and network, by network, and by name.
"""

import base64
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from claims.exchange.access.errors import TooManyAttempts
from claims.exchange.ports import Clock


@dataclass(frozen=True, slots=True)
class Client:
    """From where somebody tries.

    Attributes:
        address: The network address, as the server or a trusted proxy saw it.
        device: The token that an earlier sign-in in this browser left.
    """

    address: str
    device: str = ""

    @property
    def network(self) -> str:
        """The network that one subscriber has: an IPv4 address, or the /64 of an IPv6 one."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        if isinstance(address, ipaddress.IPv6Address):
            if address.ipv4_mapped is not None:
                return str(address.ipv4_mapped)
            return str(ipaddress.ip_network((address, 64), strict=False))
        return str(address)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many attempts something has in how long."""

    most: int
    within: timedelta


#: A hospital's people share an address; one who mistypes has five tries.
BY_NAME_AND_NETWORK: Final = Allowance(5, timedelta(minutes=15))
BY_NETWORK: Final = Allowance(60, timedelta(minutes=15))
BY_NAME: Final = Allowance(50, timedelta(hours=1))
BY_DEVICE: Final = Allowance(10, timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class Counter:
    """One thing that attempts are counted by."""

    name: str
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class UsedUp:
    """A counter that lets nothing through.

    Attributes:
        is_first: Whether it was this attempt that went over it.
    """

    ends_at: datetime
    is_first: bool


class Attempts(Protocol):
    """Counts attempts; a counter begins anew when its time is over."""

    def take(self, counters: Sequence[Counter], *, now: datetime) -> UsedUp | None:
        """Count an attempt by each counter in turn, up to one that is used up; return that one."""
        ...

    def give_back(self, counters: Sequence[Counter]) -> None:
        """Count one less: it was no guess."""
        ...


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets attempts through, or says how long to wait."""

    attempts: Attempts
    clock: Clock
    key: bytes

    def enter(self, who: str, client: Client) -> Sequence[Counter]:
        """Count an attempt before it is made, so that parallel ones are counted as well.

        Raises:
            TooManyAttempts: None is left.
        """
        return self._take(self._counters(who, client))

    def enter_network(self, client: Client) -> Sequence[Counter]:
        """Count an attempt of somebody who does not say who he is; raises as `enter`."""
        return self._take([_counter(BY_NETWORK, "network", client.network)])

    def _take(self, counters: Sequence[Counter]) -> Sequence[Counter]:
        now = self.clock.now()
        used_up = self.attempts.take(counters, now=now)
        if used_up is not None:
            seconds = max(1, int((used_up.ends_at - now).total_seconds()))
            raise TooManyAttempts(seconds, is_first=used_up.is_first)
        return counters

    def succeeded(self, counters: Sequence[Counter]) -> None:
        """Count an attempt no more: it was the rightful person's."""
        self.attempts.give_back(counters)

    def device_of(self, login: str) -> str:
        """Return a token for the browser in which somebody just signed in."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._proof(login, nonce)}"

    def _counters(self, who: str, client: Client) -> Sequence[Counter]:
        nonce, _, proof = client.device.partition(".")
        if proof and hmac.compare_digest(proof.encode(), self._proof(who, nonce).encode()):
            return [_counter(BY_DEVICE, "device", nonce)]
        return [
            _counter(BY_NAME_AND_NETWORK, "name-network", who, client.network),
            _counter(BY_NETWORK, "network", client.network),
            _counter(BY_NAME, "name", who),
        ]

    def _proof(self, login: str, nonce: str) -> str:
        proof = hmac.digest(self.key, f"{nonce}\n{login}".encode(), "sha256")
        return base64.urlsafe_b64encode(proof).decode().rstrip("=")


def _counter(allowance: Allowance, *parts: str) -> Counter:
    # Digests: neither names nor addresses lie in the table.
    return Counter(hashlib.sha256("\n".join(parts).encode()).hexdigest(), allowance)
