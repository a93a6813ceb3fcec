"""What nothing is read from: segments, counted by name, and escape sequences; none is passed over unseen."""

from collections.abc import Iterable
from typing import Final

from claims.emr.hl7.message import Message, Segment
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.places import read_place
from claims.emr.hl7.results import is_result_message
from claims.emr.hl7.values import Notes

# MSA, SFT, UAC and DSC are about the exchange and hold nothing of a visit.
_READ: Final = frozenset(
    {
        "DG1", "DSC", "EVN", "IN1", "IN2", "IN3", "MRG", "MSA", "MSH", "NTE", "OBR", "ORC", "PD1", "PID",
        "PV1", "RXA", "RXC", "RXD", "RXE", "RXO", "RXR", "SFT", "SPM", "TQ1", "UAC",
    }
)  # fmt: skip
_CHARGES: Final = "DFT"
_LINE: Final = "line."


def note_unread(messages: Iterable[Message], options: Hl7Options, notes: Notes) -> None:
    """Say what of visits' messages nothing is read from: segments by name, at the first of each; escapes."""
    placed = {
        name: {read_place(written).segment for written in places} for name, places in options.places.items()
    }
    of_lines = {"FT1"}.union(*(found for name, found in placed.items() if name.startswith(_LINE)))
    of_visits = _READ.union(*(found for name, found in placed.items() if not name.startswith(_LINE)))
    of_visits |= {read_place(written).segment for written in options.visit_keys}
    observed = frozenset(code for known in options.observations.values() for code in known)
    unread: dict[str, list[Segment]] = {}
    odd: list[tuple[Segment, int]] = []
    for message in messages:
        odd += message.odd_escapes
        read = of_visits | of_lines if message.kind.startswith(_CHARGES) else of_visits
        for segment in message.segments:
            if segment.name not in read and not _is_observed(segment, observed):
                unread.setdefault(segment.name, []).append(segment)
    for name, segments in sorted(unread.items()):
        detail = f"{len(segments)} × {name}: nothing is read from such a segment of such a message"
        notes.add(segments[0], 0, "segment-not-read", detail)
    if odd:
        detail = f"{len(odd)} field(s) hold an escape sequence that means nothing here; it stays in the text"
        notes.add(*odd[0], "escape-not-read", detail)


def _is_observed(segment: Segment, observed: frozenset[str]) -> bool:
    """Whether a segment is a result, or tells of the visit in whatever message it stands."""
    return segment.name == "OBX" and (is_result_message(segment.message) or segment.text(3) in observed)
