"""Verify the signature of a document: one call, one verdict, and the verified tree in it.

What the document says is gathered in ``signing/facts.py``, or sooner in ``signing/usual.py``, and judged in
``signing/judging.py``; what the document means, and for whom the signer may speak, is left to the caller.
"""

from collections.abc import Mapping
from datetime import datetime

from lxml.etree import _Element as Element

from signing.elements import Refused
from signing.facts import read_facts
from signing.judging import WHOLE_DOCUMENT, judge
from signing.policy import DEFAULT_POLICY, Policy
from signing.trust import TrustStore
from signing.usual import read_usual_facts
from signing.verdict import Indication, Reason, SignerInfo, SubIndication, Verdict, failed

__all__ = ["WHOLE_DOCUMENT", "Indication", "Reason", "SignerInfo", "SubIndication", "Verdict", "verify"]


def verify(  # noqa: PLR0913 - what is verified, and the terms on which it is
    root: Element,
    *,
    trust: TrustStore,
    at: datetime,
    policy: Policy = DEFAULT_POLICY,
    files: Mapping[str, bytes] | None = None,
    source: bytes | None = None,
) -> Verdict:
    """Verify the one signature of a parsed document as it was received at a given time.

    A wrong document never raises: it gives a verdict. The tree is consumed: the signature is taken out of it,
    and what may be read as signed afterwards is ``Verdict.content`` alone, which is handed out only if the
    verdict is TOTAL-PASSED. With ``files`` the signature must cover each of them, by name, and nothing of the
    document around it.

    ``source`` are the bytes that the tree was parsed from, if they are at hand and the tree is as it was
    parsed: a document of the usual form is then read in less time, to the same verdict.
    """
    if at.tzinfo is None:
        raise ValueError("the time of verification must be aware")
    try:
        # A signature over files is nothing usual, and a usual one covers none.
        facts = read_usual_facts(root, source, policy) if source is not None and files is None else None
        facts = facts or read_facts(root, policy, files=files)
    except Refused as refusal:
        return failed((refusal.reason,))
    return judge(facts, trust=trust, at=at, policy=policy, root=root).verdict
