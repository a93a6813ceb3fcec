"""What an OpenID provider says counts only as its standard has it, and gives only what the table names."""

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from claims.exchange.access.errors import ProviderRefused
from claims.exchange.access.id_tokens import Expected, key_id_of, read_id_token
from claims.exchange.access.places import Place
from claims.exchange.access.principal import Grant
from claims.exchange.access.provided_roles import MalformedRoles, read_provided_roles
from tests.fakes import NOON

KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})
PUBLIC = RSAKey.import_key(KEY.as_dict(private=False))
EXPECTED = Expected("https://id.example", "ehoso", "n0nce")
ROLES = read_provided_roles("""
[[grant]]
role = "reviewer"
place = "79"
when = { groups = "giam-dinh" }

[[grant]]
role = "hospital"
place_from = "facility"
when = { "realm_access.roles" = "thanh-toan" }

[[grant]]
role = "administrator"
place = "nation"
when = { email = "chief@example.org" }
""")


def said(**changes: object) -> dict[str, Any]:
    second = int(NOON.timestamp())
    claims = {"iss": "https://id.example", "aud": "ehoso", "sub": "42", "nonce": "n0nce"}
    return {**claims, "iat": second, "exp": second + 300, **changes}


def token(claims: Mapping[str, Any], key: RSAKey = KEY, alg: str = "RS256") -> str:
    kept = {name: value for name, value in claims.items() if value is not ...}
    return jwt.encode({"alg": alg, "kid": "one"}, kept, key)


def read(text: str) -> Mapping[str, object]:
    return read_id_token(text, [PUBLIC], EXPECTED, now=NOON)


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def by_secret(claims: Mapping[str, object], secret: bytes) -> str:
    signed = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
    proof = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(proof).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="plain"),
        pytest.param({"aud": ["ehoso"]}, id="audience-as-a-list"),
        pytest.param({"aud": ["other", "ehoso"], "azp": "ehoso"}, id="another-audience-we-asked"),
        pytest.param({"iat": int(NOON.timestamp()) + 59}, id="a-clock-that-is-ahead"),
        pytest.param({"exp": int(NOON.timestamp()) - 59}, id="a-clock-that-is-behind"),
    ],
)
def test_a_sound_token_counts(changes: dict[str, object]) -> None:
    assert read(token(said(**changes)))["sub"] == "42"


@pytest.mark.attack
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"iss": "https://id.example/"}, "issuer", id="almost-the-issuer"),
        pytest.param({"iss": ...}, "issuer", id="no-issuer"),
        pytest.param({"aud": "other"}, "audience", id="for-another"),
        pytest.param({"aud": ["other", "ehoso"]}, "audience", id="for-two-without-who-asked"),
        pytest.param({"aud": ["other", "ehoso"], "azp": "other"}, "audience", id="another-asked"),
        pytest.param({"azp": "other"}, "audience", id="another-asked-for-ours"),
        pytest.param({"exp": int(NOON.timestamp()) - 61}, "time", id="expired"),
        pytest.param({"iat": int(NOON.timestamp()) - 700}, "time", id="kept-by-somebody"),
        pytest.param({"iat": int(NOON.timestamp()) + 61}, "time", id="not-made-yet"),
        pytest.param({"nbf": int(NOON.timestamp()) + 61}, "time", id="not-begun"),
        pytest.param({"exp": ...}, "time", id="without-an-end"),
        pytest.param({"exp": 1e300}, "time", id="an-end-beyond-time"),
        pytest.param({"exp": True}, "time", id="an-end-that-is-none"),
        pytest.param({"nonce": "another"}, "nonce", id="of-another-sign-in"),
        pytest.param({"nonce": ...}, "nonce", id="without-a-nonce"),
        pytest.param({"nonce": ["n0nce"]}, "nonce", id="a-list-of-nonces"),
        pytest.param({"sub": ""}, "subject", id="about-nobody"),
        pytest.param({"sub": 42}, "subject", id="about-a-number"),
        pytest.param({"sub": "4\x002"}, "subject", id="about-a-control-character"),
        pytest.param({"sub": "x" * 256}, "subject", id="about-too-much"),
    ],
)
def test_a_token_that_says_something_else_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ProviderRefused) as refused:
        read(token(said(**changes)))

    assert refused.value.reason == reason


@pytest.mark.attack
@pytest.mark.parametrize("what", ["none", "unsigned", "shared-secret", "another-key", "changed", "nonsense"])
def test_a_token_that_the_providers_key_did_not_sign_is_refused(what: str) -> None:
    sound = token(said())
    head, body, signature = sound.split(".")
    forged = {
        "none": f"{part({'alg': 'none'})}.{body}.",
        "unsigned": f"{head}.{body}.",
        # RFC 8725, 2.1: the public key taken for a secret that both know.
        "shared-secret": by_secret(said(), KEY.as_pem(private=False)),
        "another-key": token(said(), OTHER),
        "changed": f"{head}.{part(said(sub='1'))}.{signature}",
        "nonsense": "a.b.c",
    }

    with pytest.raises(ProviderRefused) as refused:
        read(forged[what])

    assert refused.value.reason == "signature"


def test_the_key_decides_about_the_algorithm() -> None:
    curve = ECKey.generate_key("P-256", {"kid": "one"})
    signed = jwt.encode({"alg": "ES256", "kid": "one"}, said(), curve)

    with pytest.raises(ProviderRefused):
        read(signed)
    assert read_id_token(signed, [PUBLIC, curve], EXPECTED, now=NOON)["sub"] == "42"


@pytest.mark.parametrize("text", ["", ".", "W10.W10.", "[].a.b", "\u0661.a.b", "x" * 200_000])
def test_what_is_no_token_names_no_key(text: str) -> None:
    with pytest.raises(ProviderRefused) as refused:
        key_id_of(text)

    assert refused.value.reason == "token"


def test_a_token_is_read_at_the_moment_it_comes() -> None:
    with pytest.raises(ProviderRefused):
        read_id_token(token(said()), [PUBLIC], EXPECTED, now=NOON + timedelta(minutes=7))


@pytest.mark.parametrize(
    ("claims", "grants"),
    [
        pytest.param({}, set(), id="nothing"),
        pytest.param({"groups": ["x", "giam-dinh"]}, {("reviewer", "79")}, id="listed"),
        pytest.param({"groups": "giam-dinh"}, {("reviewer", "79")}, id="said"),
        pytest.param({"groups": "giam-dinh-khac"}, set(), id="only-begins-so"),
        pytest.param({"groups": [["giam-dinh"]]}, set(), id="nested"),
        pytest.param(
            {"realm_access": {"roles": ["thanh-toan"]}, "facility": ["79001", "01001"]},
            {("hospital", "79001"), ("hospital", "01001")},
            id="facilities-that-a-claim-lists",
        ),
        pytest.param({"realm_access": {"roles": ["thanh-toan"]}}, set(), id="no-facility"),
        pytest.param({"facility": "79001"}, set(), id="a-facility-alone"),
    ],
)
def test_roles_follow_from_what_is_said(claims: dict[str, object], grants: set[tuple[str, str]]) -> None:
    assert ROLES.grants_of(claims) == {Grant(role, Place(code)) for role, code in grants}


@pytest.mark.attack
@pytest.mark.parametrize("facility", ["", "79", "nation", "79001'--", "7900", None, 79001, {"79001": 1}])
def test_no_claim_widens_a_role(facility: object) -> None:
    assert ROLES.grants_of({"realm_access": {"roles": ["thanh-toan"]}, "facility": facility}) == frozenset()


@pytest.mark.attack
@pytest.mark.parametrize("verified", [None, False, "true", 1])
def test_an_address_that_the_provider_did_not_verify_gives_nothing(verified: object) -> None:
    chief = {"email": "chief@example.org", "email_verified": verified}

    assert ROLES.grants_of(chief) == frozenset()
    assert ROLES.grants_of({**chief, "email_verified": True}) == {Grant("administrator", Place(""))}


@pytest.mark.parametrize(
    ("amr", "proves"), [(["pwd", "mfa"], True), ("mfa", True), (["pwd"], False), (None, False), (True, False)]
)
def test_only_who_says_so_asked_for_two_factors(amr: object, proves: bool) -> None:
    assert ROLES.proves_two_factors({"amr": amr}) is proves


@pytest.mark.parametrize(
    "text",
    [
        "",
        "grant = 1",
        "[[grant]]\nrole = 'reviewer'\nplace = '79'",
        "[[grant]]\nrole = 'reviewer'\nplace = '79'\nwhen = {}",
        "[[grant]]\nrole = 'reviewer'\nplace = ''\nwhen = { a = 'b' }",
        "[[grant]]\nrole = 'reviewer'\nplace = '79001'\nwhen = { a = 'b' }",
        "[[grant]]\nrole = 'submit'\nplace = '79001'\nwhen = { a = 'b' }",
        "[[grant]]\nrole = 'god'\nplace = 'nation'\nwhen = { a = 'b' }",
        "[[grant]]\nrole = 'auditor'\nplace = '79'\nplace_from = 'x'\nwhen = { a = 'b' }",
        "[[grant]]\nrole = 'auditor'\nplace = '79'\nwhen = { a = 'b' }\nif = 1",
        "[[rule]]\nrole = 'auditor'",
    ],
)
def test_a_table_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(MalformedRoles):
        read_provided_roles(text)
