"""An earlier report beside the one that a check makes now: by the same rules? And what does it say otherwise?

Reports come from outside, possibly from another version of this software, so each value here says for itself
whether it makes sense. Reading them from JSON is left to who has them.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime  # who reads reports from JSON asks for the types of fields
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Severity
from claims.checking.report import Outcome, StageName, Why
from claims.errors import ClaimsError
from claims.validation import UnfitValue

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

_SHA256: Final = re.compile("[0-9a-f]{64}")
_CODE: Final = re.compile(r"[A-Z][A-Za-z0-9_.*-]{0,199}")


class OtherDocument(ClaimsError):
    """A report is about another document; or several are about this one, and nobody said which is meant."""


class OtherSubject(OtherDocument):
    """A report names another facility, or other episodes."""

    def __init__(self) -> None:
        super().__init__("is about another document: it names another facility or other episode keys")


class NoReport(OtherDocument):
    """None of the reports is about a document.

    Attributes:
        count: How many there are.
        file: What the only one is about, if there is one alone and it says so.
        file_sha256: Its digest.
    """

    def __init__(self, name: str, sha256: str, reports: Sequence[ToldReport]) -> None:
        self.name = name
        self.sha256 = sha256
        self.count = len(reports)
        only = reports[0] if len(reports) == 1 else None
        self.file = only and only.file
        self.file_sha256 = only and only.document_sha256
        whose = (
            f"it is about {self.file or 'another document'} (SHA-256 {self.file_sha256 or 'not said'})"
            if only
            else f"all {self.count} that it holds are of other documents"
        )
        super().__init__(f"holds no report of {name} (SHA-256 {sha256}); {whose}")


class SeveralReports(OtherDocument):
    """Several reports are about a document, were not made alike, and nobody said which is meant."""

    def __init__(self, name: str, reports: Sequence[ToldReport]) -> None:
        self.name = name
        self.count = len(reports)
        self.moments = ", ".join(sorted({one.at.isoformat() for one in reports}))
        super().__init__(
            f"holds {self.count} reports of {name}, of {self.moments}: give the one that is meant"
        )


class ChangedReport(ClaimsError):
    """A report contradicts itself: the digest of its rule set does not fit the parts."""

    def __init__(self) -> None:
        super().__init__("was changed by hand: its rule_set.sha256 does not fit its rule_set.parts")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFinding:
    """A finding as a report tells it."""

    code: str
    severity: Severity
    claim: int | None = None
    table: str | None = None
    row: int | None = None
    stt: str | None = None
    field: str | None = None
    line: int | None = None
    column: int | None = None
    envelope_line: int | None = None
    message: dict[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no code.

        Raises:
            ValueError: It is none.
        """
        if not _CODE.fullmatch(self.code):
            raise UnfitValue("code is not the code of a finding", "code không phải mã của một điểm kiểm tra")

    @property
    def place(self) -> tuple[object, ...]:
        """What two reports of one document know the finding by."""
        return self.code, self.claim, self.table, self.row, self.field


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldStage:
    """A stage as a report tells it."""

    name: str
    outcome: Outcome
    why: Why | None = None
    left_out: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRuleSet:
    """A rule set as a report tells it; ``program`` is the version that people know."""

    name: str
    sha256: str
    parts: dict[str, str]
    program: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldClaim:
    """A claim as a report tells it: its episode key."""

    ma_lk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldReport:
    """A report about one document.

    Attributes:
        file: What whoever checked knew it by; the API knows no name.
        document_sha256: The digest of its bytes; older reports have none.
    """

    at: datetime
    rule_set: ToldRuleSet
    stages: tuple[ToldStage, ...]
    findings: tuple[ToldFinding, ...]
    claims: tuple[ToldClaim, ...] = ()
    facility: str | None = None
    document_sha256: str | None = None
    file: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: A digest is none, or the moment is without a zone.
        """
        if self.at.tzinfo is None:
            raise UnfitValue("at has no time zone", "at không ghi múi giờ")
        if not all(
            _SHA256.fullmatch(one) for one in (self.rule_set.sha256, self.document_sha256 or "0" * 64)
        ):
            raise UnfitValue(
                "rule_set.sha256 or document_sha256 is no SHA-256 in hexadecimal",
                "rule_set.sha256 hoặc document_sha256 không phải SHA-256 dạng thập lục phân",
            )

    @property
    def until(self) -> StageName:
        """The last stage that was asked for; the signature is asked for by itself."""
        asked = {stage.name for stage in self.stages if stage.why is not Why.NOT_ASKED}
        ordered = [name for name in StageName if name in asked and name is not StageName.SIGNATURE]
        return ordered[-1] if ordered else StageName.SIZE

    @property
    def asks_signature(self) -> bool:
        """Whether the signature was asked for."""
        signature = [stage for stage in self.stages if stage.name == StageName.SIGNATURE]
        return any(stage.why is not Why.NOT_ASKED for stage in signature)

    @property
    def needs_unmet(self) -> frozenset[str]:
        """What rules needed and nobody knew."""
        return frozenset(need for stage in self.stages for need, count in stage.left_out.items() if count)


def find_report(reports: Iterable[ToldReport], name: str, sha256: str) -> ToldReport:
    """Find the report of a document: by its digest; where a report holds none, by the file's name.

    Raises:
        OtherDocument: There is none, or there are several that were not made alike.
    """
    every = tuple(reports)
    about = [one for one in every if one.document_sha256 == sha256]
    if not about:
        about = [one for one in every if one.document_sha256 is None and _last(one.file) in {"", _last(name)}]
    about = [one for one in about if one.file == name] or about
    if not about:
        raise NoReport(name, sha256, every)
    # A digest is enough to know a document by; a name without its folder is not, when two have it.
    if len({(one.at, one.rule_set.sha256, one.document_sha256 or one.file) for one in about}) > 1:
        raise SeveralReports(name, about)
    return about[0]


@dataclass(frozen=True, slots=True)
class PartDifference:
    """A part of the rule set that differs; empty: it was not, or is not, there. None: not said."""

    part: str
    then: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class StageDifference:
    """A stage that was looked at then and is not now, or the reverse."""

    name: str
    then: ToldStage | None
    now: ToldStage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsCompared:
    """What two reports found differently.

    Attributes:
        gone: What is not found any more.
        new: What is found now alone.
        changed: What weighs something else: then, now.
        same: How many findings are the same.
    """

    gone: tuple[ToldFinding, ...]
    new: tuple[ToldFinding, ...]
    changed: tuple[tuple[ToldFinding, ToldFinding], ...]
    same: int

    @property
    def are_equal(self) -> bool:
        """Whether the same was found, as grave."""
        return not (self.gone or self.new or self.changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two reports of one document say differently.

    Attributes:
        is_proven: Whether both hold the digest of the same bytes.
        parts: What differs between the two rule sets; nothing: they are one.
        stages: What only one of them looked at.
        unmet: What rules knew then, and nobody knows now.
        met: The reverse.
        findings: What was found.
    """

    is_proven: bool
    parts: tuple[PartDifference, ...]
    stages: tuple[StageDifference, ...]
    unmet: tuple[str, ...]
    met: tuple[str, ...]
    findings: FindingsCompared


def compare_reports(then: ToldReport, now: ToldReport) -> Comparison:
    """Hold two reports of one document beside each other.

    Raises:
        OtherDocument: The facility or the episode keys show that it is not one.
        ChangedReport: The digest of the rule set does not fit its parts.
    """
    is_proven = then.document_sha256 is not None and then.document_sha256 == now.document_sha256
    if not is_proven and _subject(then) != _subject(now):
        raise OtherSubject
    return Comparison(
        is_proven=is_proven,
        parts=tuple(_compare_parts(then.rule_set, now.rule_set)),
        stages=tuple(_compare_stages(then, now)),
        unmet=tuple(sorted(now.needs_unmet - then.needs_unmet)),
        met=tuple(sorted(then.needs_unmet - now.needs_unmet)),
        findings=_compare_findings(then.findings, now.findings),
    )


def _last(name: str) -> str:
    """Return a file's name without its folders, as any system writes them."""
    return name.replace("\\", "/").rpartition("/")[2]


def _subject(report: ToldReport) -> tuple[object, ...]:
    return report.facility, [claim.ma_lk for claim in report.claims]


def _compare_parts(then: ToldRuleSet, now: ToldRuleSet) -> Iterator[PartDifference]:
    before, after = {"name": then.name, **then.parts}, {"name": now.name, **now.parts}
    differing = [part for part in {**after, **before} if before.get(part) != after.get(part)]
    if bool(differing) == (then.sha256 == now.sha256):
        raise ChangedReport
    if "policy" in differing and "name" in differing:
        differing.remove("name")  # it stands in the policy's file
    yield from (PartDifference(part, before.get(part), after.get(part)) for part in differing)


def _compare_stages(then: ToldReport, now: ToldReport) -> Iterator[StageDifference]:
    before, after = ({stage.name: stage for stage in report.stages} for report in (then, now))
    for name in {**after, **before}:
        sides = before.get(name), after.get(name)
        was, is_now = (side is not None and side.outcome is not Outcome.SKIPPED for side in sides)
        if was != is_now:
            yield StageDifference(name, *sides)


def _compare_findings(then: Iterable[ToldFinding], now: Iterable[ToldFinding]) -> FindingsCompared:
    """Pair findings of one code at one place: first those that weigh the same, then the others."""
    twins = _sort(now, lambda one: (one.place, one.severity))
    unlike: list[ToldFinding] = []
    same = 0
    for finding in then:
        if alike := twins[finding.place, finding.severity]:
            alike.popleft()
            same += 1
        else:
            unlike.append(finding)
    left = _sort((one for each in twins.values() for one in each), lambda one: one.place)
    pairs = [(one, left[one.place].popleft() if left[one.place] else None) for one in unlike]
    return FindingsCompared(
        gone=tuple(one for one, other in pairs if other is None),
        new=tuple(one for each in left.values() for one in each),
        changed=tuple((one, other) for one, other in pairs if other is not None),
        same=same,
    )


def _sort(
    findings: Iterable[ToldFinding], key: Callable[[ToldFinding], Hashable]
) -> defaultdict[Hashable, deque[ToldFinding]]:
    sorted_: defaultdict[Hashable, deque[ToldFinding]] = defaultdict(deque)
    for finding in findings:
        sorted_[key(finding)].append(finding)
    return sorted_
