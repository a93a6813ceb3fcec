"""Passkeys stand in for a code, and answer to this site, this session and this person alone."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from claims.console.app import create_console
from claims.console.viewer import form_token
from claims.exchange.access.errors import NotSignedIn, SignInRefused
from claims.exchange.access.passkeys import MOST, Site, UsePasskeys
from claims.exchange.access.people import grant_of
from claims.exchange.access.session import Stage
from claims.exchange.access.sign_in import Opened
from claims.runtime.wiring import Service
from claims.storage.passkeys import PostgresPasskeys
from claims.storage.pool import Pool
from tests.fakes import SetClock
from tests.in_process import TestClient
from tests.integration.test_sign_in import HOME, OWN, Desk

pytestmark = pytest.mark.any_server

SITE = Site("claims.example.vn", "https://claims.example.vn")
_PRESENT, _VERIFIED, _HAS_KEY = 1, 4, 64


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Authenticator:
    """A device in software: one key, made for one site."""

    site: Site = SITE
    uses: int = 0
    flags: int = _PRESENT | _VERIFIED
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def id(self) -> bytes:
        return hashlib.sha256(str(self.key.private_numbers().private_value).encode()).digest()

    def make(self, options: str) -> str:
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        named = bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(cose)
        attested = {"fmt": "none", "attStmt": {}, "authData": self._data(self.flags | _HAS_KEY) + named}
        said = self._said("webauthn.create", options)
        return self._answer(
            {"clientDataJSON": text_of(said), "attestationObject": text_of(cbor2.dumps(attested))}
        )

    def prove(self, options: str) -> str:
        self.uses += 1
        said, data = self._said("webauthn.get", options), self._data(self.flags)
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": text_of(said),
                "authenticatorData": text_of(data),
                "signature": text_of(signature),
            }
        )

    def _said(self, kind: str, options: str) -> bytes:
        asked = json.loads(options)
        return json.dumps(
            {"type": kind, "challenge": asked["challenge"], "origin": self.site.origin}
        ).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.site.host.encode()).digest() + bytes([flags]) + self.uses.to_bytes(4)

    def _answer(self, response: dict[str, str]) -> str:
        name = text_of(self.id)
        document: dict[str, Any] = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return json.dumps(document | {"clientExtensionResults": {}})


@dataclass
class KeyDesk(Desk):
    """A desk at which passkeys count as well."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.passkeys = UsePasskeys(PostgresPasskeys(self.pool), self.sign_in, self.clock, SITE, b"k" * 32)

    def to_enroll(self, login: str = "an") -> str:
        """Return the session of somebody who has a password of his own and no second factor."""
        _, password = self.manage.add(login, name="An", grants=[grant_of("reviewer", "79")], by="test")
        first = self.sign_in.with_password(login, password, HOME)
        return self.sign_in.change_password(first.token, old=password, new=OWN, client=HOME).token

    def register(self, device: Authenticator, token: str) -> Opened:
        return self.passkeys.register(token, device.make(self.passkeys.offer_registration(token)))

    def waiting(self, login: str = "an") -> str:
        """Return the session of somebody who gave his password."""
        return self.sign_in.with_password(login, OWN, HOME).token

    def prove(self, device: Authenticator, token: str) -> Opened:
        return self.passkeys.prove(token, device.prove(self.passkeys.offer_proof(token)), HOME)


@pytest.fixture
def desk(pool: Pool) -> KeyDesk:
    return KeyDesk(pool, SetClock())


@pytest.fixture
def device(desk: KeyDesk) -> Authenticator:
    device = Authenticator()
    assert desk.register(device, desk.to_enroll()).stage is Stage.FULL
    return device


def test_a_passkey_opens_what_a_code_opens(desk: KeyDesk, device: Authenticator) -> None:
    first = desk.waiting()

    full = desk.prove(device, first)

    assert full.stage is Stage.FULL
    assert desk.sessions.authenticate(full.token).may("claim.decide", "79001")
    with pytest.raises(NotSignedIn):
        desk.sessions.find(first)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(
            lambda device: replace(device, site=Site(SITE.host, "https://evil.example")), id="origin"
        ),
        pytest.param(lambda device: replace(device, site=Site("evil.example", SITE.origin)), id="host"),
        pytest.param(lambda device: replace(device, flags=0), id="nobody-there"),
        pytest.param(lambda _: Authenticator(uses=5), id="another-device"),
        pytest.param(lambda device: replace(device, uses=device.uses - 1), id="a-copy-that-lags-behind"),
    ],
)
def test_what_a_phisher_or_a_copy_sends_is_refused(
    desk: KeyDesk, device: Authenticator, spoil: Callable[[Authenticator], Authenticator]
) -> None:
    device.uses = 3
    desk.prove(device, desk.waiting())

    with pytest.raises(SignInRefused):
        desk.prove(spoil(device), desk.waiting())


def test_an_answer_counts_for_the_session_that_asked_and_once(desk: KeyDesk, device: Authenticator) -> None:
    one, other = desk.waiting(), desk.waiting()
    answer = device.prove(desk.passkeys.offer_proof(one))

    with pytest.raises(SignInRefused):
        desk.passkeys.prove(other, answer, HOME)
    desk.passkeys.prove(one, answer, HOME)
    with pytest.raises(NotSignedIn):
        desk.passkeys.prove(one, answer, HOME)


def test_a_key_of_another_person_is_none(desk: KeyDesk, device: Authenticator) -> None:
    desk.register(Authenticator(), desk.to_enroll("binh"))

    with pytest.raises(SignInRefused):
        desk.prove(device, desk.waiting("binh"))


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", '{"id": 1}', "x" * 100, "[" * 30_000])
def test_nonsense_is_refused(desk: KeyDesk, device: Authenticator, answer: str) -> None:
    assert device.uses == 0
    with pytest.raises(SignInRefused):
        desk.passkeys.prove(desk.waiting(), answer, HOME)
    with pytest.raises(SignInRefused):
        desk.passkeys.register(desk.to_enroll("binh"), answer)


def test_a_key_is_added_to_a_session_only_soon_after_a_proof(desk: KeyDesk, device: Authenticator) -> None:
    full = desk.prove(device, desk.waiting())
    desk.clock.advance(timedelta(minutes=16).total_seconds())

    with pytest.raises(NotSignedIn):
        desk.register(Authenticator(), full.token)


def test_a_session_without_its_second_factor_registers_none(desk: KeyDesk, device: Authenticator) -> None:
    assert device.uses == 0
    with pytest.raises(NotSignedIn):
        desk.register(Authenticator(), desk.waiting())


def test_nobody_has_keys_without_number(desk: KeyDesk, device: Authenticator) -> None:
    token = desk.prove(device, desk.waiting()).token
    for _ in range(MOST - 1):
        token = desk.register(Authenticator(), token).token

    with pytest.raises(SignInRefused):
        desk.register(Authenticator(), token)


def test_a_reset_forgets_them(desk: KeyDesk, device: Authenticator) -> None:
    assert desk.manage.find("an").has_passkey

    desk.manage.reset("an")

    assert not desk.manage.find("an").has_passkey
    assert device.uses == 0


@pytest.fixture
def console(service: Service) -> Iterator[TestClient]:
    service.settings = service.settings.model_copy(update={"public_url": "https://claims.example.vn"})
    with TestClient(create_console(service), base_url="http://127.0.0.1", follow_redirects=False) as client:
        yield client


def test_the_console_registers_a_key_and_takes_its_answer(service: Service, console: TestClient) -> None:
    person, _ = service.manage_people.add("an", name="An", grants=[], by="test")
    device = Authenticator()

    for stage, answer in ((Stage.ENROLL, device.make), (Stage.SECOND_FACTOR, device.prove)):
        token = service.sessions.open(person, stage=stage, method="password")
        console.cookies.set("ehoso", token)
        page = console.get("/signin/passkey")
        offered = service.passkeys
        assert offered is not None
        options = (offered.offer_registration if stage is Stage.ENROLL else offered.offer_proof)(token)
        assert json.loads(options)["challenge"] in page.text
        form = {"token": form_token(token), "credential": "{}"}
        assert console.post("/signin/passkey", data=form).status_code == 422
        done = console.post("/signin/passkey", data=form | {"credential": answer(options)})
        assert done.status_code == 303
        assert service.sessions.find(done.cookies["ehoso"]).session.stage is not stage
        console.cookies.clear()


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:8000", "https://[2001:db8::1]"])
def test_without_a_name_of_its_own_the_console_offers_none(service: Service, address: str) -> None:
    service.settings = service.settings.model_copy(update={"public_url": address})

    assert service.passkeys is None
