"""A provider is taken at its word only where the word is its own, and keys may change at any time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from claims.exchange.access.errors import ProviderRefused, ProviderUnavailable
from claims.exchange.access.provider import Question
from claims.outbound.errors import TargetUnreachable
from claims.outbound.guard import Guard, Reply
from claims.outbound.openid import OpenIdProvider, Registration
from tests.fakes import SetClock

ISSUER = "https://id.example"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize?tenant=1",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}
QUESTION = Question("s", "n", "c", ("groups", "amr"))


@dataclass(frozen=True, slots=True)
class ScriptedWorld(Guard):
    """Answers as a test says, and remembers what was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, url: str, *, max_bytes: int) -> Reply:
        self.asked.append(url)
        if url not in self.answers:
            raise TargetUnreachable(url, "gone")
        return Reply(200, "application/json", json.dumps(self.answers[url]).encode()[:max_bytes])

    def post(self, url: str, content: bytes, *, headers: Mapping[str, str], max_bytes: int) -> Reply:
        self.asked.append(f"{headers.get('Authorization', '')} {content.decode()}")
        status, answer = self.answers[url]
        return Reply(status, "application/json", json.dumps(answer).encode()[:max_bytes])


@dataclass
class Desk:
    clock: SetClock = field(default_factory=SetClock)
    world: ScriptedWorld = field(default_factory=ScriptedWorld)

    def __post_init__(self) -> None:
        self.world.answers[f"{ISSUER}/.well-known/openid-configuration"] = METADATA
        self.publish(RSAKey.generate_key(2048, {"kid": "one"}))

    def publish(self, *keys: RSAKey | ECKey | OctKey) -> None:
        documents = [key.as_dict(private=isinstance(key, OctKey)) for key in keys]
        self.world.answers[f"{ISSUER}/keys"] = {"keys": documents}

    def describe(self, **changes: object) -> None:
        self.world.answers[f"{ISSUER}/.well-known/openid-configuration"] = {**METADATA, **changes}

    def provider(self, secret: str | None = "a b") -> OpenIdProvider:
        registration = Registration(ISSUER, "ehoso", secret, "https://x/answer", "https://x/left")
        return OpenIdProvider(registration, self.world, self.clock)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_browser_is_sent_with_a_challenge(desk: Desk) -> None:
    address = desk.provider().address(QUESTION)

    assert address.startswith(f"{ISSUER}/authorize?tenant=1&response_type=code&client_id=ehoso&redirect_uri=")
    assert "code_challenge=c&code_challenge_method=S256" in address


def test_a_provider_that_can_be_asked_for_claims_is(desk: Desk) -> None:
    assert "claims=" not in desk.provider().address(QUESTION)
    desk.describe(claims_parameter_supported=True)

    address = desk.provider().address(QUESTION)

    (asked,) = parse_qs(urlsplit(address).query)["claims"]
    assert json.loads(asked) == {"id_token": {"groups": None, "amr": None}}


def test_what_it_says_of_itself_is_asked_for_once_an_hour(desk: Desk) -> None:
    provider = desk.provider()

    for _ in range(3):
        provider.address(QUESTION)
    assert len(desk.world.asked) == 1
    desk.clock.advance(3600)
    provider.address(QUESTION)
    assert len(desk.world.asked) == 2


@pytest.mark.attack
@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": "http://id.example/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": "https://user:pw@id.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://id.example/\r\nSet-Cookie: a=b"},
        {"authorization_endpoint": 7},
        {"token_endpoint": "https://["},
    ],
)
def test_a_document_that_leads_elsewhere_is_not_followed(desk: Desk, changes: dict[str, object]) -> None:
    desk.describe(**changes)

    with pytest.raises(ProviderUnavailable):
        desk.provider().address(QUESTION)


def test_a_provider_that_does_not_answer_is_left_alone_for_a_while(desk: Desk) -> None:
    document = desk.world.answers.pop(f"{ISSUER}/.well-known/openid-configuration")
    provider = desk.provider()
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            provider.address(QUESTION)
    assert len(desk.world.asked) == 1

    desk.world.answers[f"{ISSUER}/.well-known/openid-configuration"] = document
    desk.clock.advance(10)

    assert provider.address(QUESTION)


def test_a_new_key_is_found_and_an_old_one_forgotten(desk: Desk) -> None:
    provider = desk.provider()
    assert provider.keys("one")
    desk.publish(RSAKey.generate_key(2048, {"kid": "two"}))
    desk.clock.advance(31)

    assert provider.keys("two")
    assert not provider.keys("one")


@pytest.mark.attack
def test_invented_names_of_keys_do_not_make_the_service_ask(desk: Desk) -> None:
    provider = desk.provider()

    for number in range(50):
        provider.keys(f"invented-{number}")

    assert desk.world.asked.count(f"{ISSUER}/keys") == 1


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.attack
def test_keys_that_are_too_weak_or_shared_count_for_nothing(desk: Desk) -> None:
    desk.publish(
        RSAKey.generate_key(1024, {"kid": "weak"}),
        OctKey.generate_key(256, {"kid": "shared"}),
        ECKey.generate_key("P-521", {"kid": "odd"}),
        ECKey.generate_key("P-256", {"kid": "good"}),
    )

    assert len(desk.provider().keys(None)) == 1


def test_a_code_becomes_a_token_with_verifier_and_secret(desk: Desk) -> None:
    desk.world.answers[METADATA["token_endpoint"]] = (200, {"id_token": "t"})

    assert desk.provider().redeem("the-code", verifier="v") == "t"
    assert desk.provider(secret=None).redeem("the-code", verifier="v") == "t"
    desk.describe(token_endpoint_auth_methods_supported=["client_secret_post"])
    assert desk.provider().redeem("the-code", verifier="v") == "t"

    private, public, posted = [one for one in desk.world.asked if "the-code" in one]
    assert private.startswith("Basic ZWhvc286YSti ")  # ehoso:a+b
    assert "client_id" not in private
    assert "client_id=ehoso" in public
    assert "client_secret=a+b" in posted
    assert "code_verifier=v" in public


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, {"error": "invalid_grant"}), ProviderRefused),
        ((401, {"error": "invalid_client"}), ProviderUnavailable),
        ((400, {"error": "invalid_client"}), ProviderUnavailable),
        ((200, {"access_token": "x"}), ProviderUnavailable),
        ((200, {"id_token": 7}), ProviderUnavailable),
        ((200, ["id_token"]), ProviderUnavailable),
        ((500, {}), ProviderUnavailable),
    ],
)
def test_other_answers_open_nothing(desk: Desk, answer: object, error: type[Exception]) -> None:
    desk.world.answers[METADATA["token_endpoint"]] = answer

    with pytest.raises(error):
        desk.provider().redeem("c", verifier="v")


def test_one_signs_out_there_where_it_says_how(desk: Desk) -> None:
    assert desk.provider().sign_out_address() is None
    desk.describe(end_session_endpoint=f"{ISSUER}/out")

    address = desk.provider().sign_out_address()

    assert address == f"{ISSUER}/out?client_id=ehoso&post_logout_redirect_uri=https%3A%2F%2Fx%2Fleft"
