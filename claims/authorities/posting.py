"""One HTTP request to an authority whose address somebody configured, with limits on time and size."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx2

from claims.authorities.errors import AuthorityUnreachable

_MAX_REPLY: Final = 256 * 1024


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


def post(url: str, content: bytes, *, headers: Mapping[str, str], timeout_s: float) -> Reply:
    """Post once, following no redirection, and return what comes back.

    Raises:
        AuthorityUnreachable: Nothing whole came back, or too much.
    """
    deadline = time.monotonic() + timeout_s
    try:
        with (
            # The environment does not decide through whom a request goes.
            httpx2.Client(timeout=timeout_s, trust_env=False) as client,
            client.stream("POST", url, content=content, headers=dict(headers)) as answer,
        ):
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Reply(answer.status_code, kind, _read(url, answer, deadline))
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise AuthorityUnreachable(url, str(error) or type(error).__name__) from error


def _read(url: str, answer: httpx2.Response, deadline: float) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        # The client's own limit is for each read, so an answer that drips would never end.
        if time.monotonic() > deadline:
            raise AuthorityUnreachable(url, "its answer takes too long")
        if len(body) > _MAX_REPLY:
            raise AuthorityUnreachable(url, "its answer is too long")
    return bytes(body)
