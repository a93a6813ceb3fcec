"""Which lists and responses say something of certificates: of many that say the same, the newest.

A folder that gets a list a day has hundreds of one authority after a year. What they come to together, by
``signing/revocation.py``, those that are taken here come to as well. What is not believed there (forged,
damaged, by another key of the same name) takes nobody's place.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from cryptography import x509
from cryptography.x509 import ocsp

from signing.revocation import Revocation, RevocationSource
from signing.revocation_list import RevocationList
from signing.trust import TrustStore

#: So few are taken as they are: to compare them would save nothing.
_FEW: Final = 4
#: A certificate and one that may have issued it: a stranger's crowd of them is not gone through.
_MOST_PAIRS: Final = 64
_Pair = tuple[x509.Certificate, x509.Certificate]


def find_telling(
    trust: TrustStore, certificates: Collection[x509.Certificate]
) -> tuple[Sequence[RevocationList], Sequence[ocsp.OCSPResponse]]:
    """Return the lists and responses about certificates; their issuers are among these, if they are known."""
    about = {each: sources for each in certificates if (sources := trust.sources_about(each))}
    taken = {id(source) for sources in about.values() for source in sources}
    if len(taken) > _FEW:
        pairs = list(islice(_pairs(about, certificates), _MOST_PAIRS + 1))
        newest = _newest(trust, pairs) if len(pairs) <= _MOST_PAIRS else about
        # One that nobody believes says at least that somebody should have been believed.
        told = [newest.get(each) or sources[-1:] for each, sources in about.items()]
        taken = {id(source) for sources in told for source in sources}
    return (
        [each for each in trust.crls if id(each) in taken],
        [each for each in trust.responses if id(each) in taken],
    )


def _pairs(certificates: Iterable[x509.Certificate], known: Iterable[x509.Certificate]) -> Iterator[_Pair]:
    by_subject: dict[x509.Name, list[x509.Certificate]] = {}
    for each in known:
        by_subject.setdefault(each.subject, []).append(each)
    return ((each, issuer) for each in certificates for issuer in by_subject.get(each.issuer, ()))


def _newest(
    trust: TrustStore, pairs: Iterable[_Pair]
) -> Mapping[x509.Certificate, Sequence[RevocationSource]]:
    found: dict[x509.Certificate, list[RevocationSource]] = {}
    for certificate, issuer in pairs:
        said: dict[Hashable, Revocation] = {}
        for each in trust.read_revocations(certificate, issuer):
            what = type(each.source), each.revoked_at, each.is_hold, each.is_retired
            # Of two of one moment the first counts there.
            if what not in said or said[what].as_of < each.as_of:
                said[what] = each
        found.setdefault(certificate, []).extend(each.source for each in said.values())
    return found
