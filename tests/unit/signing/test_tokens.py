"""Keys on a PKCS#11 token, tried with SoftHSM. The token's objects are made by its own tool, not by us."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from signing.canonical import parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.errors import (
    KeyMismatch,
    NoCertificate,
    NoPrivateKey,
    TokenNotFound,
    TokenSupportMissing,
    WrongPin,
)
from signing.sign import sign_bundle
from signing.tokens import TokenChoice, open_token
from signing.verify import verify
from tests.softhsm import MODULE, PIN, init_token, lay_out, run_softhsm, see_tokens

pkcs11 = pytest.importorskip("pkcs11", reason="needs python-pkcs11")

NOW = datetime.now(UTC)
BUNDLE = b"<GIAMDINHHS><THONGTINDONVI><MACSKCB>79999</MACSKCB></THONGTINDONVI><CHUKYDONVI/></GIAMDINHHS>"


@pytest.fixture(scope="module")
def pki() -> DemoPki:
    return DemoPki.create(at=NOW)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory, pki: DemoPki) -> None:
    """Tokens with a key and its certificate; ``bare`` without one, ``two`` with two keys of their own.

    On ``twice`` lies an older certificate of the same key, too; on ``wrong`` and ``odd`` that of another key.
    """
    folder = tmp_path_factory.mktemp("softhsm")
    lay_out(folder)
    keys: dict[str, list[ec.EllipticCurvePrivateKey | None]] = {
        "rsa": [None],
        "p256": [ec.generate_private_key(ec.SECP256R1())],
        "p384": [ec.generate_private_key(ec.SECP384R1())],
        "bare": [None],
        "two": [None, ec.generate_private_key(ec.SECP256R1())],
        "twice": [ec.generate_private_key(ec.SECP256R1())],
        "wrong": [ec.generate_private_key(ec.SECP256R1())],
        "odd": [None],
    }
    leaves = {name: [_leaf(pki, key) for key in several] for name, several in keys.items()}
    for name, several in leaves.items():
        init_token(name)
        for number, leaf in enumerate(several):
            file = folder / f"{name}{number}.pem"
            file.write_bytes(
                leaf.signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            )
            run_softhsm("--import", file, "--token", name, "--label", f"key{number}", "--id", f"a{number}")
    see_tokens()
    (key,) = keys["twice"]
    leaves["twice"].insert(0, _leaf(pki, key, days=1))
    leaves["wrong"] = leaves["p256"]
    leaves["odd"] = leaves["rsa"]
    for name, several in leaves.items():
        if name != "bare":
            _put_certificates(name, several)


def _leaf(pki: DemoPki, key: ec.EllipticCurvePrivateKey | None, *, days: int = 30) -> FacilityKey:
    return pki.leaf("79999", valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=days), key=key)


def _put_certificates(name: str, leaves: list[FacilityKey]) -> None:
    session = pkcs11.lib(str(MODULE)).get_token(token_label=name).open(rw=True, user_pin=PIN)
    with session:
        for number, leaf in enumerate(leaves):
            session.create_object(
                {
                    pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                    pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                    pkcs11.Attribute.TOKEN: True,
                    # Those of one key have its identifier.
                    pkcs11.Attribute.ID: bytes([0xA0 + (number if name == "two" else 0)]),
                    pkcs11.Attribute.SUBJECT: leaf.certificate.subject.public_bytes(),
                    pkcs11.Attribute.VALUE: leaf.certificate.public_bytes(Encoding.DER),
                }
            )


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("name", ["rsa", "p256", "p384"])
def test_a_key_on_a_token_signs_what_verifies(name: str, pki: DemoPki) -> None:
    with open_token(TokenChoice(MODULE, token=name), pin=PIN) as signer:
        signed = sign_bundle(BUNDLE, signer)

    assert verify(parse(signed), trust=pki.trust_store(), at=NOW).has_passed


@pytest.mark.usefixtures("tokens")
def test_several_keys_are_told_apart_by_label(pki: DemoPki) -> None:
    with (
        pytest.raises(NoPrivateKey, match="several keys fit"),
        open_token(TokenChoice(MODULE, token="two"), pin=PIN),
    ):
        pass

    with open_token(TokenChoice(MODULE, token="two", key="key1"), pin=PIN) as signer:
        signed = sign_bundle(BUNDLE, signer)

    assert verify(parse(signed), trust=pki.trust_store(), at=NOW).has_passed


@pytest.mark.usefixtures("tokens")
def test_of_two_certificates_of_a_key_the_newer_one_signs() -> None:
    with open_token(TokenChoice(MODULE, token="twice"), pin=PIN) as signer:
        left = signer.certificate.not_valid_after_utc - NOW

    assert left > timedelta(days=2)


@pytest.mark.usefixtures("tokens")
def test_a_certificate_of_another_key_signs_nothing() -> None:
    # The modulus of an RSA key tells; the point of an elliptic curve is no part of a private key.
    with (
        pytest.raises(NoCertificate, match="of this key"),
        open_token(TokenChoice(MODULE, token="odd"), pin=PIN),
    ):
        pass

    with (
        open_token(TokenChoice(MODULE, token="wrong"), pin=PIN) as signer,
        pytest.raises(KeyMismatch, match="another key"),
    ):
        sign_bundle(BUNDLE, signer)


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize(
    ("choice", "pin", "error", "sentence"),
    [
        pytest.param(
            TokenChoice(MODULE, token="rsa"), "654321", WrongPin, "several wrong ones lock it", id="wrong-pin"
        ),
        pytest.param(
            TokenChoice(MODULE, token="none"), PIN, TokenNotFound, "no such token", id="no-such-token"
        ),
        pytest.param(TokenChoice(MODULE), PIN, TokenNotFound, "bare, odd, p256", id="several-tokens"),
        pytest.param(
            TokenChoice(MODULE, token="rsa", key="other"), PIN, NoPrivateKey, "no such key", id="no-key"
        ),
        pytest.param(
            TokenChoice(MODULE, token="bare"), PIN, NoCertificate, "no certificate", id="no-certificate"
        ),
        pytest.param(
            TokenChoice(Path("/dev/null")), PIN, TokenSupportMissing, "no PKCS#11 module", id="no-module"
        ),
    ],
)
def test_what_is_wrong_with_a_token_is_said(
    choice: TokenChoice, pin: str, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence), open_token(choice, pin=pin):
        pass
