"""Verify the signature of a document: one call, one verdict, and the verified tree in it.

What the document says is gathered in ``signing/facts.py`` and judged in ``signing/judging.py``; what the
document means, and for whom the signer may speak, is left to the caller.
"""

import copy
from datetime import datetime

from lxml import etree
from lxml.etree import _Element as Element

from signing.certificates import TrustStore
from signing.elements import Refused
from signing.facts import read_facts
from signing.form import SignatureForm
from signing.judging import WHOLE_DOCUMENT, judge
from signing.policy import DEFAULT_POLICY, Policy
from signing.verdict import Indication, Reason, SignerInfo, SubIndication, Verdict, failed

__all__ = ["WHOLE_DOCUMENT", "Indication", "Reason", "SignerInfo", "SubIndication", "Verdict", "verify"]


def verify(root: Element, *, trust: TrustStore, at: datetime, policy: Policy = DEFAULT_POLICY) -> Verdict:
    """Verify the one signature of a parsed document as it was received at a given time.

    A wrong document never raises: it gives a verdict. The tree is consumed: the signature is taken out of it,
    and what may be read as signed afterwards is ``Verdict.content`` alone, which is handed out only if the
    verdict is TOTAL-PASSED.
    """
    if at.tzinfo is None:
        raise ValueError("the time of verification must be aware")
    try:
        facts = read_facts(root, policy)
    except Refused as refusal:
        return failed((refusal.reason,))
    verdict = judge(facts, trust=trust, at=at, policy=policy).verdict
    return verdict.with_content(_take_content(root, facts.form)) if verdict.has_passed else verdict


def _take_content(root: Element, form: SignatureForm) -> Element:
    """Return what was signed as a tree of its own."""
    content = root
    if form.signed_element is not None:
        element = form.signed_element.element
        # A copy is a document of its own; from the element itself XPath still finds what nobody signed.
        content = copy.deepcopy(element)
        content.tail = None
        root.remove(element)
    # Comments are in no canonical form of ours, so nobody signed them.
    if next(content.iter(etree.Comment), None) is not None:
        etree.strip_tags(content, etree.Comment)
    return content
