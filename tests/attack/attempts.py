"""What an attempt is, how it is registered, and how a service is spoken to without good manners."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx2

from claims.cli.demo.installation import Installation
from claims.cli.demo.people import DemoPeople

_TIMEOUT_S: Final = 20.0


class Broke(AssertionError):
    """An attempt got somewhere."""


@dataclass(frozen=True)
class Target:
    """The instance that is attacked.

    Attributes:
        bundles: Signed bundles of the first facility, each to be used once.
    """

    installation: Installation
    bundles: list[bytes]
    host: str
    port: int
    webhook_key: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def codes(self) -> list[str]:
        return list(self.installation.facilities)

    @property
    def people(self) -> DemoPeople:
        people = self.installation.people
        if people is None:
            raise TypeError(people)
        return people

    def key(self, place: int = 0) -> str:
        return self.installation.facilities[self.codes[place]].api_key

    def bearer(self, place: int = 0) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key(place)}"}

    def client(self) -> httpx2.Client:
        """Return a browser without a history."""
        return httpx2.Client(base_url=self.url, trust_env=False, timeout=_TIMEOUT_S, follow_redirects=False)

    def submit(self, bundle: bytes, place: int = 0, *, key: str | None = None) -> httpx2.Response:
        with self.client() as client:
            return client.post(
                "/v1/submissions",
                content=bundle,
                headers={
                    **self.bearer(place),
                    "Content-Type": "application/xml",
                    **({} if key is None else {"Idempotency-Key": key}),
                },
            )

    def say(self, *parts: bytes) -> bytes:
        """Send bytes as they are; return what comes until the connection ends or nothing more does."""
        said = b""
        with socket.create_connection((self.host, self.port), timeout=3) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
                while chunk := connection.recv(65_536):
                    said += chunk
            except OSError:
                pass
        return said


@dataclass(frozen=True)
class Attempt:
    """One thing to try."""

    area: str
    what: str
    run: Callable[[Target], str]


ATTEMPTS: Final[list[Attempt]] = []


def attempt(area: str, what: str) -> Callable[[Callable[[Target], str]], Callable[[Target], str]]:
    """Register a function that tries something; it returns what held, or raises `Broke`."""

    def register(run: Callable[[Target], str]) -> Callable[[Target], str]:
        ATTEMPTS.append(Attempt(area, what, run))
        return run

    return register


def expect(response: httpx2.Response, *statuses: int) -> str:
    """Return what was answered, if it is one of these."""
    if response.status_code not in statuses:
        raise Broke(f"answered {response.status_code}")
    return f"{response.status_code}{_code_of(response)}"


def _code_of(response: httpx2.Response) -> str:
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return ""
    document: Mapping[str, object] = response.json()
    return f" {document['code']}"


@dataclass
class Outcome:
    """What came of an attempt."""

    attempt: Attempt
    held: bool
    saw: str
    took_s: float = field(compare=False, default=0.0)
