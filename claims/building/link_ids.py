"""The link id (MA_LK) of a claim: the hospital's, else one that a rebuild arrives at again.

A drawn id is facility, year and month of admission, and a running number, joined by points. The running
number is what the EMR itself calls the visit, so that the same visit never gets another id: the last
part of its first origin, or the record's number with the time of admission, as one record may see
several visits. What has other characters than letters, digits and hyphens, or is too long, is
replaced by a digest of it.
"""

import hashlib
import re
from typing import Final

from claims.emr.encounter import Encounter

_PLAIN: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_DIGEST_DIGITS: Final = 20


def find_link_id(encounter: Encounter) -> str | None:
    """Return MA_LK; None when neither the hospital nor its EMR names the visit, or says when it began."""
    visit = encounter.encounter
    if visit.link_id or not visit.admitted:
        return visit.link_id or None
    if visit.origin:
        return _drawn(encounter, visit.origin[0].rpartition("/")[2])
    if visit.record_no:
        return _drawn(encounter, f"{visit.record_no}-{visit.admitted}")
    return None


def draft_link_id(encounter: Encounter, place: int) -> str:
    """Return a MA_LK for a draft whose visit has no name at all: its place in the bundle."""
    return _drawn(encounter, str(place))


def _drawn(encounter: Encounter, name: str) -> str:
    began = encounter.encounter.admitted or encounter.encounter.discharged or ""
    return f"{encounter.facility}.{began[2:6]}.{_running_number(name)}"


def _running_number(name: str) -> str:
    if _PLAIN.fullmatch(name):
        return name
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    return f"{digest:0{_DIGEST_DIGITS}}"
