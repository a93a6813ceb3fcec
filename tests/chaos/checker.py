"""The independent checker: what was promised, what is stored, what the gateway has.

It reads three testimonies, each in its own way: the client's log of promises, the database in plain SQL, and
the stand-in gateway's own record. It imports nothing of the service's.
"""

import hashlib
import json
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from cramjam import lz4
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

#: A submission that is in none of these is still under way.
TERMINAL = frozenset({"acknowledged", "rejected", "refused", "failed", "superseded", "withdrawn"})


@dataclass
class Verdict:
    """What the comparison came to.

    Attributes:
        lost: Promised and not stored, not at rest, or acknowledged and not at the gateway.
        doubled: Several records or acknowledgments of one bundle, or bytes that came to the gateway again.
        mismatched: Other bytes, another receipt, another end than deserved, or records of nobody's.
    """

    accepted: int = 0
    acknowledged: int = 0
    states: Counter[str] = field(default_factory=Counter)
    gateway_faults: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.mismatched)


def compare(promises: Path, database_url: str, gateway_url: str, seal: bytes) -> Verdict:
    """Compare the three testimonies."""
    verdict = Verdict()
    stored = _stored(database_url, seal)
    taken = _taken(gateway_url)
    stats = json.loads(_get(f"{gateway_url}/mock/stats"))
    verdict.gateway_faults.update(stats["faults"])
    verdict.doubled += ["bytes that the gateway had taken came to it again"] * int(stats["repeats"])
    for promise in _promises(promises, verdict):
        row = stored.get(promise["id"])
        if row is None or row.state not in TERMINAL:
            verdict.lost.append(f"{promise['id']}: {'not stored' if row is None else row.state}")
            continue
        verdict.states[row.state] += 1
        if {row.sha256, row.body_sha256} != {promise["sha256"]}:
            verdict.mismatched.append(f"{promise['id']}: stored bytes differ from those that were submitted")
        if row.state != promise["expected"]:
            verdict.mismatched.append(f"{promise['id']}: {row.state}, expected {promise['expected']}")
    _compare_with_gateway(stored, taken, verdict)
    return verdict


@dataclass(frozen=True)
class _Row:
    state: str
    facility: str
    sha256: str
    body_sha256: str
    receipt: str | None
    receipts: int
    acknowledgments: int


def _promises(log: Path, verdict: Verdict) -> Iterator[dict[str, str]]:
    seen: set[str] = set()
    for line in log.read_text("utf-8").splitlines():
        promise = json.loads(line)
        if "id" not in promise:
            verdict.mismatched.append(f"refused at the door: {promise}")
        elif promise["id"] not in seen:
            seen.add(promise["id"])
            yield promise
    verdict.accepted = len(seen)


def _stored(database_url: str, seal: bytes) -> dict[str, _Row]:
    # A body at a time: however many there are, this process stays small.
    with psycopg.connect(database_url) as connection, connection.cursor("stored") as rows:
        rows.itersize = 100
        rows.execute(
            "SELECT s.id, s.state, s.facility, encode(s.sha256, 'hex'), b.body, k.wrapped,"
            " r.ma_giao_dich, (SELECT count(*) FROM receipt WHERE submission_id = s.id),"
            " (SELECT count(*) FROM event WHERE submission_id = s.id AND kind = 'acknowledged')"
            " FROM submission s JOIN submission_body b ON b.submission_id = s.id"
            " LEFT JOIN data_key k ON k.submission_id = s.id"
            " LEFT JOIN receipt r ON r.submission_id = s.id"
        )
        return {
            key: _Row(state, facility, sha256, _sha256(_opened(key, body, wrapped, seal)), *more)
            for key, state, facility, sha256, body, wrapped, *more in rows
        }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _opened(submission_id: str, body: bytes, wrapped: bytes | None, seal: bytes) -> bytes:
    """Decrypt and decompress a body as an installation does that never made a master key of its own."""
    if wrapped is None:
        return body
    master = hashlib.blake2b(b"keys of stored content", key=seal, digest_size=32).digest()
    key = AESGCM(master).decrypt(wrapped[:12], wrapped[12:], submission_id.encode())
    content = AESGCM(key).decrypt(body[:12], body[12:], f"{submission_id} body".encode())
    return bytes(lz4.decompress_block(content.removeprefix(b"\0LZ4")))


def _compare_with_gateway(stored: dict[str, _Row], taken: dict[str, list[str]], verdict: Verdict) -> None:
    for submission_id, row in stored.items():
        records = taken.pop(row.sha256, [])
        if len(records) > 1 or row.acknowledgments > 1 or row.receipts > 1:
            verdict.doubled.append(f"{submission_id}: {len(records)} records, {row.acknowledgments} times")
        if row.state == "acknowledged":
            verdict.acknowledged += 1
            if not records:
                verdict.lost.append(f"{submission_id}: acknowledged, and the gateway has none of these bytes")
            elif records[0] != row.receipt or not row.acknowledgments:
                verdict.mismatched.append(f"{submission_id}: receipt {row.receipt}, gateway's {records[0]}")
        elif records:
            verdict.mismatched.append(f"{submission_id}: {row.state}, and the gateway has it")
    verdict.mismatched += [f"{sha256}: at the gateway and nobody's" for sha256 in taken]


def _taken(gateway_url: str) -> dict[str, list[str]]:
    """Return the receipts of what the gateway has, by digest of the very bytes."""
    numbers = {one["ma_giao_dich"] for one in json.loads(_get(f"{gateway_url}/mock/received"))}
    taken: dict[str, list[str]] = defaultdict(list)
    for number in sorted(numbers):
        bundle = _get(f"{gateway_url}/mock/received/{number}/bundle")
        taken[hashlib.sha256(bundle).hexdigest()].append(number)
    return taken


def _get(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        body: bytes = answer.read()
    return body
