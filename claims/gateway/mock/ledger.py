"""What the stand-in knows, folded from its journal: bundles taken, claims' versions, counts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from claims.gateway.mock.journal import Entry, Event

_FIRST_NUMBER = 1_000_000_001


@dataclass(slots=True)
class Ledger:
    """The state after every durable entry."""

    accepted: list[Entry] = field(default_factory=list)
    check_ins: list[Entry] = field(default_factory=list)
    documents: list[Entry] = field(default_factory=list)
    counts: Counter[Event] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    _by_digest: dict[str, Entry] = field(default_factory=dict)
    _by_number: dict[str, Entry] = field(default_factory=dict)
    _latest: dict[str, Entry] = field(default_factory=dict)
    _of_facility: defaultdict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    _next_number: int = _FIRST_NUMBER

    def apply(self, entry: Entry) -> None:
        """Take an entry in."""
        self.counts[entry.event] += 1
        if entry.fault:
            self.faults[entry.fault.partition(":")[0]] += 1
        if entry.event is Event.ACCEPTED:
            self.accepted.append(entry)
            self._by_digest[entry.sha256] = entry
            self._by_number[entry.ma_giao_dich] = entry
            self._latest.update(dict.fromkeys(entry.ma_lk, entry))
            self._of_facility[entry.facility].append(entry)
        elif entry.event is Event.CHECK_IN:
            self.check_ins.append(entry)
        elif entry.event is Event.DOCUMENT:
            self.documents.append(entry)
        if entry.ma_giao_dich:
            self._next_number = max(self._next_number, int(entry.ma_giao_dich) + 1)

    def apply_all(self, entries: Iterable[Entry]) -> None:
        """Take entries in, oldest first."""
        for entry in entries:
            self.apply(entry)

    def find_bundle(self, sha256: str) -> Entry | None:
        """Return the acceptance of a bundle with this digest."""
        return self._by_digest.get(sha256)

    def find_receipt(self, ma_giao_dich: str) -> Entry | None:
        """Return the acceptance that a receipt stands for."""
        return self._by_number.get(ma_giao_dich)

    def find_latest(self, ma_lk: Sequence[str]) -> Entry | None:
        """Return the latest acceptance of any of these claims."""
        found = [self._latest[key] for key in ma_lk if key in self._latest]
        return max(found, key=lambda entry: int(entry.ma_giao_dich), default=None)

    def of_facility(self, facility: str) -> Sequence[Entry]:
        """Return everything that was taken from a facility, oldest first."""
        return self._of_facility.get(facility, ())

    def is_latest(self, entry: Entry) -> bool:
        """Whether no later version has taken the place of this one."""
        return all(self._latest[key] is entry for key in entry.ma_lk)

    def find_other(self, entry: Entry) -> Entry | None:
        """Return the latest acceptance of something else."""
        return next((other for other in reversed(self.accepted) if other.sha256 != entry.sha256), None)

    def is_owned_by_another(self, ma_lk: Sequence[str], facility: str) -> bool:
        """Whether another facility has sent one of these claims."""
        return any(key in self._latest and self._latest[key].facility != facility for key in ma_lk)

    def take_number(self) -> str:
        """Return a transaction number that was never given before."""
        number = self._next_number
        self._next_number += 1
        return str(number)

    def stats(self) -> dict[str, object]:
        """Return the counts. ``arrivals`` is the sum of what became of them."""
        kinds = (Event.ACCEPTED, Event.REPEAT, Event.REFUSED, Event.TURNED_AWAY)
        return {
            "accepted": self.counts[Event.ACCEPTED],
            "arrivals": sum(self.counts[kind] for kind in kinds),
            "repeats": self.counts[Event.REPEAT],
            "refused": self.counts[Event.REFUSED],
            "turned_away": self.counts[Event.TURNED_AWAY],
            "check_ins": self.counts[Event.CHECK_IN],
            "documents": self.counts[Event.DOCUMENT],
            "faults": dict(sorted(self.faults.items())),
        }
