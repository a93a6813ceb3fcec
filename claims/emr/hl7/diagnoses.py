"""The diagnoses of a visit (DG1): on arrival, in between and on leaving, in words and in codes."""

import re
from collections.abc import Sequence
from typing import Final

from claims.emr.encounter import Diagnoses
from claims.emr.hl7.message import Segment
from claims.emr.hl7.records import Record
from claims.emr.hl7.values import NO_CODE, Coded, coded, codings_of

# Traditional medicine has codes of its own in the Vietnamese list, U50 to U79.
_TRADITIONAL = re.compile(r"U[5-7]\d", re.ASCII)
_RANK = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_UNRANKED: Final = 1000


def read_diagnoses(record: Record) -> Diagnoses:
    """Return what the patient was found to have: on leaving, else in between, else on arrival."""
    sorts = _by_sort(record)
    ended = sorts.get("exit") or sorts.get("working") or sorts.get("entry") or []
    ranked = sorted(ended, key=_rank)
    found = [code for segment in ranked if (code := _disease(segment, record)).code]
    traditional = [code for code in found if not code.codings and _TRADITIONAL.match(code.code)]
    main, *other = [code for code in found if code not in traditional] or [NO_CODE]
    return Diagnoses(
        entry_text=_words(sorts.get("entry") or sorts.get("working") or []),
        exit_text=_words(ranked),
        main=main.code,
        other=tuple(code.code for code in other),
        traditional=tuple(code.code for code in traditional),
        codings=codings_of(main=main, **{f"other/{n}": code for n, code in enumerate(other)}),
        origin=tuple(segment.place for segment in ranked),
    )


def _by_sort(record: Record) -> dict[str, list[Segment]]:
    """Return the diagnoses of each sort; a message lists all of a sort, so it replaces earlier ones."""
    sorts: dict[str, list[Segment]] = {}
    for message in record.messages:
        own: dict[str, list[Segment]] = {}
        for segment in message.named("DG1"):
            sort = record.context.options.diagnosis_types.get(segment.text(6), "working")
            own.setdefault(sort, []).append(segment)
        sorts.update(own)
    return sorts


def _disease(segment: Segment, record: Record) -> Coded:
    """Return the code (DG1-3), whose system older versions name in DG1-2."""
    return coded(segment.value(3), "diagnosis", record.context.options, system=segment.text(2))


def _rank(segment: Segment) -> int:
    """Return the priority of a diagnosis (DG1-15); one without stands behind those that have it."""
    text = segment.text(15)
    return int(text) if _RANK.fullmatch(text) else _UNRANKED


def _words(segments: Sequence[Segment]) -> str:
    """Return diagnoses in words: the code's text (DG1-3.2), else the description (DG1-4)."""
    texts = (s.text(3, 2) or s.text(3, 5) or s.text(4) for s in segments)
    return "; ".join(dict.fromkeys(filter(None, texts)))
