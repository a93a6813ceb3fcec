"""Audit, what the records say of each submission held beside its rows.

Some submissions at a time, by their ids, each with its records in their order: memory does not grow
with the log.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Final, LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.proof.errors import BrokenToken
from claims.proof.records import (
    AcceptanceReceipt,
    Record,
    attempt_digest,
    gateway_receipt_digest,
    report_digests,
    token_digest,
)
from claims.proof.tokens import digest_of
from claims.proof.trusted import TRUST
from claims.storage.faults import TOLERANCE, Fault
from claims.storage.later_documents import ALL_DOCUMENTS
from claims.storage.vault import Lock, Part, UnreadableContent, Vault, lock_of

#: Documents of others, by the kind that begins their names, and the table of each.
_LATER_TABLES: Final = {"reception": "reception_fault", "assessment": "assessment", "decision": "review"}
#: How the names of what is erased begin.
_CONTENT: Final = ("document", "trace", "report", "claims", *_LATER_TABLES)
#: Places in a row of submissions.
_BODY_SHA256, _BODY_SIZE, _DOCUMENT, _TRACE = 8, 9, 18, 19

# From one id to the next (submission_pkey), so that nothing is sorted that has a bundle in it; a hundred are
# in mind at once, with bundles of some 60 kB each. The number is no parameter: with one, PostgreSQL takes the
# plan for any number to be dearer, and plans anew each time, ten times as long as the answer takes. Each
# table is told where to begin: a merge join would go through all of it that lies before.
SUBMISSIONS: LiteralString = """
SELECT s.id, s.facility, encode(s.sha256, 'hex'), s.size, s.received_at, s.state, s.ma_giao_dich,
    (SELECT max(e.seq) FROM event e WHERE e.submission_id = s.id),
    encode(sha256(b.body), 'hex'), length(b.body), t.token, p.stages, p.findings, p.checked_at,
    r.ma_giao_dich, r.received_at, r.noted_at, r.answer,
    encode(sha256(o.document), 'hex'), encode(sha256(o.trace), 'hex'),
    ARRAY(SELECT c.summary FROM claim c WHERE c.submission_id = s.id ORDER BY c.ordinal),
    ARRAY(SELECT c.ma_lk || ' ' || c.facility FROM claim c WHERE c.submission_id = s.id ORDER BY c.ordinal),
    s.superseded_by, s.checked_at, s.assessed_at,
    -- Of what is encrypted the digests are not the database's to make.
    k.wrapped, k.master, CASE WHEN k.wrapped IS NOT NULL THEN b.body END,
    CASE WHEN k.wrapped IS NOT NULL THEN o.document END, CASE WHEN k.wrapped IS NOT NULL THEN o.trace END,
    m.body, m.document, m.trace
FROM submission s
LEFT JOIN submission_body b ON b.submission_id = s.id AND b.submission_id > %(after)s
LEFT JOIN data_key k ON k.submission_id = s.id AND k.submission_id > %(after)s
LEFT JOIN moved_content m ON m.submission_id = s.id AND m.submission_id > %(after)s
LEFT JOIN signed_receipt t ON t.submission_id = s.id AND t.submission_id > %(after)s
LEFT JOIN report p ON p.submission_id = s.id AND p.submission_id > %(after)s
LEFT JOIN receipt r ON r.submission_id = s.id AND r.submission_id > %(after)s
LEFT JOIN origin o ON o.submission_id = s.id AND o.submission_id > %(after)s
WHERE s.id > %(after)s ORDER BY s.id LIMIT 100
"""
_RECORDS: LiteralString = (
    "SELECT submission_id, index, record FROM evidence WHERE submission_id = ANY(%s) "
    "ORDER BY submission_id, index"
)
_ATTEMPTS: LiteralString = (
    "SELECT submission_id, attempt, started_at, ended_at, outcome, cause, answer FROM attempt "
    "WHERE submission_id = ANY(%s)"
)
_LATER: LiteralString = f"{ALL_DOCUMENTS} WHERE submission_id = ANY(%s)"
_HOLDS: LiteralString = (
    "SELECT submission_id, placed_at, placed_by, reason, released_at FROM legal_hold "
    "WHERE submission_id = ANY(%s)"
)
_ERASURES: LiteralString = (
    "SELECT submission_id, erased_at, erased_by, reason FROM erasure WHERE submission_id = ANY(%s)"
)
_MISSING: LiteralString = (
    "SELECT DISTINCT v.submission_id FROM evidence v "
    "WHERE NOT EXISTS (SELECT FROM submission s WHERE s.id = v.submission_id)"
)
# Rows that are looked at only beside the submission that they belong to.
_OF_NONE: LiteralString = " UNION ALL ".join(
    f"SELECT '{table}', submission_id FROM {table} t "
    "WHERE NOT EXISTS (SELECT FROM submission s WHERE s.id = t.submission_id)"
    for table in (
        "submission_body", "origin", "signed_receipt", "report", "attempt", "receipt", "reception_fault",
        "assessment", "review", "legal_hold", "erasure",
    )
) + (
    " UNION ALL SELECT 'review_cut', review_id::text FROM review_cut c "
    "WHERE NOT EXISTS (SELECT FROM review r WHERE r.id = c.review_id) ORDER BY 1, 2"
)  # fmt: skip
_RowsById = dict[str, list[TupleRow]]
#: When, by whom, the digest of why, and when it ended.
_Hold = tuple[datetime, str, str, datetime | None]


@dataclass(slots=True)
class _Told:
    """What the records say of a submission."""

    record: str
    facility: str
    sha256: str
    received_at: datetime
    at: datetime
    state: str
    sequence: int
    digests: dict[str, str] = field(default_factory=dict)
    #: When a document was first named as it is, and of what comes with each check or answer, last.
    digested_at: dict[str, datetime] = field(default_factory=dict)
    #: When so many claims had been assessed.
    assessed_at: dict[int, datetime] = field(default_factory=dict)
    passed_at: datetime | None = None
    attempts: Counter[tuple[str, datetime]] = field(default_factory=Counter)
    holds: list[_Hold] = field(default_factory=list)
    erased: tuple[datetime, str, str] | None = None
    superseded: str | None = None

    @property
    def is_erased(self) -> bool:
        return self.erased is not None

    def hear(self, record: Record, token: str) -> None:
        self.record, self.at = token, record.at
        self.state, self.sequence = record.state, record.sequence
        for name, digest in record.digests.items():
            if name == "attempt":
                self.attempts[digest, record.at] += 1
            else:
                if not name.startswith(tuple(_LATER_TABLES)) or self.digests.get(name) != digest:
                    self.digested_at[name] = record.at
                self.digests[name] = digest
        assessed = sum(name.startswith("assessment.") for name in self.digests)
        self.assessed_at.setdefault(assessed, record.at)
        match record.kind:
            case "checked":
                self.passed_at = record.at
            case "held":
                self.holds.append((record.at, record.actor, record.detail, None))
            case "released":
                self.holds = [(*each[:3], each[3] or record.at) for each in self.holds]
            case "erased":
                self.erased = self.erased or (record.at, record.actor, record.detail)
                self.digests = {
                    name: digest for name, digest in self.digests.items() if not name.startswith(_CONTENT)
                }
            case "superseded":
                self.superseded = record.detail


class _Some(NamedTuple):
    """Some submissions, and what there is of each in other tables."""

    rows: Sequence[TupleRow]
    records: _RowsById
    attempts: _RowsById
    later: _RowsById
    holds: _RowsById
    erasures: _RowsById


@dataclass(frozen=True, slots=True)
class SubmissionsCompared:
    """Compares submissions with their records; call it.

    Attributes:
        unsigned: Places of records that nobody of ours signed: what they say does not count.
        trusts: What records name as what signatures were judged by; grows while they are compared.
    """

    connection: Connection[TupleRow]
    vault: Vault
    unsigned: Collection[int]
    advance: Callable[[int], None]
    trusts: set[str] = field(default_factory=set)

    def __call__(self) -> Iterator[Fault]:
        """Return what is wrong."""
        # The database looks up the next ones while these are compared: each takes as long as the other.
        with ThreadPoolExecutor(max_workers=1) as ahead:
            coming = ahead.submit(self._look_up, "")
            while (some := coming.result()).rows:
                coming = ahead.submit(self._look_up, some.rows[-1][0])
                yield from self._compare_all(some)
                self.advance(len(some.rows))
        for (missing,) in self.connection.execute(_MISSING).fetchall():
            yield Fault("submission.missing", "submission", missing)
        for table, key in self.connection.execute(_OF_NONE).fetchall():
            yield Fault("row.unnoted", table, key)

    def _look_up(self, after: str) -> _Some:
        rows = self.connection.execute(SUBMISSIONS, {"after": after}).fetchall()
        ids = [row[0] for row in rows]
        statements = (_RECORDS, _ATTEMPTS, _LATER, _HOLDS, _ERASURES)
        return _Some(rows, *(self._of(statement, ids) for statement in statements))

    def _compare_all(self, some: _Some) -> Iterator[Fault]:
        for row in some.rows:
            key = row[0]
            told, faults = self._hear(some.records.get(key, ()))
            yield from faults
            # What happened since has no record yet; the next audit looks.
            is_settled = told is not None and told.sequence == row[7]
            if told is None:
                if row[7] is None:  # it begins with an event, in one transaction
                    yield Fault("submission.extra", "submission", key)
                continue
            yield from _compare_attempts(key, some.attempts.get(key, ()), told, is_settled=is_settled)
            if is_settled:
                yield from _compare(self._opened(row), told)
                yield from _compare_later(key, some.later.get(key, ()), told)
                holds, erasures = some.holds.get(key, ()), some.erasures.get(key, ())
                yield from _compare_retention(key, holds, erasures, told)

    def _of(self, statement: LiteralString, ids: Sequence[str]) -> _RowsById:
        """Return the rest of rows by the submission that they begin with."""
        rows = sorted(self.connection.execute(statement, [ids]).fetchall(), key=itemgetter(0))
        return {key: [row[1:] for row in own] for key, own in groupby(rows, key=itemgetter(0))}

    def _hear(self, rows: Iterable[TupleRow]) -> tuple[_Told | None, list[Fault]]:
        """Return what records say, and where they are no chain."""
        told: _Told | None = None
        faults: list[Fault] = []
        for place, token in rows:
            if place in self.unsigned:
                continue
            try:
                record = Record.read(token)
            except BrokenToken:
                continue  # nobody's either, and named as such
            if record.previous != (None if told is None else told.record):
                faults.append(Fault("evidence.chain", "evidence", str(place)))
            if told is not None and record.at < told.at - TOLERANCE:
                faults.append(Fault("event.back_dated", "event", f"{record.submission} {record.sequence}"))
            told = told or _Told(
                "", record.facility, record.sha256, record.at, record.at, record.state, record.sequence
            )
            told.hear(record, token_digest(token))
            self.trusts.update(record.digests[name] for name in (TRUST,) if name in record.digests)
        return told, faults

    def _opened(self, row: TupleRow) -> TupleRow:
        """Return a row with the digests of what its encrypted content says."""
        *plain, wrapped, master, body, document, trace = row[:-3]
        lock = lock_of(wrapped, master)
        if lock is None:
            return tuple(plain)
        here, moved = (
            dict(zip(Part, (body, document, trace), strict=True)),
            dict(zip(Part, row[-3:], strict=True)),
        )
        opened = {part: self._open(row[0], lock, part, here[part], moved[part]) for part in Part}
        plain[_BODY_SHA256], plain[_BODY_SIZE] = opened[Part.BODY]
        plain[_DOCUMENT], plain[_TRACE] = opened[Part.DOCUMENT][0], opened[Part.TRACE][0]
        return tuple(plain)

    def _open(
        self, submission_id: str, lock: Lock, part: Part, stored: bytes | None, moved: bytes | None
    ) -> tuple[str | None, int | None]:
        if stored is None and moved is None:
            return None, None
        try:
            content = self.vault.read(submission_id, part, stored, lock, moved)
        except UnreadableContent:
            return "", 0  # no digest is that
        return hashlib.sha256(content).hexdigest(), len(content)


def _compare(row: TupleRow, told: _Told) -> Iterator[Fault]:
    (
        key, facility, sha256, size, received_at, state, ma_giao_dich, _, body_sha256, body_size, token,
        stages, findings, checked_at, receipt_number, receipt_at, noted_at, answer, document, trace,
        claims, claim_keys, superseded_by, passed_at, assessed_at,
    ) = row  # fmt: skip
    stored = (facility, sha256, received_at, ma_giao_dich)
    is_sending = state == "sending" and told.state in {"checked", "outcome_unknown"}
    is_told = stored == (told.facility, told.sha256, told.received_at, receipt_number)
    by = None if superseded_by is None else digest_of({"by": superseded_by})
    is_as_told = is_told and by == told.superseded and (is_sending or state == told.state)
    # Erased claims are not there to be counted.
    assessed = told.assessed_at.get(len(claims)) if claims else assessed_at
    if not is_as_told or _differ(passed_at, told.passed_at) or _differ(assessed_at, assessed):
        yield Fault("submission.changed", "submission", key)
    yield from _compare_body(key, (body_sha256, body_size), (sha256, size), told)
    yield from _compare_receipt(key, token, size, told)
    yield from _compare_check(key, (stages, findings, checked_at), claims, [facility, *claim_keys], told)
    found = None
    if receipt_number is not None:
        found = gateway_receipt_digest(receipt_number, receipt_at, bytes(answer))
    if found != told.digests.get("gateway_receipt") or _is_far(noted_at, told, "gateway_receipt"):
        yield Fault("receipt.changed", "receipt", key)
    if (document, trace) != (told.digests.get("document"), told.digests.get("trace")):
        yield Fault("origin.changed", "origin", key)


def _compare_check(
    key: str,
    report: tuple[object, object, datetime | None],
    claims: Sequence[object],
    keys: Sequence[str],
    told: _Told,
) -> Iterator[Fault]:
    stages, findings, checked_at = report
    if stages is not None or "report" in told.digests:
        digests = report_digests(stages, findings, claims)
        summaries = [f"{_ma_lk(each)} {keys[0]}" for each in claims]
        if digests["report"] != told.digests.get("report") or _is_far(checked_at, told, "report"):
            yield Fault("report.changed", "report", key)
        if digests["claims"] != told.digests.get("claims") or keys[1:] != summaries:
            yield Fault("claim.changed", "claim", key)
    elif claims:
        yield Fault("claim.changed", "claim", key)


def _ma_lk(summary: object) -> object:
    # Whatever somebody wrote there.
    return summary.get("ma_lk") if isinstance(summary, dict) else None


def _compare_body(
    key: str, body: tuple[str | None, int | None], row: tuple[str, int], told: _Told
) -> Iterator[Fault]:
    if body[0] is None:
        if not told.is_erased:
            yield Fault("submission_body.missing", "submission_body", key)
    elif told.is_erased:
        yield Fault("submission_body.extra", "submission_body", key)
    elif body != row:
        yield Fault("submission_body.changed", "submission_body", key)


def _compare_receipt(key: str, token: str | None, size: int, told: _Told) -> Iterator[Fault]:
    if (None if token is None else token_digest(token)) != told.digests.get("receipt"):
        yield Fault("signed_receipt.changed", "signed_receipt", key)
    # Its key may be lost: a record that is signed says that these are its bytes.
    elif token is not None and AcceptanceReceipt.read(token).size != size:
        yield Fault("submission.changed", "submission", key)


def _compare_attempts(
    key: str, rows: Iterable[TupleRow], told: _Told, *, is_settled: bool
) -> Iterator[Fault]:
    there: Counter[tuple[str, datetime]] = Counter()
    for attempt, started_at, ended_at, outcome, cause, answer in rows:
        there[attempt_digest(attempt, started_at, outcome, cause, bytes(answer)), ended_at] += 1
    if told.attempts - there:
        yield Fault("attempt.changed", "attempt", key)
    elif there - told.attempts and is_settled:
        yield Fault("attempt.extra", "attempt", key)


def _compare_later(key: str, rows: Iterable[TupleRow], told: _Told) -> Iterator[Fault]:
    """Compare what reception, assessments and decisions say."""
    noted = {name: (digest_of(document), noted_at) for name, document, noted_at in rows}
    named = {name: each for name, each in told.digests.items() if name.startswith(tuple(_LATER_TABLES))}
    for name in sorted(noted.keys() | named.keys()):
        digest, noted_at = noted.get(name, (None, None))
        if digest != named.get(name) or (noted_at is not None and _is_far(noted_at, told, name)):
            kind = name.partition(".")[0]
            yield Fault(f"{kind}.changed", _LATER_TABLES[kind], f"{key} {name}")


def _compare_retention(
    key: str, holds: Iterable[TupleRow], erasures: Sequence[TupleRow], told: _Told
) -> Iterator[Fault]:
    """Compare what keeps a submission from being erased, and that it was."""
    there = Counter((at, by, digest_of({"reason": why}), until) for at, by, why, until in holds)
    if there != Counter(told.holds):
        yield Fault("legal_hold.changed", "legal_hold", key)
    erased = [(at, by, digest_of({"reason": why})) for at, by, why in erasures]
    if erased != ([] if told.erased is None else [told.erased]):
        yield Fault("erasure.changed", "erasure", key)


def _is_far(moment: datetime | None, told: _Told, name: str) -> bool:
    return _differ(moment, told.digested_at.get(name))


def _differ(moment: datetime | None, told: datetime | None) -> bool:
    if moment is None or told is None:
        return moment is not told
    return abs(moment - told) > TOLERANCE
