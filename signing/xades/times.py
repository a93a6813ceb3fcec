"""Since when a signature is known to exist, and for how long that can be proven (EN 319 102-1, 5.5 and 5.6).

A timestamp proves that what it covers existed at its time, to whoever trusts its authority. An archive
timestamp covers earlier ones too, so these need not hold until today, only until it was made.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import NamedTuple

from signing.certificates import CertificateFacts, usable
from signing.facts import Digests
from signing.form import SignatureForm
from signing.policy import Policy
from signing.timestamps.check import check_token, find_signer, read_certificates
from signing.trust import TrustStore
from signing.verdict import Level, Reason
from signing.xades.unsigned import TimestampForm, UnsignedForm


class ProvenTime(NamedTuple):
    """What the timestamps of a signature prove.

    Attributes:
        time: The best signature time: the earliest at which the signature is known to exist.
        reasons: What is wrong with the timestamps.
    """

    time: datetime
    reasons: tuple[Reason, ...] = ()


def prove_time(  # noqa: PLR0913 - what is judged, and the terms on which it is
    form: SignatureForm,
    unsigned: UnsignedForm,
    digests: Digests,
    *,
    trust: TrustStore,
    at: datetime,
    policy: Policy,
) -> ProvenTime:
    """Judge every timestamp, the newest first, and return what they prove at a given time.

    A timestamp that is wrong is a fault of the whole, although the signature might do without it: whoever
    added it relies on it. EN 319 102-1, 5.5.4, step 3 leaves such a one out, unless a constraint demands that
    it holds; here one does.
    """
    reasons: list[Reason] = []
    proven = at
    # EN 319 102-1, 5.6.3: from the outermost inwards; each one that holds proves that the inner ones existed.
    #     Those in one place cover the same, so none of them protects another.
    numbered = sorted(enumerate(unsigned.timestamps), key=_outwards, reverse=True)
    until = at
    for (is_archive, _), group in groupby(numbered, key=_outwards):
        covered_since = until
        for number, timestamp in group:
            found = check_token(
                timestamp.token,
                partial(digests.timestamp_digest, number),
                trust=trust,
                at=until,
                policy=policy,
                others=unsigned.certificates,
            )
            reasons += found
            if not found:
                proven = min(proven, timestamp.token.info.time)
                covered_since = min(covered_since, timestamp.token.info.time)
        until = covered_since if is_archive else until
    if not _are_in_order(form, unsigned.timestamps, policy):
        reasons.append(Reason.TIMESTAMP_ORDER)
    return ProvenTime(proven, tuple(dict.fromkeys(reasons)))


def _outwards(numbered: tuple[int, TimestampForm]) -> tuple[bool, int]:
    place = numbered[1].place
    return place.is_archive, place.position


def _are_in_order(form: SignatureForm, timestamps: Sequence[TimestampForm], policy: Policy) -> bool:
    """Whether no time contradicts what it covers: signing, then signature timestamps, then archive ones."""
    properties = form.qualifying_properties
    claimed = None if properties is None else properties.signing_time
    inner = [each.token.info.time for each in timestamps if not each.place.is_archive]
    archive: dict[int, list[datetime]] = {}
    for each in timestamps:
        if each.place.is_archive:
            archive.setdefault(each.place.position, []).append(each.token.info.time)
    groups = [[claimed] if claimed else [], inner, *archive.values()]
    latest: datetime | None = None
    for group in groups:
        if latest is not None and any(latest - time > policy.clock_tolerance for time in group):
            return False
        latest = max([*group, *([latest] if latest else [])], default=None)
    return True


def find_level(
    unsigned: UnsignedForm,
    leaf: CertificateFacts,
    sent: Sequence[CertificateFacts],
    *,
    trust: TrustStore,
    at: datetime,
) -> Level:
    """Return the level of a XAdES signature of which nothing is wrong; ``at`` is its best signature time."""
    if all(timestamp.place.is_archive for timestamp in unsigned.timestamps):
        return Level.B_B
    if not is_self_contained(unsigned, leaf, sent, trust=trust, at=at):
        return Level.B_T
    is_archived = any(timestamp.place.is_archive for timestamp in unsigned.timestamps)
    return Level.B_LTA if is_archived else Level.B_LT


def is_self_contained(
    unsigned: UnsignedForm,
    leaf: CertificateFacts,
    sent: Sequence[CertificateFacts],
    *,
    trust: TrustStore,
    at: datetime,
) -> bool:
    """Whether what came along proves, to who has the anchors alone, that the certificates were good.

    Asked of the signer's and of those of the signature timestamps (EN 319 132-1, 6.3, B-LT).
    """
    known = (*sent, *unsigned.certificates)
    alone = trust.with_evidence_alone(usable(known), unsigned.sources)
    others = [each for each in known if each is not leaf]
    if alone.collect_evidence(leaf, others, at=at).lacking:
        return False
    stamping = alone.for_timestamps()
    for timestamp in unsigned.timestamps:
        token = timestamp.token
        candidates = [*read_certificates(token.certificates), *known]
        signer = find_signer(token, candidates)
        if not timestamp.place.is_archive and (
            signer is None or stamping.collect_evidence(signer, candidates, at=token.info.time).lacking
        ):
            return False
    return True
