"""A client gets a token for a statement that it signed itself, for us, now, and once."""

import base64
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from claims.exchange.access.clients import (
    DRIFT,
    LONGEST_STATEMENT,
    TOKEN_FOR,
    AccessToken,
    Client,
    ClientKey,
    Granted,
    GrantToken,
    ManageClients,
    RecognizeToken,
)
from claims.exchange.access.errors import ClientRefused, TooManyKeys, UnknownKey, UnusableKey
from claims.exchange.access.keys import Scope
from claims.exchange.submission import FacilityCode
from tests.fakes import SetClock

AUDIENCE = "https://claims.example.vn/oauth/token"
CERTIFICATE, ANOTHER = b"c" * 32, b"d" * 32
EC = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)


@dataclass
class ClientsInMemory:
    kept: dict[str, Client] = field(default_factory=dict)
    tokens: dict[bytes, AccessToken] = field(default_factory=dict)
    used: set[tuple[str, bytes]] = field(default_factory=set)

    def add(self, client: Client) -> None:
        self.kept[client.id] = client

    def find(self, client_id: str) -> Client | None:
        return self.kept.get(client_id)

    def of_facility(self, facility: FacilityCode | None) -> list[Client]:
        return [one for one in self.kept.values() if one.facility == facility]

    def add_key(self, client_id: str, key: ClientKey, *, most: int) -> bool:
        client = self.kept[client_id]
        if len(client.live_keys(key.added_at)) >= most:
            return False
        self.add(replace(client, keys=(*client.keys, key)))
        return True

    def end_key(self, client_id: str, key_id: str, *, at: datetime) -> bool:
        client = self.kept[client_id]
        keys = tuple(replace(one, ends_at=at) if one.id == key_id else one for one in client.keys)
        self.add(replace(client, keys=keys))
        return True

    def revoke(self, client_id: str, *, at: datetime) -> bool:
        self.add(replace(self.kept[client_id], revoked_at=at))
        return True

    def suspend(self, client_id: str, *, at: datetime) -> bool:
        self.add(replace(self.kept[client_id], suspended_at=at))
        return True

    def resume(self, client_id: str) -> bool:
        self.add(replace(self.kept[client_id], suspended_at=None))
        return True

    def use_statement(
        self, client_id: str, digest: bytes, *, at: datetime, until: datetime, most: int
    ) -> bool:
        is_new = (client_id, digest) not in self.used and at < until and len(self.used) < most
        self.used.add((client_id, digest))
        return is_new

    def add_token(self, token: AccessToken, *, at: datetime) -> None:
        assert at < token.ends_at
        self.tokens[token.digest] = token

    def find_token(self, digest: bytes) -> tuple[AccessToken, Client] | None:
        token = self.tokens.get(digest)
        return None if token is None else (token, self.kept[token.client])


@dataclass
class World:
    clock: SetClock = field(default_factory=SetClock)
    clients: ClientsInMemory = field(default_factory=ClientsInMemory)
    number: int = 0

    def __post_init__(self) -> None:
        self.manage = ManageClients(self.clients, self.clock)
        self.grant = GrantToken(self.clients, self.clock, frozenset({AUDIENCE}))
        self.recognize = RecognizeToken(self.clients, self.clock)

    def register(self, key: Any = EC, *, is_bound: bool = False) -> Client:
        return self.manage.register(
            key.as_pem(private=False).decode(),
            facility=FacilityCode("79001"),
            scopes=frozenset({Scope.SUBMIT, Scope.READ}),
            label="billing",
            is_bound=is_bound,
        )

    def says(self, client: Client, **changes: object) -> dict[str, object]:
        self.number += 1
        now = int(self.clock.now().timestamp())
        said: dict[str, object] = {
            "iss": client.id,
            "sub": client.id,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 60,
            "jti": f"statement {self.number}",
        }
        return {name: value for name, value in (said | changes).items() if value is not None}

    def get(self, statement: str, certificate: bytes | None = None) -> Granted:
        return self.grant(statement, certificate=certificate)


def signed(said: dict[str, object], key: Any = EC, algorithm: str = "ES256") -> str:
    return jwt.encode({"alg": algorithm}, said, key, algorithms=[algorithm])


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        pytest.param(EC, "ES256", id="p-256"),
        pytest.param(ECKey.generate_key("P-384"), "ES384", id="p-384"),
        pytest.param(RSA, "PS256", id="rsa-pss"),
        pytest.param(RSA, "RS256", id="rsa"),
        pytest.param(OKPKey.generate_key("Ed25519"), "Ed25519", id="ed25519"),
    ],
)
def test_a_statement_gets_a_token_that_opens_what_the_client_is_for(
    world: World, key: Any, algorithm: str
) -> None:
    client = world.register(key)

    granted = world.get(signed(world.says(client), key, algorithm))

    caller = world.recognize(granted.token)
    assert caller.id == client.id
    assert caller.allowed("submission.submit").own_facility() == "79001"
    assert not caller.may("replay.start")
    assert granted.token not in repr(world.clients)
    world.clock.advance(TOKEN_FOR.total_seconds())
    with pytest.raises(UnknownKey):
        world.recognize(granted.token)


def later(seconds: float) -> Callable[[World], dict[str, object]]:
    def change(world: World) -> dict[str, object]:
        now = world.clock.now().timestamp()
        return {"iat": now + seconds, "exp": now + seconds + 60}

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: {"aud": "https://elsewhere.example/oauth/token"}, id="for-another"),
        pytest.param(lambda _: {"aud": [AUDIENCE, "https://elsewhere.example"]}, id="for-us-and-another"),
        pytest.param(lambda _: {"aud": None}, id="for-nobody"),
        pytest.param(lambda _: {"sub": "cli_0000000000000000"}, id="about-another"),
        pytest.param(lambda _: {"iss": "cli_0000000000000000"}, id="by-another"),
        pytest.param(lambda _: {"iss": {"a": 1}}, id="by-nonsense"),
        pytest.param(lambda _: {"exp": None}, id="endless"),
        pytest.param(lambda _: {"iat": None}, id="of-no-time"),
        pytest.param(lambda _: {"exp": "tomorrow"}, id="ends-in-words"),
        pytest.param(lambda _: {"exp": 1e300}, id="ends-never"),
        pytest.param(lambda _: {"exp": True}, id="ends-true"),
        pytest.param(lambda _: {"jti": None}, id="without-id"),
        pytest.param(lambda _: {"jti": ""}, id="empty-id"),
        pytest.param(lambda _: {"jti": 7}, id="a-number-as-id"),
        pytest.param(lambda _: {"jti": "x" * 201}, id="long-id"),
        pytest.param(later(-(60 + DRIFT.total_seconds())), id="over"),
        pytest.param(later(DRIFT.total_seconds() + 1), id="of-the-future"),
        pytest.param(
            lambda world: {"exp": world.clock.now().timestamp() + LONGEST_STATEMENT.total_seconds() + 1},
            id="for-long",
        ),
        pytest.param(lambda world: {"nbf": world.clock.now().timestamp() + 3600}, id="not-yet"),
    ],
)
def test_what_a_statement_says_has_to_fit(world: World, change: Callable[[World], dict[str, object]]) -> None:
    statement = signed(world.says(world.register(), **change(world)))

    with pytest.raises(ClientRefused, match="invalid_client"):
        world.get(statement)


def without_signature(said: dict[str, object]) -> str:
    header, payload, _ = signed(said).split(".")
    return f"{header}.{payload}."


def named_none(said: dict[str, object]) -> str:
    _, payload, _ = signed(said).split(".")
    return f"eyJhbGciOiJub25lIn0.{payload}."


def by_the_public_key_as_secret(said: dict[str, object]) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=")
    text = ".".join((head, signed(said).split(".")[1]))
    mac = hmac.digest(EC.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def with_a_deep_header(said: dict[str, object]) -> str:
    _, payload, signature = signed(said).split(".")
    return ".".join((base64.urlsafe_b64encode(b"[" * 5_001).decode(), payload, signature))


def with_a_key_of_its_own(said: dict[str, object]) -> str:
    key = ECKey.generate_key("P-256")
    header: dict[str, Any] = {"alg": "ES256", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, said, key)


@pytest.mark.parametrize(
    "forge",
    [
        without_signature,
        named_none,
        by_the_public_key_as_secret,
        with_a_key_of_its_own,
        pytest.param(lambda said: signed(said, ECKey.generate_key("P-256")), id="another-key"),
        pytest.param(lambda said: signed(said)[:-4] + "AAAA", id="damaged"),
        pytest.param(lambda said: signed(said).replace(".", "..", 1), id="four-parts"),
        pytest.param(with_a_deep_header, id="deep-header"),
        pytest.param(lambda _: "nonsense", id="nonsense"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "a.eyJpc3MiOltdfQ.c", id="list-as-issuer"),
        pytest.param(lambda _: "a." + "W1tb" * 5_000 + ".c", id="deep"),
    ],
)
def test_a_forged_statement_does_not_count(world: World, forge: Callable[[dict[str, object]], str]) -> None:
    statement = forge(world.says(world.register()))

    with pytest.raises(ClientRefused, match="invalid_client"):
        world.get(statement)


def test_a_statement_counts_once(world: World) -> None:
    statement = signed(world.says(world.register()))
    world.get(statement)

    with pytest.raises(ClientRefused):
        world.get(statement)


def test_a_statement_of_one_client_is_none_of_another_with_the_same_key(world: World) -> None:
    one, other = world.register(), world.register()

    with pytest.raises(ClientRefused):
        world.get(signed(world.says(one, sub=other.id)))


@pytest.mark.parametrize("scopes", ["operate", "read operate", "", "nonsense"])
def test_a_client_gets_no_more_than_it_has(world: World, scopes: str) -> None:
    with pytest.raises(ClientRefused, match="invalid_scope"):
        world.grant(signed(world.says(world.register())), scopes=frozenset(scopes.split()))


def test_a_client_may_ask_for_less(world: World) -> None:
    granted = world.grant(signed(world.says(world.register())), scopes=frozenset({"read"}))

    assert not world.recognize(granted.token).may("submission.submit")


def test_a_token_got_over_mutual_tls_opens_only_with_its_certificate(world: World) -> None:
    token = world.get(signed(world.says(world.register())), CERTIFICATE).token

    assert world.recognize(token, certificate=CERTIFICATE)
    for certificate in (None, ANOTHER):
        with pytest.raises(UnknownKey):
            world.recognize(token, certificate=certificate)


def test_a_bound_client_gets_nothing_without_a_certificate(world: World) -> None:
    client = world.register(is_bound=True)

    with pytest.raises(ClientRefused):
        world.get(signed(world.says(client)))
    assert world.get(signed(world.says(client)), CERTIFICATE).is_bound


def test_two_keys_are_live_while_one_takes_the_place_of_the_other(world: World) -> None:
    client = world.register()
    world.manage.add_key(client.id, RSA.as_pem(private=False).decode())
    third = json.dumps(ECKey.generate_key("P-384").as_dict(private=False))

    assert world.get(signed(world.says(client)))
    assert world.get(signed(world.says(client), RSA, "PS256"))
    with pytest.raises(TooManyKeys):
        world.manage.add_key(client.id, third)
    world.manage.end_key(client.id, client.keys[0].id)
    with pytest.raises(ClientRefused):
        world.get(signed(world.says(client)))
    assert world.manage.add_key(client.id, third)


def test_a_suspended_client_opens_nothing_until_it_is_resumed(world: World) -> None:
    client = world.register()
    token = world.get(signed(world.says(client))).token

    world.manage.suspend(client.id)

    with pytest.raises(UnknownKey):
        world.recognize(token)
    with pytest.raises(ClientRefused):
        world.get(signed(world.says(client)))
    world.manage.resume(client.id)
    assert world.recognize(token).id == client.id
    assert world.get(signed(world.says(client)))


def test_with_a_client_end_its_tokens(world: World) -> None:
    client = world.register()
    token = world.get(signed(world.says(client))).token

    world.manage.revoke(client.id)

    with pytest.raises(UnknownKey):
        world.recognize(token)
    with pytest.raises(ClientRefused):
        world.get(signed(world.says(client)))
    with pytest.raises(UnknownKey):
        world.manage.add_key(client.id, RSA.as_pem(private=False).decode())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(EC.as_pem(private=True).decode(), id="private"),
        pytest.param(json.dumps(EC.as_dict(private=True)), id="private-jwk"),
        pytest.param('{"kty": "oct", "k": "c2VjcmV0"}', id="a-shared-secret"),
        pytest.param(ECKey.generate_key("secp256k1").as_pem(private=False).decode(), id="a-curve-of-others"),
        pytest.param("[" * 2_000, id="deep"),
        pytest.param("[]", id="a-list"),
        pytest.param('{"kty": ["RSA"]}', id="a-list-as-kind"),
        pytest.param("{}", id="nothing"),
        pytest.param("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", id="damaged"),
        pytest.param("x" * 100, id="words"),
    ],
)
def test_only_public_keys_of_some_strength_are_registered(world: World, text: str) -> None:
    with pytest.raises(UnusableKey):
        world.manage.register(text, facility=None, scopes=frozenset({Scope.READ}), label="x")


def test_a_token_lives_for_minutes(world: World) -> None:
    assert world.get(signed(world.says(world.register()))).lasts <= timedelta(minutes=15)
