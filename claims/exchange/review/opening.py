"""Beginning reviews: what the gateway took is read once, put into a lane and into the inbox."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

from claims.bundle.contents import ReadClaim, ReadRow, read_contents
from claims.bundle.diagnoses import diagnoses_of
from claims.bundle.findings import Finding, Severity
from claims.bundle.kinds import TableKind
from claims.checking.persons import PERSON_FIELDS, blind_person
from claims.exchange.access.policy import load_policy
from claims.exchange.ports import Clock
from claims.exchange.review.policy import ReviewPolicy
from claims.exchange.review.ports import Reviews, ToReview
from claims.exchange.review.review import NewReview, Subject
from claims.exchange.review.searching import folded_words
from claims.localtime import local_date, parse_day

#: What names an insured person, the surest first.
_LONGEST_NAME: Final = 200
_NO_ROW: Final = ReadRow(0, ())


@dataclass(frozen=True, slots=True)
class OpenReviews:
    """Begin the reviews of acknowledged submissions. Safe to run twice and from several places."""

    reviews: Reviews
    policy: ReviewPolicy
    clock: Clock
    person_key: bytes = field(repr=False)
    batch: int = 100

    def __call__(self) -> int:
        """Begin some; return of how many submissions."""
        waiting = self.reviews.take_unreviewed(limit=self.batch)
        for one in waiting:
            self.reviews.begin(one.id, self._read(one), now=self.clock.now())
        return len(waiting)

    def _read(self, one: ToReview) -> Sequence[NewReview]:
        claims = read_contents(one.body, today=local_date(one.received_at)).claims
        return [self._begin(one, claim) for claim in claims]

    def _begin(self, one: ToReview, claim: ReadClaim) -> NewReview:
        subject = self._subject(claim)
        codes = gravest_by_code(
            [found for found in one.findings if found.location.claim in (None, claim.number)]
        )
        lane, reasons = self.policy.triage.lane_of(
            facility=one.facility, claimed=subject.claimed, codes=codes, dice=roll(one.id, claim.number)
        )
        return NewReview(
            submission_id=one.id,
            ordinal=claim.number,
            facility=one.facility,
            received_at=one.received_at,
            subject=subject,
            lane=lane,
            lane_reasons=reasons,
            codes=tuple(codes),
        )

    def _subject(self, claim: ReadClaim) -> Subject:
        table = claim.find_table(TableKind.XML1)
        row = table.rows[0] if table is not None and table.rows else _NO_ROW
        name = row["HO_TEN"].strip()[:_LONGEST_NAME]
        return Subject(
            ma_lk=claim.ma_lk,
            patient=name,
            words=folded_words(claim.ma_lk, row["MA_BENH_CHINH"][:20]),
            hidden_words=folded_words(name, row["MA_BN"][:_LONGEST_NAME]),
            person=self._person(row),
            diagnosis=row["MA_BENH_CHINH"].strip()[:20],
            discharged_on=parse_day(row["NGAY_RA"]),
            claimed=_amount(row["T_BHTT"]),
            classes=load_policy().classes_of(
                tables=[str(one.kind) for one in claim.tables if one.rows],
                diagnoses=set(diagnoses_of(dict(one.fields) for table in claim.tables for one in table.rows)),
            ),
        )

    def _person(self, row: ReadRow) -> bytes | None:
        for name in PERSON_FIELDS:
            text = row[name].partition(";")[0].strip().upper()
            if text:
                return blind_person(self.person_key, name, text)
        return None


def gravest_by_code(findings: Sequence[Finding]) -> Mapping[str, Severity]:
    """Return each code once with its gravest severity, the gravest first."""
    order = tuple(Severity)
    gravest: dict[str, Severity] = {}
    for found in findings:
        known = gravest.get(found.code)
        if known is None or order.index(found.severity) > order.index(known):
            gravest[found.code] = found.severity
    return dict(sorted(gravest.items(), key=lambda pair: -order.index(pair[1])))


def roll(submission_id: str, ordinal: int) -> int:
    """Return a claim's dice: even from 0 to below 2**31, the same whenever it is asked."""
    digest = hashlib.sha256(f"{submission_id}/{ordinal}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() and abs(amount) < 10**15 else Decimal(0)
