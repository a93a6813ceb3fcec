"""Results and notes of a visit from observation messages (ORU), and what these tell of the visit.

An observation is known by its order, its code (OBX-3) and its sub-id (OBX-4); a later message about it
corrects it, and its status (OBX-11) says whether it counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from claims.emr.encounter import Note, Result, ServiceKind
from claims.emr.hl7.lines import Context
from claims.emr.hl7.message import Message, Segment
from claims.emr.hl7.orders import Group, Numbers, order_groups
from claims.emr.hl7.values import (
    NO_CODE,
    Coded,
    Notes,
    coded,
    codings_of,
    interpreter,
    person,
    time_of,
)
from claims.emr.scalars import LocalTime

_FAMILIES: Final = ("ORU", "OUL")
_FINAL: Final = frozenset({"F", "C", "U", "A", "B", "V"})
_PRELIMINARY: Final = frozenset({"P", "R", "S"})
_DROPPED: Final = frozenset({"X", "D", "W", "I", "N", "O"})
_TEXT: Final = frozenset({"TX", "FT"})
_CODED: Final = frozenset({"CE", "CWE", "CNE", "CF"})
_NOT_TEXT: Final = frozenset({"ED", "RP"})
_STRUCTURED: Final = "SN"
_REPORTS: Final = frozenset({ServiceKind.IMAGING, ServiceKind.FUNCTION})
# HL7 v2.5.1, 7.1.4: suffixes of OBX-3 for parts of a report; and the codes of LOINC for the same.
_IMPRESSION: Final = frozenset({"IMP", "CNC", "19005-8", "55110-1"})
_PARTS: Final = _IMPRESSION | {"GDT", "MDT", "59776-5", "18782-3"}


@dataclass(slots=True)
class _Observation:
    """One observation, which has several OBX when a text was split into lines."""

    code: str
    segments: list[Segment]
    comments: list[Segment]
    is_preliminary: bool = False


@dataclass(slots=True)
class Report:
    """What one order's results say now.

    Attributes:
        key: The order.
        requests: Each OBR about it, in order of time.
        observations: What counts, by code, sub-id and place among the same.
    """

    key: str
    requests: list[Segment] = field(default_factory=list)
    comments: list[Segment] = field(default_factory=list)
    observations: dict[tuple[str, str, int], _Observation] = field(default_factory=dict)

    @property
    def request(self) -> Segment:
        """Return the latest OBR."""
        return self.requests[-1]


class Ordered(NamedTuple):
    """The service of an order that a report answers: the number that joins them, and its kind."""

    number: str
    kind: ServiceKind


class _Answered(NamedTuple):
    """A report, and the number or else the name of the service that it answers."""

    report: Report
    number: str | None
    service: Coded


def read_reports(messages: Sequence[Message], numbers: Numbers, notes: Notes) -> list[Report]:
    """Fold the results of a visit by order and service code."""
    reports: dict[tuple[str, str], Report] = {}
    for message in messages:
        if not is_result_message(message):
            continue
        for group in order_groups(message, numbers):
            request = group.first("OBR")
            if request is None:
                continue
            report = reports.setdefault((group.key, request.text(4)), Report(group.key))
            report.requests.append(request)
            _fold(report, group, request, notes)
    for report in reports.values():
        for observation in report.observations.values():
            if observation.is_preliminary:
                first = observation.segments[0]
                notes.add(
                    first, 11, "preliminary-result", "no final value came, so the preliminary one was taken"
                )
    return list(reports.values())


def is_result_message(message: Message) -> bool:
    """Say whether a message brings results."""
    return message.kind.startswith(_FAMILIES)


def results(report: Report, ordered: Ordered | None, context: Context) -> Iterator[Result]:
    """Make the results of one report: one for each index, or one for a report in words.

    Args:
        report: What came.
        ordered: The service that it answers, if an order of the visit tells of it.
        context: Options and notes.
    """
    kept = [o for o in report.observations.values() if _is_result(o, context)]
    if not kept:
        return
    service = NO_CODE if ordered else coded(report.request.value(4), "service", context.options)
    answered = _Answered(report, ordered.number if ordered else None, service)
    is_report = any({o.segments[0].text(3, 1, 2), o.code} & _PARTS for o in kept)
    if is_report or _report_kind(report, ordered, context) in _REPORTS:
        yield _whole_report(answered, kept, context)
        return
    for observation in kept:
        yield _measured(answered, observation, context)


def clinical_note(report: Report, context: Context) -> Note | None:
    """Return the note that a report is, when its service code (OBR-4) is one of a note."""
    request, notes = report.request, context.notes
    codes = {request.text(4), request.text(4, 4)}
    sort = next((name for name, known in context.options.notes.items() if codes & set(known)), None)
    if sort is None or not report.observations:
        return None
    parts: dict[str, list[str]] = {"": [], "consult": [], "operation": []}
    for observation in report.observations.values():
        own = next((n for n, known in context.options.notes.items() if observation.code in known), sort)
        parts[own if own in parts and own != sort else ""].append(_text(observation))
    author = _reader(report, next(iter(report.observations.values())), context)
    text = "\n".join(parts[""])
    return Note(
        at=_first_time(((request, 7), *((o.segments[0], 14) for o in report.observations.values())), notes),
        text=text,
        stage=None,
        consult="\n".join(parts["consult"]) or (text if sort == "consult" else None),
        operation="\n".join(parts["operation"]) or (text if sort == "operation" else None),
        author=author.code,
        codings=codings_of(author=author),
        origin=(request.place,),
    )


def latest_observations(messages: Sequence[Message]) -> dict[str, Segment]:
    """Return the latest observation (OBX) of each code that has a value and counts, wherever it was sent."""
    return {
        segment.text(3): segment
        for message in messages
        for segment in message.segments
        if segment.name == "OBX" and segment.raw(5) and segment.text(11) not in _DROPPED
    }


def _fold(report: Report, group: Group, request: Segment, notes: Notes) -> None:
    """Put the observations of one message over what is known."""
    counts: dict[tuple[str, str], int] = {}
    joined: dict[tuple[str, str, int], _Observation] = {}
    comments: list[Segment] = []
    current = comments
    for segment in group.segments:
        if segment.name == "NTE":
            current.append(segment)
        if segment.name != "OBX":
            continue
        observation = joined.setdefault(_key(segment, counts), _Observation(segment.text(3), [], []))
        observation.segments.append(segment)
        current = observation.comments
    report.comments = comments or report.comments
    for key, observation in joined.items():
        _put(report, key, observation, request, notes)


def _key(segment: Segment, counts: dict[tuple[str, str], int]) -> tuple[str, str, int]:
    """Return what an observation is known by; the same twice in one message is two."""
    suffix = segment.text(3, 1, 2)
    code = f"{segment.text(3)}&{suffix}" if suffix else segment.text(3)
    if segment.text(2) in _TEXT:
        # The lines of a text have sub-ids of their own, or none; either way they are one text.
        return code, "", 0
    key = (code, segment.text(4))
    counts[key] = counts.get(key, 0) + 1
    return (*key, counts[key])


def _put(
    report: Report, key: tuple[str, str, int], observation: _Observation, request: Segment, notes: Notes
) -> None:
    segments = observation.segments
    status = segments[0].text(11) or request.text(25)
    if not status:
        notes.add(segments[0], 11, "no-result-status", "it was taken as final")
    elif status not in _FINAL | _PRELIMINARY | _DROPPED:
        notes.add(segments[0], 11, "unknown-result-status", "it was left out")
        return
    if status in _DROPPED:
        report.observations.pop(key, None)
        return
    is_preliminary = status in _PRELIMINARY
    known = report.observations.get(key)
    if is_preliminary and known and not known.is_preliminary:
        return
    if status == "U" and known and not any(segment.raw(5) for segment in segments):
        known.is_preliminary = False
        return
    observation.is_preliminary = is_preliminary
    report.observations[key] = observation


def _is_result(observation: _Observation, context: Context) -> bool:
    first, options = observation.segments[0], context.options
    if first.text(2) in _NOT_TEXT:
        context.notes.add(first, 5, "value-not-text", "encapsulated data and pointers are not read")
        return False
    codes = {observation.code, first.text(3, 4)}
    told = ("weight", "birth_weight", "vital_signs")
    return not any(codes & set(options.observations.get(name, ())) for name in told) and bool(
        _text(observation)
    )


def _report_kind(report: Report, ordered: Ordered | None, context: Context) -> ServiceKind | None:
    options, request = context.options, report.request
    section = options.sections.get(request.text(24))
    by_code = options.kinds.get(request.text(4)) or options.kinds.get(request.text(4, 3))
    return by_code or (ordered.kind if ordered else None) or section


def _whole_report(answered: _Answered, kept: list[_Observation], context: Context) -> Result:
    report = answered.report
    impressions, descriptions = [], []
    for observation in kept:
        first = observation.segments[0]
        names = {first.text(3), first.text(3, 1, 2), first.text(3, 4)}
        if names & _IMPRESSION:
            impressions.append(_text(observation))
        elif first.text(2) == "NM":
            described = f"{first.text(3, 2) or observation.code}: {_text(observation)} {_unit(first)}"
            descriptions.append(described.rstrip())
        else:
            descriptions.append(_text(observation))
    reader, request = _reader(report, kept[0], context), report.request
    descriptions += _comments([*report.comments, *(comment for o in kept for comment in o.comments)])
    return Result(
        order_id=answered.number,
        service=answered.service.code or None,
        name=request.text(4, 2) or None,
        description="\n".join(descriptions) or None,
        conclusion="\n".join(impressions) or None,
        at=_first_time(((request, 22), *_times(kept)), context.notes) or None,
        reader=reader.code or None,
        codings=codings_of(service=answered.service, reader=reader),
        origin=(request.place, *(s.place for o in kept for s in o.segments)),
    )


def _measured(answered: _Answered, observation: _Observation, context: Context) -> Result:
    report = answered.report
    first = observation.segments[0]
    index = coded(first.value(3), "lab_index", context.options)
    reader = _reader(report, observation, context)
    text, comments = _text(observation), _comments(observation.comments)
    is_long = "\n" in text
    return Result(
        order_id=answered.number,
        service=answered.service.code or None,
        index=index.code or None,
        name=index.text or None,
        value=None if is_long else text,
        unit=_unit(first) or None,
        description="\n".join([*([text] if is_long else []), *comments]) or None,
        at=_first_time((*_times([observation]), (report.request, 22)), context.notes) or None,
        reader=reader.code or None,
        codings=codings_of(index=index, service=answered.service, reader=reader),
        origin=(*(segment.place for segment in observation.segments), report.request.place),
    )


def _unit(segment: Segment) -> str:
    """Return the unit of a value (OBX-6) by its code, else in words."""
    return segment.text(6) or segment.text(6, 2)


def _text(observation: _Observation) -> str:
    """Return the value in words; the lines of a text are joined."""
    lines = []
    for segment in observation.segments:
        kind = segment.text(2)
        values = segment.values(5)
        if kind in _CODED:
            lines.append(", ".join(filter(None, (v.part(2) or v.part(1) or v.part(9) for v in values))))
        elif kind == _STRUCTURED:
            lines.append(", ".join("".join(v.part(n) for n in (1, 2, 3, 4)) for v in values))
        else:
            lines.append(("\n" if kind in _TEXT else ", ").join(v.whole() for v in values))
    return "\n".join(lines).strip()


def _times(observations: list[_Observation]) -> tuple[tuple[Segment, int], ...]:
    """Return where the time of a result stands: when it was analysed (OBX-19), else observed (OBX-14)."""
    return tuple((o.segments[-1], number) for number in (19, 14) for o in observations)


def _first_time(places: Sequence[tuple[Segment, int]], notes: Notes) -> LocalTime:
    return next((at for segment, n in places if (at := time_of(segment, n, notes))), LocalTime(""))


def _reader(report: Report, observation: _Observation, context: Context) -> Coded:
    """Return who read it: OBX-16, else the principal interpreter (OBR-32)."""
    if (found := person(observation.segments[0].values(16), context.options)).code:
        return found
    return interpreter(report.request.value(32), context.options)


def _comments(segments: Sequence[Segment]) -> list[str]:
    return [value.whole() for segment in segments for value in segment.values(3) if value.whole()]
