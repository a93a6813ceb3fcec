"""A client of the API, for the command line and for billing systems written in Python.

Every request that may be repeated is: receiving is idempotent, so a lost answer costs nothing.

* ClaimsError
  - ApiError
    - ApiUnreachable    nothing usable answered; trying again later may help
    - ApiRefused        a problem document came back
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self, cast
from uuid import uuid4

import httpx2

from claims.errors import ClaimsError

Document = Mapping[str, object]

#: States in which nothing more happens by itself.
SETTLED = frozenset({"acknowledged", "rejected", "refused", "failed", "superseded", "withdrawn"})

_ATTEMPTS = 4
_FIRST_PAUSE_S = 0.5


class ApiError(ClaimsError):
    """The API did not do what it was asked."""


class ApiUnreachable(ApiError):
    """Nothing usable answered; trying again later may help."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} cannot be reached: {reason}")
        self.url = url


class ApiRefused(ApiError):
    """The API answered with a problem document."""

    def __init__(self, problem: Document) -> None:
        super().__init__(f"{problem.get('title')}: {problem.get('detail')}")
        self.problem = problem

    @property
    def code(self) -> str:
        """Return the problem's stable code."""
        return str(self.problem.get("code", ""))


class ApiClient:
    """Talks to one eHoSo service with one API key. Safe to share between threads."""

    def __init__(self, url: str, key: str, *, timeout_s: float = 60.0) -> None:
        self._url = url
        self._http = httpx2.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout_s, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def submit_bundle(self, bundle: bytes, *, idempotency_key: str | None = None) -> Document:
        """Submit a signed bundle and return its submission."""
        return self._submit("/v1/submissions", bundle, "application/xml", idempotency_key)

    def submit_encounter(self, document: bytes, *, idempotency_key: str | None = None) -> Document:
        """Submit an encounter document, to be built and signed by the service."""
        return self._submit("/v1/encounters", document, "application/json", idempotency_key)

    def submission(self, submission_id: str, *, wait_s: float = 0) -> Document:
        """Return a submission; wait up to so many seconds (30 at most) for it to settle."""
        return _document(self._request("GET", f"/v1/submissions/{submission_id}", params={"wait": wait_s}))

    def submissions(self, **filters: object) -> Iterator[Document]:
        """Return all submissions that the filters leave, newest first, page by page."""
        cursor: str | None = None
        while True:
            params = {**filters, "limit": 200, **({"cursor": cursor} if cursor else {})}
            page = _document(self._request("GET", "/v1/submissions", params=params))
            yield from cast("Sequence[Document]", page["data"])
            cursor = cast("str | None", page["next_cursor"])
            if cursor is None:
                return

    def withdraw(self, submission_id: str, *, reason: str) -> Document:
        """Take back a submission that the gateway does not have."""
        path = f"/v1/submissions/{submission_id}/withdrawal"
        return _document(self._request("POST", path, json={"reason": reason}))

    def events(self, submission_id: str) -> Sequence[Document]:
        """Return a submission's history, oldest first."""
        return cast(
            "Sequence[Document]", self._request("GET", f"/v1/submissions/{submission_id}/events").json()
        )

    def feed(self, *, after: str | None = None, limit: int = 1000, wait_s: float = 0) -> Document:
        """Return a page of events after a cursor (``next`` of the page before, or ``latest``).

        Waits up to so many seconds, 30 at most, for an event. Keep ``next`` when what the page says is done.
        """
        params = {"after": after, "limit": limit, "wait": wait_s}
        return _document(self._request("GET", "/v1/events", params=params))

    def findings(self, submission_id: str) -> Document:
        """Return what the last check found."""
        return _document(self._request("GET", f"/v1/submissions/{submission_id}/findings"))

    def receipt(self, submission_id: str) -> Document | None:
        """Return the gateway's receipt, or None while there is none."""
        found = self._request("GET", f"/v1/submissions/{submission_id}/receipt").json()
        return cast("Document | None", found)

    def plan_replay(self, where: Document) -> Document:
        """Return what a replay would do."""
        return _document(self._request("POST", "/v1/replays", json={"where": where, "dry_run": True}))

    def start_replay(
        self,
        where: Document,
        *,
        reason: str,
        per_minute: int | None = None,
        idempotency_key: str | None = None,
    ) -> Document:
        """Set a replay going; under one key it is set going once."""
        return _document(
            self._request(
                "POST",
                "/v1/replays",
                json={"where": where, "reason": reason, "per_minute": per_minute},
                headers={"Idempotency-Key": idempotency_key or uuid4().hex},
            )
        )

    def steer_replay(self, replay_id: str, step: Literal["pause", "resume", "cancel"]) -> Document:
        """Pause a replay, let it go on, or end it."""
        return _document(self._request("POST", f"/v1/replays/{replay_id}/{step}"))

    def replays(self) -> Iterator[Document]:
        """Return all replays, newest first."""
        before: str | None = None
        while True:
            params = {"before": before} if before else {}
            page = _document(self._request("GET", "/v1/replays", params=params))
            yield from cast("Sequence[Document]", page["data"])
            before = cast("str | None", page["next_before"])
            if before is None:
                return

    def replay(self, replay_id: str) -> Document:
        """Return how far a replay has come."""
        return _document(self._request("GET", f"/v1/replays/{replay_id}"))

    def replay_items(self, replay_id: str) -> Iterator[Document]:
        """Return a replay's items, in order of their submission's id."""
        after: str | None = None
        while True:
            page = _document(
                self._request(
                    "GET", f"/v1/replays/{replay_id}/items", params={"after": after} if after else {}
                )
            )
            yield from cast("Sequence[Document]", page["data"])
            after = cast("str | None", page["next_after"])
            if after is None:
                return

    def _submit(self, path: str, body: bytes, media_type: str, idempotency_key: str | None) -> Document:
        headers = {"Content-Type": media_type}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return _document(self._request("POST", path, content=body, headers=headers))

    def _request(  # noqa: PLR0913 - what an HTTP request is made of
        self,
        method: str,
        path: str,
        *,
        attempts: int = _ATTEMPTS,
        params: Mapping[str, object] | None = None,
        content: bytes | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        pause_s = _FIRST_PAUSE_S
        for attempt in range(1, attempts + 1):
            try:
                response = self._http.request(
                    method,
                    path,
                    params=_flat(params),
                    content=content,
                    json=json,
                    headers=dict(headers or {}),
                )
            except httpx2.HTTPError as error:
                failure = ApiUnreachable(self._url, str(error) or type(error).__name__)
            else:
                if response.is_success:
                    return response
                problem = _problem(response)
                if not problem.get("retryable"):
                    raise ApiRefused(problem)
                failure = ApiUnreachable(self._url, str(problem.get("title")))
            if attempt == attempts:
                raise failure
            time.sleep(pause_s)
            pause_s *= 2
        raise AssertionError("unreachable")


def _flat(params: Mapping[str, object] | None) -> dict[str, list[str]]:
    flat: dict[str, list[str]] = {}
    for name, value in (params or {}).items():
        values = value if isinstance(value, list | tuple) else [value]
        flat[name] = [str(one) for one in values if one is not None]
    return flat


def _document(response: httpx2.Response) -> Document:
    return cast("Document", response.json())


def _problem(response: httpx2.Response) -> Document:
    if "json" in response.headers.get("Content-Type", ""):
        return _document(response)
    # Not ours: a proxy in between. Its 5xx may pass, its 4xx will not.
    return {
        "title": f"HTTP {response.status_code}",
        "detail": response.reason_phrase,
        "code": "http-error",
        "retryable": response.is_server_error,
    }
