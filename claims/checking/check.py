"""The check: every stage over one bundle, and the report.

One engine for library, command line, API and workers.

1. size: there are bytes, and not too many.
2. xml: they are UTF-8 XML without a DTD.
3. envelope: GIAMDINHHS has its parts, and each table can be taken out of it.
4. signature, when asked for: it holds, over the whole document, and is the facility's own.
5. schema: each table keeps to the schema in force on the day its episode ended.
6. crosstable: the tables agree with each other and with the envelope.
7. rules: what a table of a valid shape can still get wrong.
8. catalogues: the rules that ask the facility's lists, as far as these are known.
9. history: the rules that ask for other claims, as far as these are known.

A stage runs whenever it still makes sense after what came before, so that a report names every fault
at once; what makes no sense any more is skipped and said so.
"""

from __future__ import annotations

import dataclasses
import re
import time
from datetime import date
from decimal import Decimal
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from claims.bundle.diagnoses import codes_in, diagnosis_fields
from claims.bundle.envelope import parse_findings, read_bundle, strip_asides
from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.notation import BOM, find_cdata
from claims.checking import envelopes
from claims.checking.history.traces import OtherClaims, marks_of
from claims.checking.known import Known
from claims.checking.needs import Need
from claims.checking.persons import persons_of
from claims.checking.plan import make_plan
from claims.checking.policy import CheckPolicy
from claims.checking.report import SEVERITY_ORDER, ClaimSummary, Outcome, Report, Stage, StageName, Why
from claims.checking.rules import FAMILIES
from claims.checking.rules.breaches import find_breaches
from claims.checking.rules.envelope import find_wrong_facility
from claims.checking.shapes import check_tables
from claims.checking.signatures import SignatureTerms, registration_findings, signature_findings
from claims.checking.terms import DEFAULT_TERMS, CheckTerms
from claims.localtime import local_date
from signing.canonical import parse
from signing.errors import Unparsable
from signing.verify import verify
from xsd.scan import count_elements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from lxml.etree import _Element as Element

    from claims.bundle.envelope import Bundle
    from claims.catalogues.catalogue import Catalogue
    from claims.checking.history.marks import History, Mark
    from claims.checking.plan import Part
    from claims.checking.policy import Weights
    from claims.checking.tables import CheckedClaim, CheckedTable, Row
    from signing.verdict import Verdict

__all__ = [
    "CheckPolicy",
    "CheckTerms",
    "CheckUnderWay",
    "ClaimSummary",
    "Outcome",
    "Report",
    "SignatureTerms",
    "Stage",
    "StageName",
    "Why",
    "ask_together",
    "begin_check",
    "check_bundle",
]

MOST_FINDINGS: Final = 2000  # nobody reads more; the gravest are kept
MOST_ENVELOPE_ELEMENTS: Final = 10_000  # one claim needs about 60; tables are encoded and do not count
# What is longer is no code and no key. It would be told again for each claim, and fit no index.
_LONGEST_FACILITY: Final = 20
_LONGEST_MA_LK: Final = 100
_AMOUNT: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_NONE: Final[Mapping[str, int]] = MappingProxyType({})
_STAGES: Final = tuple(StageName)
_ORDER: Final = {name: place for place, name in enumerate(_STAGES)}


def check_bundle(data: bytes, *, at: datetime, terms: CheckTerms = DEFAULT_TERMS) -> Report:
    """Check one bundle as it was received at a moment (aware), and report everything that was found."""
    return begin_check(data, at=at, terms=terms).finish()


def begin_check(data: bytes, *, at: datetime, terms: CheckTerms = DEFAULT_TERMS) -> CheckUnderWay:
    """Check a bundle as far as its tables, (1) to (5), so that several may ask the history together."""
    check = CheckUnderWay(at, terms)
    check.begin(data)
    return check


def ask_together(checks: Sequence[CheckUnderWay]) -> None:
    """Ask the history once for all these checks; each then finds its answers there when it goes on."""
    asking = [check for check in checks if check.history is not None]
    for history in {id(check.history): check.history for check in asking}.values():
        if history is not None:
            claims = [claim for check in asking if check.history is history for claim in check.claims]
            OtherClaims.ask_for_all(claims, history)


class CheckUnderWay:
    """One check under way: begun, and then finished."""

    def __init__(self, at: datetime, terms: CheckTerms) -> None:
        self._at = at
        self._received_on = local_date(at)
        self._terms = terms
        self._limits = terms.policy.limits
        self._ms: dict[StageName, float] = {}
        self._findings: dict[StageName, list[Finding]] = {name: [] for name in _STAGES}
        self._facility: str | None = None
        self._made_on: str | None = None
        self._claims: list[CheckedClaim] = []
        self._verdict: Verdict | None = None
        self._plan: Mapping[StageName, Part] = {}

    @property
    def history(self) -> History | None:
        """The history that this check asks; None if it asks none."""
        asks = bool(self._claims) and self._is_asked(StageName.HISTORY)
        return cast("History | None", self._terms.more.get(Need.HISTORY)) if asks else None

    @property
    def claims(self) -> Sequence[CheckedClaim]:
        """The claims whose tables were read."""
        return self._claims

    def begin(self, data: bytes) -> None:
        """Run the stages that make sense, as far as the tables."""
        with self._stage(StageName.SIZE) as found:  # (1)
            found.extend(self._size_findings(data))
        if found:
            return
        root = self._parse(data) if self._is_asked(StageName.XML) else None  # (2)
        if root is None or not self._is_asked(StageName.ENVELOPE):
            return
        with self._stage(StageName.ENVELOPE) as found:  # (3)
            signatures = envelopes.count_signatures(root)
            if signatures > 1:
                found.append(envelopes.several_signatures(signatures))
            if not envelopes.is_bundle(root):
                found.append(envelopes.wrong_root(root))
                found.extend(envelopes.other_form(root))
                return
            found.extend(envelopes.id_findings(root))
        signature = self._terms.signature if self._is_asked(StageName.SIGNATURE) else None
        content = root if signature is None else self._verify(root, data, signature)  # (4)
        with self._stage(StageName.ENVELOPE) as found:
            bundle = self._read(content, found)
        if signature is not None and self._verdict is not None:
            with self._stage(StageName.SIGNATURE) as found:
                found.extend(registration_findings(self._verdict, bundle.facility, signature, self._at))
        if self._is_asked(StageName.SCHEMA) and any(claim.tables for claim in bundle.claims):
            self._check_tables(bundle)

    def finish(self) -> Report:
        """Run the stages that are left, and put together what was found."""
        if self._claims:
            self._check_claims()
        return self._report()

    def _report(self) -> Report:
        weigh = self._weights().weigh
        # A policy has the last word on what was found, stage by stage, so that it counts for outcomes too.
        for found in filter(None, self._findings.values()):
            found[:] = (weighed for finding in found if (weighed := weigh(finding)) is not None)
        return Report(
            stages=tuple(map(self._stage_result, _STAGES)),
            findings=_gravest(chain.from_iterable(self._findings.values())),
            facility=self._facility,
            claims=tuple(map(_summarize, self._claims)),
            # The tree that was verified is not kept alive by a report.
            signature=self._verdict and dataclasses.replace(self._verdict, content=None),
            at=self._at,
            rule_set=self._terms.rule_set,
            marks=self._marks(),
            persons=self._persons(),
        )

    def _marks(self) -> tuple[Mark, ...]:
        """Return what the claims leave for later ones, where a history is kept."""
        if Need.HISTORY not in self._terms.more:
            return ()
        key = cast("History", self._terms.more[Need.HISTORY]).key
        return tuple(mark for claim in self._claims for mark in marks_of(claim, key))

    def _persons(self) -> tuple[tuple[bytes, ...], ...]:
        key = self._terms.person_key
        return () if key is None else tuple(persons_of(claim, key) for claim in self._claims)

    def _is_asked(self, name: StageName) -> bool:
        return _ORDER[name] <= _ORDER[self._terms.until]

    def _weights(self) -> Weights:
        terms = self._terms
        return terms.policy.weights(terms.expected_facility or self._facility, self._received_on)

    def _size_findings(self, data: bytes) -> Iterator[Finding]:
        if not data:
            yield Finding("ENV.EMPTY", Severity.CRITICAL)
        elif len(data) > self._limits.max_bytes:
            params = (("size", str(len(data))), ("max", str(self._limits.max_bytes)))
            yield Finding("ENV.SIZE", Severity.ERROR, params=params)

    def _parse(self, data: bytes) -> Element | None:
        with self._stage(StageName.XML) as found:
            try:
                root = parse(data, limits=self._limits)
            except Unparsable as error:
                found.extend(parse_findings(error, data))
                return None
            # An element takes four bytes or more, so most bundles are too short to have as many.
            if len(data) > 4 * MOST_ENVELOPE_ELEMENTS and count_elements(root) > MOST_ENVELOPE_ELEMENTS:
                found.append(Finding("ENV.TOO_COMPLEX", Severity.CRITICAL))
                return None
            if data.startswith(BOM):
                found.append(Finding("ENV.BOM", Severity.INFO, Location(line=1)))
            found.extend(
                Finding(mark.code, Severity.INFO, Location(line=mark.line), (("count", str(mark.count)),))
                for mark in find_cdata(data)
            )
        return root

    def _verify(self, root: Element, data: bytes, terms: SignatureTerms) -> Element:
        """Verify the signature; return what is then to be read."""
        with self._stage(StageName.SIGNATURE) as found:
            self._verdict = verify(root, trust=terms.trust, at=self._at, policy=terms.policy, source=data)
            counted = {finding.code for finding in self._findings[StageName.ENVELOPE]}
            found.extend(one for one in signature_findings(self._verdict) if one.code not in counted)
        # What does not hold is read all the same: it is blocked by now, and one report names every fault.
        return root if self._verdict.content is None else self._verdict.content

    def _read(self, content: Element, found: list[Finding]) -> Bundle:
        strip_asides(content)
        bundle = read_bundle(content, limits=self._limits, as_usual=True)
        known = (*found, *bundle.findings)
        found.extend(envelopes.shape_findings(content, self._received_on, known))
        found.extend(bundle.findings)
        self._facility = None if bundle.facility is None else bundle.facility[:_LONGEST_FACILITY]
        self._made_on = bundle.made_on
        return bundle

    def _check_tables(self, bundle: Bundle) -> None:
        with self._stage(StageName.SCHEMA) as found:  # (5)
            for claim in bundle.claims:
                checked, findings = check_tables(claim, self._received_on)
                self._claims.append(checked)
                found.extend(findings)

    def _check_claims(self) -> None:
        if self._is_asked(StageName.CROSSTABLE):
            with self._stage(StageName.CROSSTABLE) as found:  # (6)
                expected = self._terms.expected_facility
                found.extend(find_wrong_facility(self._facility, expected, tuple(self._claims)))
            self._check_rules()
        if self._is_asked(StageName.RULES):
            with self._stage(StageName.RULES) as found:  # (7)
                for checked in self._claims:
                    found.extend(finding for family in FAMILIES for finding in family(checked))

    def _check_rules(self) -> None:
        """Check every rule whose needs are met, stage by stage: (6) to (9)."""
        terms = self._terms
        known = Known(
            received_at=self._at,
            facility=self._facility or "",
            made_on=self._made_on or "",
            catalogue=self._catalogue(self._facility),
            more=terms.more,
        )
        self._plan = make_plan(known.needs_met, self._weights(), terms.own_rules, terms.rules)
        said = {finding.location for finding in self._findings[StageName.SCHEMA] if finding.is_blocking}
        for name, part in self._plan.items():
            if part.rules and self._is_asked(name):
                with self._stage(name) as found:
                    for checked in self._claims:
                        found.extend(find_breaches(checked, part.rules_for(checked), known, said))

    def _catalogue(self, facility: str | None) -> Catalogue | None:
        """Return the lists, unless they are another facility's than the one that sends."""
        catalogue = self._terms.catalogue
        is_other = catalogue is not None and catalogue.facility and catalogue.facility != facility
        return None if is_other else catalogue

    def _stage(self, name: StageName) -> _StageTimer:
        """Time a stage, or one part of it, and collect what it finds."""
        return _StageTimer(name, self._findings[name], self._ms)

    def _stage_result(self, name: StageName) -> Stage:
        part = self._plan.get(name) if self._is_asked(name) else None
        ran, left_out = (0, _NONE) if part is None else (len(part.rules), part.left_out)
        if name not in self._ms:
            return Stage(name, Outcome.SKIPPED, 0.0, self._why_skipped(name), left_out=left_out)
        failed = any(finding.is_blocking for finding in self._findings[name])
        outcome = Outcome.FAILED if failed else Outcome.PASSED
        return Stage(name, outcome, self._ms[name], None, ran, left_out)

    def _why_skipped(self, name: StageName) -> Why:
        is_unasked = name is StageName.SIGNATURE and self._terms.signature is None
        if is_unasked or not self._is_asked(name):
            return Why.NOT_ASKED
        return Why.UNKNOWN if name in self._plan else Why.POINTLESS


class _StageTimer:
    """One stage under way, or one part of it: a context, cheaper than one that is a generator."""

    __slots__ = ("_found", "_ms", "_name", "_started")

    def __init__(self, name: StageName, found: list[Finding], ms: dict[StageName, float]) -> None:
        self._name = name
        self._found = found
        self._ms = ms
        self._started = 0.0

    def __enter__(self) -> list[Finding]:
        self._started = time.perf_counter()
        return self._found

    def __exit__(self, *_: object) -> None:
        self._ms[self._name] = self._ms.get(self._name, 0.0) + (time.perf_counter() - self._started) * 1000


def _gravest(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    every = tuple(findings)
    if len(every) <= MOST_FINDINGS:
        return every
    kept = sorted(every, key=lambda finding: SEVERITY_ORDER.index(finding.severity))[:MOST_FINDINGS]
    params = (("left_out", str(len(every) - MOST_FINDINGS)),)
    return (*kept, Finding("ENV.MORE_FINDINGS", Severity.INFO, params=params))


def _summarize(claim: CheckedClaim) -> ClaimSummary:
    row = claim.summary_row
    decisions = sorted({table.schema.decision for table in claim.tables.values()})
    return ClaimSummary(
        ma_lk="" if row is None or len(row["MA_LK"]) > _LONGEST_MA_LK else row["MA_LK"],
        decision=decisions[-1] if decisions else None,
        discharged_on=claim.discharged_on,
        tables=MappingProxyType({str(kind): len(table.lines) for kind, table in claim.tables.items()}),
        t_tongchi_bv=_amount(row, "T_TONGCHI_BV"),
        t_tongchi_bh=_amount(row, "T_TONGCHI_BH"),
        t_bhtt=_amount(row, "T_BHTT"),
        ma_tai_nan="" if row is None else (row["MA_TAI_NAN"] or "").strip(),
        ket_qua_dtri="" if row is None else (row["KET_QUA_DTRI"] or "").strip(),
        ma_doituong_kcb="" if row is None else (row["MA_DOITUONG_KCB"] or "").strip(),
        paid_on=date.fromisoformat(paid) if row is not None and (paid := row.day("NGAY_TTOAN")) else None,
        diagnoses=frozenset(code for table in claim.tables.values() for code in _diagnoses(table)),
    )


def _diagnoses(table: CheckedTable) -> Iterator[str]:
    for name in diagnosis_fields(table.names):
        for text in table.values(name):
            yield from codes_in(text)


def _amount(row: Row | None, field: str) -> Decimal | None:
    text = "" if row is None else row[field]
    return Decimal(text) if _AMOUNT.fullmatch(text) else None
