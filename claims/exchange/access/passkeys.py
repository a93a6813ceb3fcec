"""Passkeys: a second factor that cannot be handed on, because it answers to this site alone (WebAuthn).

A challenge is derived from the token of the session that asks for it, which every step replaces: nothing is
stored for it, an answer counts for one session, and once.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import webauthn
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from claims.exchange.access.attempts import Client
from claims.exchange.access.errors import NotSignedIn, SignInRefused
from claims.exchange.access.session import Stage
from claims.exchange.access.sessions import SignedIn
from claims.exchange.access.sign_in import Opened, SignIn, after_proofs
from claims.exchange.ports import Clock

#: A person has a few devices; more keys than these are somebody else's.
MOST: Final = 10
#: How lately somebody has proved who he is to add a key to a full session.
_PROVED_WITHIN: Final = timedelta(minutes=15)
_LONGEST_ANSWER: Final = 20_000
#: What an answer that is none makes of the library and of the parsers beneath it.
_UNREADABLE: Final = (WebAuthnException, ValueError, TypeError, KeyError, RecursionError)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A registered key: the public half.

    Attributes:
        id: What the authenticator calls it.
        uses: Its counter when it was last used; 0 where it does not count.
    """

    id: bytes
    person_id: str
    public_key: bytes
    uses: int
    created_at: datetime
    last_used_at: datetime | None = None


class Passkeys(Protocol):
    """Everybody's registered keys."""

    def add(self, passkey: Passkey, *, most: int) -> bool:
        """Store a key; False: it is registered, or the person has as many."""
        ...

    def of_person(self, person_id: str) -> Sequence[Passkey]:
        """Return a person's keys, the oldest first."""
        ...

    def use(self, passkey: Passkey, *, uses: int, at: datetime) -> bool:
        """Note a use; False: the key was used or removed meanwhile."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """What passkeys answer to: the address at which people see the console.

    Attributes:
        host: The domain that keys belong to.
        origin: Where pages that ask for them come from.
    """

    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class UsePasskeys:
    """The two ceremonies: registering a key, and proving that one has it."""

    passkeys: Passkeys
    sign_in: SignIn
    clock: Clock
    site: Site
    key: bytes = field(repr=False)

    def stage_of(self, token: str) -> Stage:
        """Return at which stage a session stands that may use passkeys.

        Raises:
            NotSignedIn: There is none, or it has to prove again who it is.
        """
        return self._at(token, Stage.SECOND_FACTOR, Stage.ENROLL, Stage.FULL).session.stage

    def offer_registration(self, token: str) -> str:
        """Return what a browser needs to make a key, as JSON.

        Raises:
            NotSignedIn: There is no session that may, or it is long ago that it proved who it is.
        """
        person = self._at(token, Stage.ENROLL, Stage.FULL).person
        options = webauthn.generate_registration_options(
            rp_id=self.site.host,
            rp_name="eHoSo",
            user_id=person.id.encode(),
            user_name=person.login,
            user_display_name=person.name,
            challenge=self._challenge(token, "register"),
            exclude_credentials=self._described(person.id),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
        )
        return webauthn.options_to_json(options)

    def register(self, token: str, answer: str) -> Opened:
        """Register the key that a browser made; the session goes on, complete.

        Raises:
            NotSignedIn: As `offer_registration`.
            SignInRefused: The answer is not one to this session, or the key is registered.
        """
        signed_in = self._at(token, Stage.ENROLL, Stage.FULL)
        try:
            made = webauthn.verify_registration_response(
                credential=answer[:_LONGEST_ANSWER],
                expected_challenge=self._challenge(token, "register"),
                expected_rp_id=self.site.host,
                expected_origin=self.site.origin,
            )
        except _UNREADABLE as error:
            raise SignInRefused from error
        passkey = Passkey(
            made.credential_id,
            signed_in.person.id,
            made.credential_public_key,
            made.sign_count,
            self.clock.now(),
        )
        if not self.passkeys.add(passkey, most=MOST):
            raise SignInRefused
        return self.sign_in.move(signed_in, Stage.FULL)

    def offer_proof(self, token: str) -> str:
        """Return what a browser needs to answer with a key, as JSON; raises as `prove`."""
        person = self._at(token, Stage.SECOND_FACTOR).person
        options = webauthn.generate_authentication_options(
            rp_id=self.site.host,
            challenge=self._challenge(token, "prove"),
            allow_credentials=self._described(person.id),
        )
        return webauthn.options_to_json(options)

    def prove(self, token: str, answer: str, client: Client) -> Opened:
        """Go on with a passkey in place of a code.

        Raises:
            NotSignedIn: There is no session that waits for a second factor.
            SignInRefused: It is none of this person's keys, or its answer is to another question.
            TooManyAttempts: He has to wait.
        """
        signed_in = self._at(token, Stage.SECOND_FACTOR)
        person = signed_in.person
        counters = self.sign_in.enter(person.login, client, person)
        if not self._is_proved(token, person.id, answer[:_LONGEST_ANSWER]):
            raise self.sign_in.refused(person, "passkey", client)
        self.sign_in.guard.succeeded(counters)
        return self.sign_in.move(signed_in, after_proofs(person))

    def _is_proved(self, token: str, person_id: str, answer: str) -> bool:
        try:
            credential = webauthn.helpers.parse_authentication_credential_json(answer)
            own = next(one for one in self.passkeys.of_person(person_id) if one.id == credential.raw_id)
            proved = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=self._challenge(token, "prove"),
                expected_rp_id=self.site.host,
                expected_origin=self.site.origin,
                credential_public_key=own.public_key,
                credential_current_sign_count=own.uses,
            )
        except (StopIteration, *_UNREADABLE):
            return False
        return self.passkeys.use(own, uses=proved.new_sign_count, at=self.clock.now())

    def _at(self, token: str, *stages: Stage) -> SignedIn:
        signed_in = self.sign_in.at(token, *stages)
        is_full = signed_in.session.stage is Stage.FULL
        # Whoever finds a browser open must not add a key of his own.
        if is_full and not signed_in.was_proved_within(_PROVED_WITHIN, self.clock.now()):
            raise NotSignedIn
        return signed_in

    def _challenge(self, token: str, ceremony: str) -> bytes:
        return hmac.digest(self.key, f"{ceremony}/{token}".encode(), "sha256")

    def _described(self, person_id: str) -> list[PublicKeyCredentialDescriptor]:
        return [PublicKeyCredentialDescriptor(id=one.id) for one in self.passkeys.of_person(person_id)]
