"""What is due is looked for a bounded while, and nothing is passed over."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from claims.exchange.access.places import EVERYWHERE, Reach
from claims.exchange.keeping import Erasure, FindDue, Hold, Listed, WithContent
from claims.exchange.retention import RecordClass, load_retention
from claims.exchange.submission import SubmissionId

RECEIVED = datetime(2026, 11, 30, tzinfo=UTC)
IN_TEN_YEARS = date(2036, 11, 30)


@dataclass
class Records:
    """Submissions without end, numbered from 0; the class of each is that of its number."""

    record_class: dict[int, RecordClass] = field(default_factory=dict)
    looked_at: int = 0

    def with_content(
        self, *, within: Reach, received_by: date, after: SubmissionId | None, limit: int
    ) -> Sequence[WithContent]:
        assert (within, received_by) == (EVERYWHERE, RECEIVED.date())
        first = 0 if after is None else int(after) + 1
        self.looked_at += limit
        return [self._one(number) for number in range(first, first + limit)]

    def _one(self, number: int) -> WithContent:
        kept_long = RecordClass.DEATH_OR_MENTAL
        known = frozenset({self.record_class.get(number, kept_long)})
        return WithContent(SubmissionId(f"{number:06}"), "79001", RECEIVED, known, None, is_held=False)

    def holds(self, *, within: Reach, is_standing: bool, cursor: str | None, limit: int) -> Listed[Hold]:
        raise NotImplementedError

    def holds_on(self, submission_id: SubmissionId) -> Sequence[Hold]:
        raise NotImplementedError

    def erasures(self, *, within: Reach, cursor: str | None, limit: int) -> Listed[Erasure]:
        raise NotImplementedError

    def erasure_of(self, submission_id: SubmissionId) -> Erasure | None:
        raise NotImplementedError


def test_where_nothing_is_due_one_stops_and_says_where_to_go_on() -> None:
    records = Records()
    find_due = FindDue(records, load_retention(None))

    page = find_due(within=EVERYWHERE, by=IN_TEN_YEARS, limit=100)

    assert page == Listed((), f"{records.looked_at - 1:06}")


def test_pages_follow_each_other_without_a_gap() -> None:
    due = [3, 4, 700, 701, 6_000]
    find_due = FindDue(Records(dict.fromkeys(due, RecordClass.TREATMENT)), load_retention(None))

    found: list[int] = []
    after: str | None = None
    while len(found) < len(due):
        start = None if after is None else SubmissionId(after)
        page = find_due(within=EVERYWHERE, by=IN_TEN_YEARS, limit=2, after=start)
        found += [int(one.id) for one in page.items]
        after = page.next_cursor

    assert found == due
