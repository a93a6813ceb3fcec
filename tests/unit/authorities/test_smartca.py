"""A signing service's messages are made and read as its guide says; what is not so is named."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from claims.authorities import smartca
from claims.authorities.errors import UnusableCredentials
from claims.authorities.remote_signing import HttpSigningService, load_account
from claims.authorities.smartca import Account
from claims.outbound.errors import UnusableAddress
from signing.demo_pki import DemoPki
from signing.errors import (
    RemoteAccountRefused,
    RemoteAnswerUnusable,
    RemoteCertificateNotFound,
    RemoteSigningDeclined,
    RemoteSigningExpired,
    RemoteSigningFailed,
    RemoteUnavailable,
)
from signing.remote import Waiting

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ACCOUNT = Account("sp", "s3cret", "0100000000")


@pytest.fixture(scope="module")
def certificates() -> list[x509.Certificate]:
    """Two that are valid, and one that has ended."""
    pki = DemoPki.create(at=NOW - timedelta(days=100))
    ends = (NOW + timedelta(days=9), NOW + timedelta(days=9), NOW - timedelta(days=9))
    return [pki.leaf("79999", valid_from=NOW - timedelta(days=90), valid_to=end).certificate for end in ends]


def answer(message: str = "SUCCESS", data: object = None, code: int = 200) -> bytes:
    return json.dumps({"status_code": code, "message": message, "data": data}).encode()


def result(message: str, *signatures: object) -> object:
    return smartca.read_result(smartca.read_answer(200, answer(message, {"signatures": list(signatures)})))


def test_a_request_holds_digests_in_hexadecimal_under_the_names_that_the_holder_sees() -> None:
    asked = smartca.signature_request(ACCOUNT, "n1", "5401", {"doc": b"\x0a\xff"}, at=NOW)

    assert asked["sign_files"] == [
        {"doc_id": "doc", "data_to_be_signed": "0aff", "file_type": "xml", "sign_type": "hash"}
    ]
    assert (asked["sp_id"], asked["sp_password"], asked["user_id"]) == ("sp", "s3cret", "0100000000")
    assert (asked["transaction_id"], asked["serial_number"], asked["time_stamp"]) == (
        "n1",
        "5401",
        "20260601000000Z",
    )


def test_values_come_in_base64_by_name() -> None:
    value = {"doc_id": "doc", "signature_value": "AP8=", "timestamp_signature": None}

    assert result("SUCCESS", value) == {"doc": b"\x00\xff"}


@pytest.mark.parametrize(
    ("message", "signatures"),
    [
        pytest.param("sig_wait_for_user_confirm", [], id="waits"),
        pytest.param("SUCCESS", [{"doc_id": "a", "signature_value": None}], id="no-value-yet"),
        pytest.param("a word that nobody has told us", [], id="unknown-word"),
    ],
)
def test_without_values_it_waits_and_keeps_the_word(message: str, signatures: list[object]) -> None:
    assert result(message, *signatures) == Waiting(message)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(200, answer("EXPIRED"), RemoteSigningExpired, id="lapsed"),
        pytest.param(200, answer("SIGNER_REJECTED"), RemoteSigningDeclined, id="declined"),
        pytest.param(400, answer("SIGNER_REJECTED", code=400), RemoteSigningDeclined, id="declined-as-400"),
        pytest.param(200, answer("SIGN_FAILED"), RemoteSigningFailed, id="failed"),
        pytest.param(400, answer("BAD_REQUEST", code=400), RemoteSigningFailed, id="bad-request"),
        pytest.param(401, answer("SP_CREDENTIAL_INVALID", code=401), RemoteAccountRefused, id="account"),
        pytest.param(200, answer("SP_CREDENTIAL_INVALID", code=401), RemoteAccountRefused, id="only-inside"),
        pytest.param(403, answer("CREDENTIAL_STATUS_INVALID"), RemoteCertificateNotFound, id="certificate"),
        pytest.param(500, answer("SERVER_INTERNAL_ERROR", code=500), RemoteUnavailable, id="out-of-order"),
        pytest.param(502, b"<html>bad gateway</html>", RemoteUnavailable, id="gateway"),
        pytest.param(200, b"<html>welcome</html>", RemoteAnswerUnusable, id="html"),
        pytest.param(200, b"[]", RemoteAnswerUnusable, id="no-object"),
        pytest.param(404, b"", RemoteAnswerUnusable, id="nothing-there"),
        pytest.param(200, b'{"status_code": "soon"}', RemoteSigningFailed, id="odd-code"),
    ],
)
def test_each_refusal_has_its_name(status: int, body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        smartca.read_answer(status, body)
    assert raised.type is error


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"signatures": "none"}, id="no-list"),
        pytest.param({"signatures": ["A"]}, id="no-objects"),
        pytest.param({"signatures": [{"doc_id": "a", "signature_value": "?"}]}, id="no-base64"),
        pytest.param({"signatures": [{"doc_id": "a", "signature_value": 7}]}, id="no-text"),
    ],
)
def test_what_is_not_a_result_is_named(data: object) -> None:
    with pytest.raises(RemoteAnswerUnusable):
        smartca.read_result(smartca.read_answer(200, answer(data=data)))


def test_certificates_come_in_base64_or_pem(certificates: list[x509.Certificate]) -> None:
    der, pem = (certificates[0].public_bytes(kind) for kind in (Encoding.DER, Encoding.PEM))
    listed = [{"cert_data": base64.b64encode(der).decode()}, {"cert_data": pem.decode()}]

    found = smartca.read_certificates({"data": {"user_certificates": listed}})

    assert found == [certificates[0]] * 2


@pytest.mark.parametrize("data", [None, "", "AAAA", "-----BEGIN CERTIFICATE-----"])
def test_a_certificate_that_is_none_is_named(data: object) -> None:
    with pytest.raises(RemoteAnswerUnusable):
        smartca.read_certificates({"data": {"user_certificates": [{"cert_data": data}]}})


def test_the_only_valid_certificate_is_chosen(certificates: list[x509.Certificate]) -> None:
    assert smartca.choose_certificate(certificates[1:], "", at=NOW) == certificates[1]


def test_of_several_the_serial_number_chooses(certificates: list[x509.Certificate]) -> None:
    serial = f"00{certificates[1].serial_number:X}"

    assert smartca.choose_certificate(certificates, serial, at=NOW) == certificates[1]


@pytest.mark.parametrize(("serial", "said"), [("", "several certificates"), ("1", "no such certificate")])
def test_without_a_clear_choice_the_serial_numbers_are_said(
    certificates: list[x509.Certificate], serial: str, said: str
) -> None:
    with pytest.raises(RemoteCertificateNotFound, match=f"{said}.*{certificates[0].serial_number:x}"):
        smartca.choose_certificate(certificates, serial, at=NOW)


def test_an_account_without_certificates_says_so() -> None:
    with pytest.raises(RemoteCertificateNotFound, match="none"):
        smartca.choose_certificate(smartca.read_certificates({"data": None}), "", at=NOW)


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(HttpSigningService("https://example.test", ACCOUNT))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9200", "http://localhost/x", "https://ca.example/sca"])
def test_a_secret_travels_encrypted_or_not_at_all(url: str) -> None:
    assert HttpSigningService(url, ACCOUNT).url == url


@pytest.mark.parametrize("url", ["http://ca.example", "http://127.0.0.1.example", "ftp://ca.example", "ca"])
def test_a_secret_is_not_sent_in_the_clear(url: str) -> None:
    with pytest.raises(UnusableAddress):
        HttpSigningService(url, ACCOUNT)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_an_account_is_read_from_a_file(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "account.toml"
    file.write_text('sp_id = "sp"\nsp_password = "s3cret"\nuser_id = "0100000000"\n', encoding)

    assert load_account(file) == ACCOUNT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("sp_id = ", "not TOML", id="no-toml"),
        pytest.param('sp_id = "a"', "missing: sp_password, user_id", id="missing"),
        pytest.param('sp_id="a"\nsp_password="b"\nuser_id="c"\npin="1"', "unknown: pin", id="unknown"),
        pytest.param('sp_id="a"\nsp_password="b"\nuser_id=100', "in quotes: user_id", id="number"),
    ],
)
def test_a_file_that_is_no_account_says_what_is_wrong_and_no_secret(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "account.toml"
    file.write_text(text)

    with pytest.raises(UnusableCredentials, match=said) as raised:
        load_account(file)
    assert "account.toml" in str(raised.value)
