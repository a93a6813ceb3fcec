"""A time-stamping authority over HTTP (RFC 3161, 3.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from claims.authorities.errors import AuthorityUnreachable
from claims.authorities.posting import post
from signing.errors import TimestampFailed
from signing.timestamps.messages import read_response

QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"


@dataclass(frozen=True, slots=True)
class HttpTimestampAuthority:
    """Asks the first of several authorities that stamps; a `signing.timestamps.messages.TimestampAuthority`.

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
            TimestampFailed: The last to be asked gave one that is no timestamp.
        """
        failed: Exception = AuthorityUnreachable("", "no time-stamping authority is configured")
        for url in self.urls:
            try:
                answer = self._ask(url, request)
                read_response(answer)
            except (AuthorityUnreachable, TimestampFailed) as error:
                failed = error
            else:
                return answer
        raise failed

    def _ask(self, url: str, request: bytes) -> bytes:
        headers = {"Content-Type": QUERY, "Accept": REPLY}
        reply = post(url, request, headers=headers, timeout_s=self.timeout_s)
        if reply.status != HTTPStatus.OK:
            raise AuthorityUnreachable(url, f"answered with HTTP {reply.status}")
        if reply.kind != REPLY:
            raise AuthorityUnreachable(url, f"answered with {reply.kind or 'no type'}, not with {REPLY}")
        return reply.body
