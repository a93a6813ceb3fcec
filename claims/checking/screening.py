"""Which rules may find something in a claim: told by the values of its columns, all rules at once.

Most rules find nothing in most claims, and many can be told so by one look at one column: no row is of a bed,
no code is misspelled. Each rule for itself would take that look in several calls of Python; here each column
is looked at once for all rules that have a screen on it, and values that no screen sees anything in, of
which nearly every column is full, are known from claims before.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from claims.checking.rules.rule import Rule, Screen
    from claims.checking.tables import CheckedClaim

_MOST_VALUES: Final = 1024  # of a column are remembered; codes are fewer, and names do not come again
_LONGEST_VALUE: Final = 100  # longer ones are prose, or worse, and are looked at each time
_MOST_CHOICES: Final = 512


class Screening:
    """Some rules, with the screens that tell which of them may find something."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        screens = dict.fromkeys(screen for rule in rules for screen in rule.screens)
        bits = {screen: 1 << place for place, screen in enumerate(screens)}
        self._rules = [(rule, sum(bits[screen] for screen in set(rule.screens))) for rule in rules]
        self._tables = {
            kind: sum(bit for screen, bit in bits.items() if kind in screen.tables and not screen.fields)
            for kind in TableKind
        }
        self._columns = _columns_of(bits)
        self._choices: dict[int, Sequence[Rule]] = {}

    def rules_for(self, claim: CheckedClaim) -> Sequence[Rule]:
        """Return the rules, in their order, that may find something in a claim."""
        seen = 0
        for kind, table in claim.tables.items():
            seen |= self._tables[kind]
            columns = self._columns.get(kind, ())
            if len(table.lines) == 1:  # then there is no need to put values into sets
                row = table.row(0)
                for column in columns:
                    if row[column.field] not in column.quiet:
                        seen |= column.look((row[column.field],))
                continue
            for column in columns:
                values = table.values(column.field)
                if not values <= column.quiet:
                    seen |= column.look(values - column.quiet)
        rules = self._choices.get(seen)
        if rules is None:
            if len(self._choices) >= _MOST_CHOICES:
                self._choices.clear()
            rules = self._choices[seen] = [rule for rule, needed in self._rules if seen & needed == needed]
        return rules


class _Column:
    """A field on which there are screens, and what was seen in its values.

    Attributes:
        field: Its name.
        quiet: Values in which no screen sees anything.
    """

    __slots__ = ("_loud", "_screens", "field", "quiet")

    def __init__(self, field: str, screens: Sequence[tuple[int, Callable[[str], object]]]) -> None:
        self.field = field
        self.quiet: set[str] = set()
        self._loud: dict[str, int] = {}
        self._screens = screens

    def look(self, values: Iterable[str]) -> int:
        """Return the bits of the screens that see something in some of the values."""
        seen = 0
        for value in values:
            bits = self._loud.get(value)
            if bits is None:
                bits = sum(bit for bit, is_so in self._screens if is_so(value))
                if len(value) <= _LONGEST_VALUE:
                    self._remember(value, bits)
            seen |= bits
        return seen

    def _remember(self, value: str, bits: int) -> None:
        known: set[str] | dict[str, int] = self._loud if bits else self.quiet
        if len(known) >= _MOST_VALUES:
            known.clear()
        if bits:
            self._loud[value] = bits
        else:
            self.quiet.add(value)


def _columns_of(bits: Mapping[Screen, int]) -> Mapping[TableKind, Sequence[_Column]]:
    screens: defaultdict[tuple[TableKind, str], list[tuple[int, Callable[[str], object]]]] = defaultdict(list)
    for screen, bit in bits.items():
        for place in product(screen.tables, screen.fields):
            screens[place].append((bit, screen.is_so))
    columns: defaultdict[TableKind, list[_Column]] = defaultdict(list)
    for (table, field), on_it in screens.items():
        columns[table].append(_Column(field, on_it))
    return dict(columns)


@lru_cache(maxsize=64)
def screening_of(rules: tuple[Rule, ...]) -> Screening:
    """Return the screening of some rules; there is one, however many facilities and days they hold for."""
    return Screening(rules)
