"""Ask an authority for a time-stamp, and take only the answer to what was asked."""

import hashlib
import secrets

from signing.der import NotDer
from signing.errors import TimestampUnusable
from signing.timestamps.messages import (
    TimestampAuthority,
    TimestampRequest,
    read_response,
)
from signing.timestamps.tokens import TimestampToken, read_token

_NONCE_BITS = 64


def ask_timestamp(
    authority: TimestampAuthority, data: bytes, *, digest_name: str = "sha256", policy: str | None = None
) -> bytes:
    """Return a token, in DER, on the digest of these octets.

    The token answers this very request; whether its signer is trusted is for
    :func:`signing.timestamps.check.check_token` to say.

    Raises:
        TimestampRejected: The authority says that it does not stamp.
        TimestampUnusable: Its answer is none, or one to another question.
    """
    request = TimestampRequest(
        digest_name, hashlib.new(digest_name, data).digest(), secrets.randbits(_NONCE_BITS), policy
    )
    token = read_response(authority(request.encode()))
    try:
        _compare(request, read_token(token))
    except NotDer as error:
        raise TimestampUnusable(f"the token is malformed: {error}") from error
    return token


def _compare(request: TimestampRequest, token: TimestampToken) -> None:
    info = token.info
    if (info.digest_name, info.digest) != (request.digest_name, request.digest):
        raise TimestampUnusable("the token is on another digest")
    if info.nonce != request.nonce:
        raise TimestampUnusable("the token answers another request")
    if request.policy is not None and info.policy != request.policy:
        raise TimestampUnusable("the token was made under another policy")
    if not token.certificates:
        raise TimestampUnusable("the token lacks the certificate that was asked for")
