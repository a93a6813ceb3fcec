"""The doctor on the insurer's gateway: whether it answers as one, and what time it is there."""

import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2

from claims.gateway.protocol import TOKEN_PATH, BodyFormat, hash_password, write_form
from claims.runtime.doctor.findings import Fault
from claims.runtime.settings import Settings

_MAX_GATEWAY_SKEW_S = 60.0
_MOST_ANSWER_BYTES = 64 * 2**10
_LONGEST_ANSWER_S = 10.0


def look_at_gateway(settings: Settings) -> str:
    """Ask the gateway for a sign-in of nobody."""
    if settings.gateway_url is None:
        raise Fault("is not configured: checked claims wait", "set CLAIMS_GATEWAY_URL")
    host, port = _server_of(settings.gateway_url)
    # Nobody's account: what counts is that the answer is one of the protocol.
    asked = write_form({"username": "claims doctor", "password": hash_password("")})
    url, headers = f"{settings.gateway_url.rstrip('/')}{TOKEN_PATH}", {"Content-Type": BodyFormat.FORM}
    try:
        with httpx2.stream("POST", url, content=asked, headers=headers, timeout=5, trust_env=False) as answer:
            body = _beginning(answer)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        said = str(error) or type(error).__name__
        raise Fault(f"{host}:{port} does not answer: {said}", "check the address and the network") from error
    if not _is_of_the_protocol(body):
        what = "a web page" if "html" in answer.headers.get("Content-Type", "") else "something else"
        raise Fault(
            f"{host}:{port} answers a sign-in with status {answer.status_code} and {what}, as none does",
            "correct CLAIMS_GATEWAY_URL; if it is right, a proxy answers, or the gateway is closed",
        )
    return f"{host}:{port} answers as a gateway does"


def _beginning(answer: httpx2.Response) -> bytes:
    """Return what an answer says as far as a gateway's goes; nobody waits for the end of another."""
    until, body = time.monotonic() + _LONGEST_ANSWER_S, b""
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > _MOST_ANSWER_BYTES or time.monotonic() > until:
            break
    return body


def _is_of_the_protocol(body: bytes) -> bool:
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return isinstance(said, dict) and "maKetQua" in said


def _server_of(url: str) -> tuple[str, int]:
    address = urlsplit(url)
    return address.hostname or "", address.port or (443 if address.scheme == "https" else 80)


def look_at_gateway_clock(url: str) -> str:
    """Compare the gateway's time with this host's."""
    try:
        before = datetime.now(UTC)
        answer = httpx2.head(url, timeout=5, trust_env=False)
        after = datetime.now(UTC)
        said = parsedate_to_datetime(answer.headers["Date"])
    except (httpx2.HTTPError, httpx2.InvalidURL, KeyError, ValueError) as error:
        why = "the answer has no date" if isinstance(error, KeyError) else error
        raise Fault(f"cannot be read: {why}", "see gateway") from error
    # A Date is cut to the second.
    ahead_s, behind_s = (said - after).total_seconds(), (before - said).total_seconds() - 1
    if max(ahead_s, behind_s) > _MAX_GATEWAY_SKEW_S:
        skew_s = ahead_s if ahead_s > 0 else -behind_s
        raise Fault(
            f"differs from this host's by {skew_s:+.0f} s: times of receipt will not agree",
            "let this host keep time by NTP; if it does, tell the gateway's operator",
        )
    return "agrees with this host's"
