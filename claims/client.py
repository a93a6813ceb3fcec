"""A client of the API, for the command line and for billing systems written in Python.

Requests that may be repeated are, after the pause that the service asks for: a bundle is known by its bytes,
and what has no such identity goes under an `Idempotency-Key`. So a lost answer costs nothing.

    with ApiClient("https://claims.example.vn", key) as api:
        submission = api.submit_bundle(signed)
        submission = api.submission(submission["id"], wait_s=30)

* ClaimsError
  - ForgedWebhook       a webhook that was not signed with any of the secrets, or long ago
  - ApiError
    - ApiUnreachable    nothing usable answered; trying again later may help
      - NotNow          it answered, but does not do it at present: too many requests, maintenance
      - NotTheService   something in between answered instead, or the address is wrong
    - ApiRefused        a problem document came back
      - NotAllowed      the key opens nothing, or not this
      - NotFound        there is no such thing, or it is another facility's
      - Conflicting     not as things stand now
"""

import hashlib
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, NotRequired, Self, TypedDict, TypeVar, Unpack, cast
from uuid import uuid4

import httpx2
from standardwebhooks import Webhook, WebhookVerificationError

from claims.errors import ClaimsError

Document = Mapping[str, object]
T = TypeVar("T")


class Submission(TypedDict):
    """A submission; see `SubmissionView` in the service's OpenAPI document."""

    id: str
    facility: str
    state: str
    sha256: str
    size: int
    ma_lk: list[str]
    received_at: str
    updated_at: str
    cause: str | None
    attempts: int
    next_attempt_at: str | None
    receipt: str | None
    superseded_by: str | None
    level: str
    assessed_at: str | None
    signed_receipt: NotRequired[str | None]  # where it was handed in


class FeedEvent(TypedDict):
    """Something that happened to a submission."""

    submission_id: str
    at: str
    kind: str
    state: str
    actor: str
    cause: str | None
    detail: dict[str, str]


class FeedPage(TypedDict):
    """Events, oldest first; ``next_cursor`` is where the following ones begin."""

    data: list[FeedEvent]
    next_cursor: str
    has_more: bool


class _More(TypedDict, total=False):
    """What a request has beside its method and path."""

    attempts: int
    params: Mapping[str, object]
    content: bytes | Path
    json: object
    headers: Mapping[str, str]


class WebhookEvent(TypedDict):
    """What a webhook says; ``data`` is empty for a ping."""

    type: str
    timestamp: str
    data: dict[str, object]


#: States in which nothing more happens by itself.
SETTLED = frozenset({"acknowledged", "rejected", "refused", "failed", "superseded", "withdrawn"})

#: What can stand in a header; the key itself is never repeated.
_KEY = re.compile(r"[\x21-\x7e]+")
_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
_PIECE_BYTES = 256 * 1024
_ANSWER_STEPS = 5
#: The code of an answer that says none, and so is not the service's.
_NO_CODE = "not-the-service"


class ApiError(ClaimsError):
    """The API did not do what it was asked."""


class ApiUnreachable(ApiError):
    """Nothing usable answered; trying again later may help."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} cannot be reached: {reason}")
        self.url = url
        self.reason = reason


class NotNow(ApiUnreachable):
    """The API answered, but does not do it at present: too many requests, maintenance, a fault of its own.

    Attributes:
        problem: What it said.
        retry_after_s: How long it asks to be left alone; None: it did not say.
    """

    def __init__(self, url: str, problem: Document, retry_after_s: float | None) -> None:
        pause, self.reason = "later" if retry_after_s is None else f"in {retry_after_s:g} s", _said(problem)
        ApiError.__init__(self, f"{url} answers {self.reason}; try again {pause}")
        self.url = url
        self.problem = problem
        self.retry_after_s = retry_after_s


class NotTheService(ApiUnreachable):
    """Something else answered: a proxy, a firewall, or what is there at a wrong address.

    Attributes:
        problem: What it said.
    """

    def __init__(self, url: str, problem: Document) -> None:
        self.reason = _said(problem)
        whose = "that is not the service: see to the address, or to a proxy"
        ApiError.__init__(self, f"{url} answers {self.reason}; {whose}")
        self.url = url
        self.problem = problem


class ApiRefused(ApiError):
    """The API answered with a problem document (RFC 9457), which is at hand whole as ``problem``."""

    def __init__(self, problem: Document) -> None:
        super().__init__(_said(problem))
        self.problem = problem

    @property
    def code(self) -> str:
        """Return the problem's stable code."""
        return str(self.problem.get("code", ""))

    @property
    def request_id(self) -> str | None:
        """Return the id under which the service noted it."""
        return cast("str | None", self.problem.get("request_id"))

    @property
    def errors(self) -> Sequence[Document]:
        """Return what is wrong with the request, place by place; empty where that is not the trouble."""
        return cast("Sequence[Document]", self.problem.get("errors", ()))


class NotAllowed(ApiRefused):
    """The key opens nothing, or not this."""


class NotFound(ApiRefused):
    """There is no such thing, or it is another facility's."""


class Conflicting(ApiRefused):
    """Not as things stand now; a person must look."""


class ForgedWebhook(ClaimsError):
    """A webhook that was not signed with any of the secrets, or more than five minutes ago."""

    def __init__(self) -> None:
        super().__init__("the webhook is not signed with a secret of ours, or too old")


_REFUSALS: Mapping[int, type[ApiRefused]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflicting,
}


def read_webhook(body: bytes, headers: Mapping[str, str], *secrets: str) -> WebhookEvent:
    """Return what a webhook says, once it is known to come from the service.

    Remember the ``webhook-id`` header of what was handled: a delivery may come twice.

    Args:
        body: The request's bytes as they came.
        headers: Its headers.
        secrets: The webhook's secret; while it is being replaced, both.

    Raises:
        ForgedWebhook: None of the secrets signed it, or it is more than five minutes old.
    """
    for secret in secrets:
        try:
            return cast("WebhookEvent", Webhook(secret).verify(body, dict(headers)))
        except (WebhookVerificationError, ValueError):
            continue
    raise ForgedWebhook


class ApiClient:
    """Talks to one eHoSo service with one API key. Safe to share between threads.

    Args:
        url: Where the service is.
        key: The API key.
        timeout_s: How long each step may take: to connect, to send a piece, to wait for the next piece. Five
            times as long may the whole of an answer take once it has begun, however it drips.
        pause: What waits between attempts.
        language: That of what it says to people, vi or en: titles and details of problems.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_s: float = 60.0,
        pause: Callable[[float], object] = time.sleep,
        language: str = "en",
    ) -> None:
        if not _KEY.fullmatch(key):
            raise ValueError("an API key is one word of letters, digits and signs")
        self._url = url
        self._pause = pause
        try:
            self._http = httpx2.Client(
                base_url=url,
                headers={"Authorization": f"Bearer {key}", "Accept-Language": language},
                timeout=timeout_s,
                trust_env=False,
                event_hooks={"response": [partial(_bound, answer_s=timeout_s * _ANSWER_STEPS)]},
            )
        except httpx2.InvalidURL as error:
            raise ApiUnreachable(url, str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def limits(self) -> Document:
        """Return how much a request may be at most."""
        return self._ask("GET", "/v1/limits")

    def submit_bundle(
        self, bundle: bytes, *, idempotency_key: str | None = None, attempts: int = _ATTEMPTS
    ) -> Submission:
        """Submit a signed bundle; the same bytes again are the same submission, with or without a key.

        Raises:
            NotNow: The service does not take it at present, after so many attempts.
        """
        return self._submit("/v1/submissions", bundle, "application/xml", idempotency_key, attempts)

    def submit_encounter(
        self, document: bytes, *, idempotency_key: str | None = None, attempts: int = _ATTEMPTS
    ) -> Submission:
        """Submit an encounter document, to be built and signed by the service.

        Without a key of yours it goes under a fresh one, which makes this call safe to repeat within itself;
        with one (the visit's number) it is the same submission whenever it comes.

        Raises:
            NotNow: The service does not take it at present, after so many attempts.
        """
        key = idempotency_key or uuid4().hex
        return self._submit("/v1/encounters", document, "application/json", key, attempts)

    def submit_batch(self, parcel: Path) -> Document:
        """Submit a ZIP file of signed bundles, read as it is sent; the same file again is the same batch."""
        with parcel.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = parcel.stat().st_size
        headers = {"Content-Type": "application/zip", "Content-Length": str(size)}
        params = {"sha256": digest, "size": size}
        return self._ask("POST", "/v1/batches", content=parcel, params=params, headers=headers)

    def batch(self, batch_id: str) -> Document:
        """Return how far a batch has come."""
        return self._ask("GET", f"/v1/batches/{batch_id}")

    def batch_items(self, batch_id: str) -> Iterator[Document]:
        """Return what became of each file of a batch, in its order."""
        yield from self._pages(f"/v1/batches/{batch_id}/items")

    def submission(self, submission_id: str, *, wait_s: float = 0) -> Submission:
        """Return a submission; wait up to so many seconds (30 at most) for it to settle."""
        path = f"/v1/submissions/{submission_id}"
        return self._request("GET", path, _submission, params={"wait": wait_s})

    def find(self, bundle: bytes) -> Submission | None:
        """Return the submission of these very bytes, if there is one."""
        return next(self.submissions(sha256=hashlib.sha256(bundle).hexdigest()), None)

    def submissions(self, **filters: object) -> Iterator[Submission]:
        """Return all submissions that the filters leave, newest first, page by page."""
        yield from cast("Iterator[Submission]", self._pages("/v1/submissions", **filters))

    def withdraw(self, submission_id: str, *, reason: str) -> Document:
        """Take back a submission that the gateway does not have."""
        path = f"/v1/submissions/{submission_id}/withdrawal"
        return self._ask("POST", path, json={"reason": reason})

    def events(self, submission_id: str) -> Sequence[Document]:
        """Return a submission's history, oldest first."""
        page = self._request("GET", f"/v1/submissions/{submission_id}/events", _page)
        return cast("Sequence[Document]", page["data"])

    def feed(self, *, after: str | None = None, limit: int = 1000, wait_s: float = 0) -> FeedPage:
        """Return a page of events after a cursor (``next_cursor`` of the page before, or ``latest``).

        Waits up to so many seconds, 30 at most, for an event. Keep ``next_cursor`` when what the page says is
        done.
        """
        params = {"cursor": after, "limit": limit, "wait": wait_s}
        return cast("FeedPage", self._request("GET", "/v1/events", _page, params=params))

    def follow(self, *, after: str | None = None, wait_s: float = 30) -> Iterator[FeedPage]:
        """Return pages of events for ever, as they happen; keep ``next_cursor`` of each when it is done."""
        while True:
            page = self.feed(after=after, wait_s=wait_s)
            after = page["next_cursor"]
            if page["data"]:
                yield page

    def findings(self, submission_id: str) -> Document:
        """Return what the last check found."""
        return self._ask("GET", f"/v1/submissions/{submission_id}/findings")

    def receipt(self, submission_id: str) -> Document | None:
        """Return the gateway's receipt, or None while there is none."""
        return self._request("GET", f"/v1/submissions/{submission_id}/receipt", _receipt)

    def paper(self, submission_id: str, *, language: Literal["vi", "en"] = "vi") -> bytes:
        """Return the claim as the paper form that people know: a PDF with the signed XML inside."""
        path = f"/v1/submissions/{submission_id}/paper"
        return self._request("GET", path, partial(_file, "application/pdf"), params={"language": language})

    def archive(self, submission_id: str) -> bytes:
        """Return everything that proves a submission, as one file (ASiC-E)."""
        path = f"/v1/submissions/{submission_id}/archive"
        return self._request("GET", path, partial(_file, "application/vnd.etsi.asic-e+zip"))

    def plan_replay(self, where: Document) -> Document:
        """Return what a replay would do."""
        return self._ask("POST", "/v1/replays", json={"where": where, "dry_run": True})

    def start_replay(
        self,
        where: Document,
        *,
        reason: str,
        per_minute: int | None = None,
        idempotency_key: str | None = None,
    ) -> Document:
        """Set a replay going; under one key it is set going once."""
        return self._ask(
            "POST",
            "/v1/replays",
            json={"where": where, "reason": reason, "per_minute": per_minute},
            headers={"Idempotency-Key": idempotency_key or uuid4().hex},
        )

    def steer_replay(self, replay_id: str, step: Literal["pause", "resume", "cancel"]) -> Document:
        """Pause a replay, let it go on, or end it."""
        return self._ask("POST", f"/v1/replays/{replay_id}/{step}")

    def replays(self) -> Iterator[Document]:
        """Return all replays, newest first."""
        yield from self._pages("/v1/replays")

    def replay(self, replay_id: str) -> Document:
        """Return how far a replay has come."""
        return self._ask("GET", f"/v1/replays/{replay_id}")

    def replay_items(self, replay_id: str) -> Iterator[Document]:
        """Return a replay's items, in order of their submission's id."""
        yield from self._pages(f"/v1/replays/{replay_id}/items")

    def _pages(self, path: str, **params: object) -> Iterator[Document]:
        cursor: object = None
        while True:
            page = self._request("GET", path, _page, params={**params, "limit": 200, "cursor": cursor})
            yield from cast("Sequence[Document]", page["data"])
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def make_webhook(self, url: str, *, types: Sequence[str] = (), description: str = "") -> Document:
        """Be told of events at an address; keep ``secret`` of the answer, which is not shown again."""
        wanted = {"url": url, "description": description, **({"types": list(types)} if types else {})}
        return self._ask("POST", "/v1/webhooks", json=wanted, attempts=1)

    def webhooks(self) -> Sequence[Document]:
        """Return the facility's webhooks."""
        page = self._request("GET", "/v1/webhooks", _page)
        return cast("Sequence[Document]", page["data"])

    def change_webhook(self, webhook_id: str, **changes: object) -> Document:
        """Change ``url``, ``types``, ``description`` or ``enabled``."""
        return self._ask("PATCH", f"/v1/webhooks/{webhook_id}", json=changes)

    def delete_webhook(self, webhook_id: str) -> None:
        """Forget a webhook with its deliveries."""
        path = f"/v1/webhooks/{webhook_id}"
        try:
            self._request("DELETE", path, _nothing, attempts=1)
        except ApiUnreachable:
            with suppress(NotFound):  # what was lost may have been the answer alone
                self._request("DELETE", path, _nothing)

    def rotate_webhook_secret(self, webhook_id: str, *, overlap_h: int = 24) -> Document:
        """Replace a webhook's secret; for so many hours the one before signs too."""
        path = f"/v1/webhooks/{webhook_id}/secret"
        # Not repeated: a second one would end the secret that the receiver has.
        return self._ask("POST", path, json={"overlap_h": overlap_h}, attempts=1)

    def ping_webhook(self, webhook_id: str) -> Document:
        """Send a test and return its delivery."""
        return self._ask("POST", f"/v1/webhooks/{webhook_id}/ping")

    def webhook_deliveries(self, webhook_id: str, *, state: str | None = None) -> Iterator[Document]:
        """Return what was sent to a webhook, newest first."""
        yield from self._pages(f"/v1/webhooks/{webhook_id}/deliveries", state=state)

    def resend_delivery(self, webhook_id: str, delivery_id: str) -> Document:
        """Let a delivery begin anew, under its id."""
        path = f"/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend"
        return self._ask("POST", path)

    def _submit(
        self, path: str, body: bytes, media_type: str, idempotency_key: str | None, attempts: int
    ) -> Submission:
        headers = {"Content-Type": media_type}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        try:
            return self._request("POST", path, _submission, content=body, headers=headers, attempts=attempts)
        except NotFound as refusal:  # the address has a path too many
            raise NotTheService(self._url, refusal.problem) from refusal

    def _ask(self, method: str, path: str, **more: Unpack[_More]) -> Document:
        return self._request(method, path, _object, **more)

    def _request(
        self, method: str, path: str, read: Callable[[httpx2.Response], T], **more: Unpack[_More]
    ) -> T:
        attempts, content = more.get("attempts", _ATTEMPTS), more.get("content")
        pause_s = _FIRST_PAUSE_S
        for attempt in range(1, attempts + 1):
            asked_s: float | None = None
            try:
                response = self._http.request(
                    method,
                    path,
                    params=_flat(more.get("params")),
                    content=_read(content) if isinstance(content, Path) else content,
                    json=more.get("json"),
                    headers=dict(more.get("headers", {})),
                )
                if response.is_success:
                    return read(response)
            except httpx2.HTTPError as error:
                failure = ApiUnreachable(self._url, str(error) or type(error).__name__)
            else:
                problem = _problem(response)
                if not problem["retryable"]:
                    if problem["code"] == _NO_CODE:
                        raise NotTheService(self._url, problem)
                    raise _REFUSALS.get(response.status_code, ApiRefused)(problem)
                asked_s = _retry_after_s(response)
                failure = NotNow(self._url, problem, asked_s)
            if attempt == attempts:
                raise failure
            # Clients that failed together do not come back together.
            jittered_s = pause_s * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
            self._pause(max(min(asked_s or 0.0, _LONGEST_PAUSE_S), jittered_s))
            pause_s *= 2
        raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class _Punctual(httpx2.SyncByteStream):
    """A body that must be whole by a time (monotonic), even when each single byte is on time."""

    body: httpx2.SyncByteStream
    until: float

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.body:
            if time.monotonic() > self.until:
                raise httpx2.ReadTimeout("the answer takes too long")
            yield piece

    def close(self) -> None:
        self.body.close()


def _bound(response: httpx2.Response, *, answer_s: float) -> None:
    response.stream = _Punctual(cast("httpx2.SyncByteStream", response.stream), time.monotonic() + answer_s)


def _read(path: Path) -> Iterator[bytes]:
    """Return a file's bytes, a piece at a time; each attempt begins anew."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _flat(params: Mapping[str, object] | None) -> dict[str, list[str]]:
    flat: dict[str, list[str]] = {}
    for name, value in (params or {}).items():
        values = value if isinstance(value, list | tuple) else [value]
        flat[name] = [str(one) for one in values if one is not None]
    return flat


def _retry_after_s(response: httpx2.Response) -> float | None:
    """Return how long one is asked to wait: seconds, or a date, which is the form of some proxies."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    then, now = _date(text), _date(response.headers.get("Date", ""))
    # Their clock says when, so it says now, too.
    return None if then is None else max(0.0, (then - (now or datetime.now(UTC))).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _said(problem: Document) -> str:
    return ": ".join(str(problem[part]) for part in ("title", "detail") if problem.get(part))


def _object(response: httpx2.Response) -> Document:
    try:
        document = response.json()
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise httpx2.DecodingError("the answer is not the service's")
    return document


def _submission(response: httpx2.Response) -> Submission:
    document = _object(response)
    if not all(isinstance(document.get(name), str) for name in ("id", "state")):
        raise httpx2.DecodingError("the answer is not the service's")
    return cast("Submission", document)


def _receipt(response: httpx2.Response) -> Document | None:
    return None if response.content == b"null" else _object(response)


def _page(response: httpx2.Response) -> Document:
    document = _object(response)
    if not isinstance(document.get("data"), list):
        raise httpx2.DecodingError("the answer is not the service's")
    return document


def _file(media_type: str, response: httpx2.Response) -> bytes:
    if response.headers.get("Content-Type", "").partition(";")[0].strip() != media_type:
        raise httpx2.DecodingError("the answer is not the service's")
    return response.content


def _nothing(response: httpx2.Response) -> None:
    if response.status_code != httpx2.codes.NO_CONTENT:
        raise httpx2.DecodingError("the answer is not the service's")


def _problem(response: httpx2.Response) -> Document:
    """Return the problem document; one of our making where the answer is a proxy's, in between."""
    said: Document = {}
    with suppress(httpx2.DecodingError):
        said = _object(response)
    return {
        "title": f"HTTP {response.status_code}",
        "detail": " ".join(filter(None, (response.reason_phrase, response.headers.get("Location")))),
        "code": _NO_CODE,
        # A proxy's 5xx may pass, its 4xx will not.
        "retryable": response.is_server_error or response.status_code == httpx2.codes.TOO_MANY_REQUESTS,
        **said,
    }
