"""A time-stamping authority over HTTP (RFC 3161, 3.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx2

from claims.authorities.errors import AuthorityUnreachable

QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"

_MAX_REPLY: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class HttpTimestampAuthority:
    """Asks the first of several authorities that answers; a `signing.timestamps.messages.TimestampAuthority`.

    Attributes:
        urls: Their addresses, in the order in which they are asked.
        timeout_s: How long each may take.
    """

    urls: Sequence[str]
    timeout_s: float = 20.0

    def __call__(self, request: bytes) -> bytes:
        """Return the answer to a request, both in DER.

        Raises:
            AuthorityUnreachable: None of them gave one; about the last.
        """
        unreachable = AuthorityUnreachable("", "no time-stamping authority is configured")
        for url in self.urls:
            try:
                return self._ask(url, request)
            except AuthorityUnreachable as error:
                unreachable = error
        raise unreachable

    def _ask(self, url: str, request: bytes) -> bytes:
        headers = {"Content-Type": QUERY, "Accept": REPLY}
        try:
            with (
                # The environment does not decide through whom a request goes.
                httpx2.Client(timeout=self.timeout_s, trust_env=False) as client,
                client.stream("POST", url, content=request, headers=headers) as answer,
            ):
                if answer.status_code != httpx2.codes.OK:
                    raise AuthorityUnreachable(url, f"answered with HTTP {answer.status_code}")
                kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != REPLY:
                    raise AuthorityUnreachable(url, f"answered with {kind or 'no type'}, not with {REPLY}")
                return _read(url, answer)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise AuthorityUnreachable(url, str(error) or type(error).__name__) from error


def _read(url: str, answer: httpx2.Response) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > _MAX_REPLY:
            raise AuthorityUnreachable(url, "its answer is too long")
    return bytes(body)
