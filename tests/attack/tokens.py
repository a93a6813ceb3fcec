"""Attempts with keys and tokens: wrong, changed, foreign; and races."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.attack.attempts import Broke, Target, attempt, expect

_PARALLEL = 50


@attempt("tokens", "keys that are none: empty, cut, changed, of another kind, in another place")
def wrong_keys(target: Target) -> str:
    key = target.key()
    last = "a" if key[-1] != "a" else "b"
    wrong = ["", key[:-1], key[:-1] + last, key.upper(), key + " ", "null", "ehs_", "ses_" + "a" * 43, "%00"]
    with target.client() as client:
        for each in wrong:
            answer = client.get("/v1/submissions", headers={"Authorization": f"Bearer {each}".strip()})
            if answer.status_code != 401 and not (each == key + " " and answer.status_code == 200):
                raise Broke(f"{answer.status_code} for a wrong key")
        expect(client.get("/v1/submissions", params={"api_key": key, "access_token": key}), 401)
        expect(client.get("/v1/submissions", headers={"X-API-Key": key, "Cookie": f"session={key}"}), 401)
        expect(client.get("/v1/submissions", headers={"Authorization": f"Basic {key}"}), 401)
    return "401"


@attempt("tokens", "token confusion: alg none, another algorithm, a receipt of the service as a token")
def confusion(target: Target) -> str:
    receipt = str(target.submit(target.bundles.pop()).json()["signed_receipt"])
    payload = base64.urlsafe_b64encode(json.dumps({"sub": "admin", "scope": "operate"}).encode()).decode()
    made = []
    for head in ({"alg": "none"}, {"alg": "HS256", "typ": "JWT"}, {"alg": "RS256", "kid": "../../dev/null"}):
        encoded = base64.urlsafe_b64encode(json.dumps(head).encode()).decode().rstrip("=")
        made.append(f"{encoded}.{payload.rstrip('=')}.")
    with target.client() as client:
        for token in (*made, receipt):
            expect(client.get("/v1/submissions", headers={"Authorization": f"Bearer {token}"}), 401)
    return "401: what the service signs for others opens nothing"


@attempt("tokens", "guessing secrets by how long a refusal takes")
def timing(target: Target) -> str:
    import statistics
    import time

    known, unknown = target.key()[:-6] + "AAAAAA", "ehs_" + "A" * (len(target.key()) - 4)
    took: dict[str, list[float]] = {known: [], unknown: []}
    with target.client() as client:
        for _ in range(60):
            for key, times in took.items():
                began = time.perf_counter()
                client.get("/v1/limits", headers={"Authorization": f"Bearer {key}"})
                times.append(time.perf_counter() - began)
    apart = abs(statistics.median(took[known]) - statistics.median(took[unknown])) * 1000
    if apart > 5:
        raise Broke(f"{apart:.1f} ms apart")
    return f"{apart:.2f} ms apart (medians of 60); digests are compared in constant time"


@attempt("foreign records", "another facility's ids: read, take back, in filters and bodies")
def idor(target: Target) -> str:
    mine = str(target.submit(target.bundles.pop()).json()["id"])
    other = target.bearer(1)
    with target.client() as client:
        for what in ("", "/events", "/findings", "/receipt", "/paper", "/archive", "/evidence", "/options"):
            expect(client.get(f"/v1/submissions/{mine}{what}", headers=other), 403, 404)
        expect(
            client.post(f"/v1/submissions/{mine}/withdrawal", json={"reason": "mine now"}, headers=other),
            403,
            404,
        )
        listed = client.get("/v1/submissions", params={"facility": target.codes[0]}, headers=other)
        expect(listed, 403)
        own = client.get("/v1/submissions", params={"limit": 1}, headers=target.bearer()).json()
        cursor = own["next_cursor"]
        if cursor:
            page = client.get("/v1/submissions", params={"cursor": cursor}, headers=other)
            if any(one["facility"] == target.codes[0] for one in page.json().get("data", [])):
                raise Broke("another facility's cursor opens its list")
    return "404 or 403, as for ids that do not exist"


@attempt("races", f"one idempotency key, {_PARALLEL} requests at once")
def idempotency_race(target: Target) -> str:
    bundle = target.bundles.pop()
    answers = _at_once(lambda _: target.submit(bundle, key="race"))
    ids = {str(answer.json().get("id")) for answer in answers if answer.status_code in {200, 202}}
    if len(ids) != 1 or any(answer.status_code >= 500 for answer in answers):
        raise Broke(f"{len(ids)} submissions, {sorted({answer.status_code for answer in answers})}")
    return f"one submission from {len(answers)} requests"


@attempt("races", f"one idempotency key, {_PARALLEL} different bundles at once")
def mismatch_race(target: Target) -> str:
    bundles = [target.bundles[0][:-1] + b" " * number + b">" for number in range(1, _PARALLEL + 1)]
    answers = _at_once(lambda place: target.submit(bundles[place], key="race-of-many"))
    taken = [answer for answer in answers if answer.status_code in {200, 202}]
    if len({answer.json()["id"] for answer in taken}) != 1:
        raise Broke(f"{len(taken)} were taken")
    rest = {answer.status_code for answer in answers if answer not in taken}
    if rest - {409, 422}:
        raise Broke(f"the others were answered {sorted(rest)}")
    return f"one taken, {len(answers) - len(taken)} told that the key is used"


@attempt("races", f"one signed bundle, {_PARALLEL} times at once and again")
def replay_race(target: Target) -> str:
    bundle = target.bundles.pop()
    answers = [*_at_once(lambda _: target.submit(bundle)), target.submit(bundle)]
    ids = {answer.json().get("id") for answer in answers}
    if len(ids) != 1:
        raise Broke(f"{len(ids)} submissions of one bundle")
    return "one submission, the first receipt for all"


@attempt("foreign records", "a bundle of another facility under one's own key")
def foreign_bundle(target: Target) -> str:
    answer = target.submit(target.bundles.pop(), place=1)
    expect(answer, 202, 403, 422)
    if answer.status_code != 202:
        return expect(answer, 403, 422)
    with target.client() as client:
        state = client.get(
            f"/v1/submissions/{answer.json()['id']}", params={"wait": 15}, headers=target.bearer(1)
        ).json()["state"]
    if state != "rejected":
        raise Broke(f"it became {state}")
    return "taken, checked and rejected: the signature is not this facility's"


def _at_once(do: Callable[[int], httpx2.Response]) -> list[httpx2.Response]:
    with ThreadPoolExecutor(_PARALLEL) as executor:
        return list(executor.map(do, range(_PARALLEL)))
