"""Trust: which authorities count, whether a certificate leads to one at a given time, whether it is revoked.

The only module that calls ``cryptography.x509.verification``, whose interface may still change. What lists
and responses say is read in ``signing/revocation.py``; nothing is fetched, what is known is in the store.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.x509 import ocsp, verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.authorities import MAX_INTERMEDIATES, find_ways
from signing.certificates import CertificateFacts, usable
from signing.errors import TrustStoreUnreadable
from signing.extensions import UNREADABLE, find_extension
from signing.revocation import Revocation, RevocationSource, RevocationSources, remember
from signing.revocation_list import RevocationList
from signing.trust_files import CERTIFICATES, load_certificates, load_lists, load_responses
from signing.verdict import Reason

_MAX_PATHS_CACHED: Final = 4096
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Path:
    """A way from a leaf to an anchor. It holds at every moment at which all its certificates are valid."""

    chain: tuple[x509.Certificate, ...]
    valid_from: datetime
    valid_to: datetime
    # For each certificate but the anchor: whether there is any source about it, and what it says.
    revocations: tuple[tuple[bool, Revocation | None], ...]
    # Whether there is one about each of them.
    is_checked: bool
    # What the authorities between the leaf and the anchor may issue certificates for; None: anything.
    purposes: frozenset[str] | None
    # Until when nobody has anything to say against it, if nobody has ever said that one of them is revoked.
    undisputed_until: datetime | None

    def serves(self, purposes: frozenset[str]) -> bool:
        return self.purposes is None or not purposes.isdisjoint(self.purposes)

    def covers(self, at: datetime) -> bool:
        return self.valid_from <= at <= self.valid_to

    def is_undisputed(self, at: datetime) -> bool:
        return self.undisputed_until is not None and at <= self.undisputed_until


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves, to whoever trusts the anchor, that a certificate was good.

    Attributes:
        certificates: The certificate and those above it, the anchor last.
        sources: Lists and responses about all of them but the anchor.
        lacking: Those among them about which there is none that says they were good then; where nothing leads
            to an anchor, the certificate itself.
    """

    certificates: tuple[x509.Certificate, ...]
    sources: tuple[RevocationSource, ...]
    lacking: tuple[x509.Certificate, ...]


class TrustStore:
    """The certification authorities that are trusted, others that lead to them, and what says who is revoked.

    It never changes after it is made, so it remembers the paths it found; load a new one to change trust.
    """

    __slots__ = (
        "_anchors",
        "_cached_paths",
        "_intermediates",
        "_service_anchors",
        "_sources",
        "_timestamping",
        "_tsa_anchors",
    )

    def __init__(  # noqa: PLR0913 - all but the anchors have defaults
        self,
        *,
        anchors: Iterable[x509.Certificate],
        intermediates: Iterable[x509.Certificate] = (),
        crls: Iterable[RevocationList | x509.CertificateRevocationList] = (),
        responses: Iterable[ocsp.OCSPResponse] = (),
        tsa_anchors: Iterable[x509.Certificate] = (),
        service_anchors: Iterable[x509.Certificate] = (),
        unanswered: Iterable[x509.Certificate] = (),
    ) -> None:
        """Trust these anchors, others for time-stamping alone, and others to speak for a service alone.

        ``unanswered`` are certificates about which the authorities that they name were asked in vain.
        """
        self._anchors = tuple(anchors)
        self._intermediates = tuple(intermediates)
        self._sources = RevocationSources(crls, responses, unanswered)
        self._tsa_anchors = tuple(tsa_anchors)
        self._service_anchors = tuple(service_anchors)
        self._timestamping: TrustStore | None = None
        self._cached_paths: dict[tuple[str, ...], _Path] = {}

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a folder of PEM, DER or PKCS#7 files; only its ``anchors/`` must exist.

        The others are ``intermediates/``, ``tsa/`` (anchors for time-stamping), ``service/`` (those of
        services that vouch for what they were given), ``crls/`` and ``ocsp/``.

        Raises:
            TrustStoreUnreadable: There is no anchor, or a file is not what its folder says.
        """
        anchors = load_certificates(folder / "anchors")
        if not anchors:
            named = ", ".join(f"*{each}" for each in CERTIFICATES)
            raise TrustStoreUnreadable(folder / "anchors", f"no trust anchor found in files called {named}")
        return cls(
            anchors=anchors,
            intermediates=load_certificates(folder / "intermediates"),
            crls=load_lists(folder / "crls"),
            responses=load_responses(folder / "ocsp"),
            tsa_anchors=load_certificates(folder / "tsa"),
            service_anchors=load_certificates(folder / "service"),
        )

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """The trusted certificates."""
        return self._anchors

    @property
    def tsa_anchors(self) -> tuple[x509.Certificate, ...]:
        """Those trusted for time-stamping."""
        return self._tsa_anchors

    @property
    def service_anchors(self) -> tuple[x509.Certificate, ...]:
        """Those trusted to speak for a service."""
        return self._service_anchors

    @property
    def intermediates(self) -> tuple[x509.Certificate, ...]:
        """The certificates that are known and not trusted."""
        return self._intermediates

    @property
    def crls(self) -> tuple[RevocationList, ...]:
        """The lists that are known."""
        return self._sources.crls

    @property
    def responses(self) -> tuple[ocsp.OCSPResponse, ...]:
        """The responses that are known."""
        return self._sources.responses

    @property
    def unanswered(self) -> tuple[x509.Certificate, ...]:
        """Certificates about which the authorities that they name were asked in vain."""
        return self._sources.unanswered

    def find_revocation(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Revocation | None:
        """Return what is known of one certificate, whoever trusts it; None if nothing is."""
        return self._sources.find(certificate, issuer)

    def sources_about(self, certificate: x509.Certificate) -> Sequence[RevocationSource]:
        """Return the lists and responses about one certificate, believable or not."""
        return self._sources.about(certificate)

    def read_revocations(
        self, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> tuple[Revocation, ...]:
        """Return what each believable list or response says of one certificate, whoever trusts it."""
        return self._sources.read(certificate, issuer)

    def for_timestamps(self) -> "TrustStore":
        """Return a store that trusts the anchors for time-stamping, and them alone."""
        if self._timestamping is None:
            self._timestamping = self._trusting(self._tsa_anchors)
        return self._timestamping

    def for_services(self) -> "TrustStore":
        """Return a store that trusts the services' anchors, and them alone.

        Who may sign for himself, as every facility may, must not be able to sign for a service.
        """
        return self._trusting(self._service_anchors)

    def with_evidence(
        self,
        certificates: Iterable[x509.Certificate],
        sources: Iterable[RevocationSource | x509.CertificateRevocationList],
        unanswered: Iterable[x509.Certificate] = (),
    ) -> "TrustStore":
        """Return a store that knows these too. They need not be trusted: what they say is signed."""
        more = tuple(sources)
        return self._trusting(
            self._anchors,
            intermediates=(*self._intermediates, *certificates),
            crls=(*self._sources.crls, *_lists(more)),
            responses=(*self._sources.responses, *_responses(more)),
            unanswered=(*self._sources.unanswered, *unanswered),
        )

    def with_evidence_alone(
        self, certificates: Iterable[x509.Certificate], sources: Iterable[RevocationSource]
    ) -> "TrustStore":
        """Return a store that trusts the same anchors and knows these alone."""
        known = tuple(sources)
        return self._trusting(
            self._anchors,
            intermediates=certificates,
            crls=_lists(known),
            responses=_responses(known),
            unanswered=(),
        )

    def _trusting(
        self,
        anchors: Iterable[x509.Certificate],
        *,
        intermediates: Iterable[x509.Certificate] | None = None,
        crls: Iterable[RevocationList | x509.CertificateRevocationList] | None = None,
        responses: Iterable[ocsp.OCSPResponse] | None = None,
        unanswered: Iterable[x509.Certificate] | None = None,
    ) -> "TrustStore":
        """Return a store with these anchors; what is not given is as here."""
        known = self._sources
        return TrustStore(
            anchors=anchors,
            intermediates=self._intermediates if intermediates is None else intermediates,
            crls=known.crls if crls is None else crls,
            responses=known.responses if responses is None else responses,
            tsa_anchors=self._tsa_anchors,
            service_anchors=self._service_anchors,
            unanswered=known.unanswered if unanswered is None else unanswered,
        )

    def check_path(
        self,
        leaf: CertificateFacts,
        others: Sequence[CertificateFacts],
        *,
        at: datetime,
        purposes: frozenset[str],
        made: datetime | None = None,
    ) -> list[Reason]:
        """Return why the leaf is not trusted at that time, given the certificates that came with it.

        ``made`` is when what it signed was made, where its own word counts for that: a time-stamping
        authority that was retired since leaves its tokens valid (RFC 3161, 4).

        An authority that limits its purposes must allow one of those given: one for servers alone vouches for
        no signer, whatever its certificates say of themselves.
        """
        path = self._find_path(leaf, others, at)
        if isinstance(path, Reason):
            return [path]
        reasons = _check_revocations(path, at, made=made)
        # What the leaf may do and what those above it may issue certificates for: one and the same purpose.
        own = leaf.extended_key_usages
        if own is not None and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string not in own:
            purposes &= own
        return reasons if path.serves(purposes) else [Reason.CERTIFICATE_USAGE, *reasons]

    def has_unchecked(
        self, leaf: CertificateFacts, others: Sequence[CertificateFacts], *, at: datetime
    ) -> bool:
        """Whether nothing at all is known of who is revoked about some certificate of the leaf's path."""
        path = self._find_path(leaf, others, at)
        return isinstance(path, _Path) and not path.is_checked

    def collect_evidence(
        self, leaf: CertificateFacts, others: Sequence[CertificateFacts], *, at: datetime
    ) -> Evidence:
        """Return what proves that the leaf is good at that time, as far as it is known."""
        path = self._find_path(leaf, others, at)
        if isinstance(path, Reason):
            return Evidence((), (), (leaf.certificate,))
        known = [revocation for _, revocation in path.revocations]
        return Evidence(
            path.chain,
            tuple(revocation.source for revocation in known if revocation is not None),
            tuple(
                certificate
                for certificate, revocation in zip(path.chain[:-1], known, strict=True)
                if revocation is None or not revocation.says_good(at)
            ),
        )

    def _find_path(
        self, leaf: CertificateFacts, others: Sequence[CertificateFacts], at: datetime
    ) -> _Path | Reason:
        key = (leaf.sha256, *[other.sha256 for other in others])
        known = self._cached_paths.get(key)
        if known is not None and known.covers(at) and not _revoked_authorities(known, at):
            return known
        path = self._build_best_path(leaf.certificate, usable(others), at)
        if isinstance(path, _Path):
            remember(self._cached_paths, key, path, most=_MAX_PATHS_CACHED)
        return path

    def _build_best_path(
        self, leaf: x509.Certificate, others: Iterable[x509.Certificate], at: datetime
    ) -> _Path | Reason:
        """Find a path without an authority that is revoked at that time, if there is one.

        EN 319 102-1, 5.2.6.4: of an authority with several certificates, another may do.
        """
        ways = find_ways(leaf, (*others, *self._intermediates), self._anchors, at=at)
        first = path = self._build_path(leaf, list(ways.authorities), at) if ways.are_lawful else None
        if first is None:
            # EN 319 102-1, 5.2.6.4: there is no chain (step 2), or one that RFC 5280 does not let pass (3 f).
            return Reason.CERTIFICATE_PATH if ways.are_there else Reason.CERTIFICATE_UNTRUSTED
        shunned: set[x509.Certificate] = set()
        while path is not None and (revoked := _revoked_authorities(path, at)):
            shunned.update(revoked)
            path = self._build_path(leaf, [each for each in ways.authorities if each not in shunned], at)
        return path or first

    def _build_path(
        self,
        leaf: x509.Certificate,
        authorities: list[x509.Certificate],
        at: datetime,
    ) -> _Path | None:
        verifier = (
            verification.PolicyBuilder()
            .store(verification.Store(list(self._anchors)))
            .time(at)
            .max_chain_depth(MAX_INTERMEDIATES)
            .extension_policies(ca_policy=_CA_POLICY, ee_policy=_LEAF_POLICY)
            .build_client_verifier()
        )
        try:
            chain = verifier.verify(leaf, authorities).chain
        except (verification.VerificationError, *UNREADABLE):
            return None
        revocations = tuple(
            (self._sources.are_there(certificate), self._sources.find(certificate, issuer))
            for certificate, issuer in pairwise(chain)
        )
        return _Path(
            chain=tuple(chain),
            valid_from=max(certificate.not_valid_before_utc for certificate in chain),
            valid_to=min(certificate.not_valid_after_utc for certificate in chain),
            revocations=revocations,
            is_checked=all(is_there for is_there, _ in revocations),
            purposes=_purposes_of(chain[1:-1]),
            undisputed_until=_undisputed_until(revocations),
        )


def _purposes_of(authorities: Iterable[x509.Certificate]) -> frozenset[str] | None:
    limits: list[frozenset[str]] = []
    for each in authorities:
        usage = find_extension(each.extensions, x509.ExtendedKeyUsage)
        if usage is not None and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in usage:
            limits.append(frozenset(oid.dotted_string for oid in usage))
    return frozenset.intersection(*limits) if limits else None


def _lists(
    sources: Iterable[RevocationSource | x509.CertificateRevocationList],
) -> Iterable[RevocationList | x509.CertificateRevocationList]:
    return [source for source in sources if not isinstance(source, ocsp.OCSPResponse)]


def _responses(
    sources: Iterable[RevocationSource | x509.CertificateRevocationList],
) -> Iterable[ocsp.OCSPResponse]:
    return [source for source in sources if isinstance(source, ocsp.OCSPResponse)]


def _undisputed_until(revocations: Sequence[tuple[bool, Revocation | None]]) -> datetime | None:
    known = [each for _, each in revocations if each is not None]
    if any(is_there and each is None for is_there, each in revocations):
        return None
    if any(each.revoked_at is not None for each in known):
        return None
    return min((each.fresh_until for each in known), default=_FOREVER)


def _check_revocations(path: _Path, at: datetime, *, made: datetime | None = None) -> list[Reason]:
    if path.is_undisputed(at):
        return []
    reasons = []
    reason = Reason.CERTIFICATE_REVOKED
    for is_there, revocation in path.revocations:
        if revocation is not None and revocation.revoked_at is not None and revocation.revoked_at <= at:
            is_leaf = reason is Reason.CERTIFICATE_REVOKED
            if not (is_leaf and made is not None and revocation.leaves_valid(made)):
                reasons.append(reason)
        elif is_there and (revocation is None or revocation.fresh_until < at):
            # A source that is stale or not rightly signed must not pass for "not revoked".
            reasons.append(Reason.CERTIFICATE_REVOCATION_UNKNOWN)
        reason = Reason.CERTIFICATE_ISSUER_REVOKED
    return reasons


def _revoked_authorities(path: _Path, at: datetime) -> list[x509.Certificate]:
    if path.is_undisputed(at):
        return []
    return [
        certificate
        for certificate, (_, revocation) in zip(path.chain[1:-1], path.revocations[1:], strict=True)
        if revocation is not None and revocation.revoked_at is not None and revocation.revoked_at <= at
    ]


def _check_ca(_: verification.Policy, __: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("not a certification authority")


def _check_ca_usage(_: verification.Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("the certification authority may not sign certificates")


def _check_no_names(
    _: verification.Policy, __: x509.Certificate, constraints: x509.NameConstraints | None
) -> None:
    # The library reads those of servers, and refuses those of subjects only where they are critical.
    if constraints is not None:
        subtrees = [*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())]
        if any(isinstance(name, x509.DirectoryName) for name in subtrees):
            raise ValueError("limits of subjects' names are not read here")


# Old national certification authorities lack key identifiers, so they are not asked for; what decides is
# who signed whom. A critical extension that is not named here is refused by the library.
_AGNOSTIC: Final = verification.Criticality.AGNOSTIC
_CA_POLICY: Final = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, _AGNOSTIC, _check_ca)
    .may_be_present(x509.KeyUsage, _AGNOSTIC, _check_ca_usage)
    .may_be_present(x509.NameConstraints, _AGNOSTIC, _check_no_names)
    .may_be_present(x509.CertificatePolicies, _AGNOSTIC, None)
    .may_be_present(x509.ExtendedKeyUsage, _AGNOSTIC, None)
)
_LEAF_POLICY: Final = (
    verification.ExtensionPolicy.permit_all()
    .may_be_present(x509.CertificatePolicies, _AGNOSTIC, None)
    .may_be_present(x509.ExtendedKeyUsage, _AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, _AGNOSTIC, None)
    .may_be_present(x509.BasicConstraints, _AGNOSTIC, None)
)
