"""Submit an encounter: the service builds the bundle, signs it with the facility's key and receives it."""

import hashlib
from dataclasses import dataclass

from claims.building.build import build_bundle
from claims.building.trace import trace_to_json
from claims.emr.recognizing import parse_document
from claims.errors import ClaimsError
from claims.exchange.errors import NoSigningKey
from claims.exchange.ports import Catalogues, Clock, Origin, SigningKeys, Submissions
from claims.exchange.receive import ReceiveBundle, Received
from claims.exchange.submission import FacilityCode
from claims.localtime import local_date
from claims.proof.tokens import canonical_json
from signing.sign import sign_bundle


class WrongFacility(ClaimsError):
    """An encounter document names another facility than the one that submits it."""

    def __init__(self, named: str, caller: str) -> None:
        super().__init__(f"the encounter is of facility {named}, but facility {caller} submits it")
        self.named = named
        self.caller = caller


@dataclass(frozen=True, slots=True)
class SubmitEncounter:
    """Turn one encounter document into a signed bundle and receive that."""

    submissions: Submissions
    keys: SigningKeys
    receive: ReceiveBundle
    clock: Clock
    catalogues: Catalogues

    def __call__(
        self,
        document: bytes,
        *,
        facility: FacilityCode,
        actor: str,
        idempotency_key: str | None = None,
        reason: str | None = None,
    ) -> Received:
        """Build, sign and receive.

        Raises:
            MalformedEncounter: The document cannot be read, or is of another kind; every problem is listed.
            CannotBuild: It can be read, but no claim can be made from it.
            WrongFacility: It is another facility's.
            NoSigningKey: The service holds no key for the facility.
            IdempotencyMismatch: The key came before with another document.
        """
        digest = hashlib.sha256(document).hexdigest()
        if idempotency_key is not None:
            # The bundle's date makes tomorrow's bundle other bytes: the key stands for the document.
            known = self.submissions.find_by_key(facility, idempotency_key, request_sha256=digest)
            if known is not None:
                return self.receive.again(known)
        encounter = parse_document(document)
        if encounter.facility != facility:
            raise WrongFacility(encounter.facility, facility)
        signer = self.keys.find(facility)
        if signer is None:
            raise NoSigningKey(facility)
        built = build_bundle(
            [encounter],
            made_on=local_date(self.clock.now()),
            catalogue=self.catalogues.find(facility),
        )
        return self.receive(
            sign_bundle(built.bundle, signer),
            facility=facility,
            actor=actor,
            idempotency_key=idempotency_key,
            origin=Origin(document, canonical_json(trace_to_json(built))),
            reason=reason,
        )
