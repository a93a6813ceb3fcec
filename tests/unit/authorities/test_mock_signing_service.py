"""The stand-in for a signing service answers as such services do, and as its holder is told to."""

import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from claims.authorities import smartca
from claims.authorities.mock.options import Holder, MockSigningSettings
from claims.authorities.mock.remote_signing import MockSigningService, make_app, write_credentials
from claims.authorities.remote_signing import load_account
from claims.authorities.smartca import Account, Message
from signing.demo_folder import write_demo_folder
from signing.errors import (
    RemoteAccountRefused,
    RemoteSigningDeclined,
    RemoteSigningExpired,
    RemoteSigningFailed,
)
from signing.remote import Waiting
from tests.in_process import TestClient
from tests.unit.authorities.test_smartca import NOW

DIGESTS = {"one": hashlib.sha256(b"1").digest(), "two": hashlib.sha256(b"2").digest()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("demo") / "pki"
    write_demo_folder(made, ["79999"], at=NOW)
    return made


@pytest.fixture(scope="module")
def account(folder: Path) -> Account:
    (path,) = write_credentials(MockSigningSettings(folder))
    return load_account(path)


class Asked:
    """The stand-in as an application, with a clock that is set by hand."""

    def __init__(self, folder: Path, holder: Holder = Holder.CONFIRMS) -> None:
        self.now_s = 0.0
        service = MockSigningService(folder, holder=holder, after_s=5, clock=lambda: self.now_s)
        self._client = TestClient(make_app(service))

    def __call__(self, path: str, message: Mapping[str, object] | None = None) -> Message:
        answer = self._client.post(path, json=message or {})
        return smartca.read_answer(answer.status_code, answer.content)

    def sign(self, account: Account, number: str = "n1") -> str:
        self(smartca.SIGN, smartca.signature_request(account, number, "", DIGESTS, at=NOW))
        return smartca.STATUS.format(number=number)


def test_credentials_are_for_their_owner_alone_and_stay(folder: Path, account: Account) -> None:
    (path,) = write_credentials(MockSigningSettings(folder))

    assert load_account(path) == account
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_request_is_signed_after_its_holder_has_confirmed(folder: Path, account: Account) -> None:
    ask = Asked(folder)
    (certificate,) = smartca.read_certificates(
        ask(smartca.CERTIFICATES, smartca.certificate_request(account, "n"))
    )
    status = ask.sign(account)

    before = smartca.read_result(ask(status))
    ask.now_s = 5
    after = smartca.read_result(ask(status))

    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert before == Waiting("sig_wait_for_user_confirm")
    assert isinstance(after, Mapping)
    assert list(after) == ["one", "two"]
    key.verify(after["one"], b"1", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("holder", "error"),
    [(Holder.DECLINES, RemoteSigningDeclined), (Holder.LETS_LAPSE, RemoteSigningExpired)],
)
def test_a_holder_may_say_no_or_nothing(
    folder: Path, account: Account, holder: Holder, error: type[RemoteSigningFailed]
) -> None:
    ask = Asked(folder, holder)
    status = ask.sign(account)
    ask.now_s = 5

    with pytest.raises(error):
        ask(status)


def test_a_holder_who_ignores_it_is_waited_for_without_end(folder: Path, account: Account) -> None:
    ask = Asked(folder, Holder.IGNORES)
    status = ask.sign(account)
    ask.now_s = 1e9

    assert isinstance(smartca.read_result(ask(status)), Waiting)


@pytest.mark.parametrize("changed", [("sp", "x", "79999"), ("trial", "x", "79999"), ("trial", "", "01001")])
def test_only_its_account_may_ask(folder: Path, account: Account, changed: tuple[str, str, str]) -> None:
    sp_id, secret, user = changed
    stranger = Account(sp_id, secret or account.sp_password, user)

    with pytest.raises(RemoteAccountRefused):
        Asked(folder).sign(stranger)


def test_a_number_is_used_once(folder: Path, account: Account) -> None:
    ask = Asked(folder)
    ask.sign(account)

    with pytest.raises(RemoteSigningFailed, match="used before"):
        ask.sign(account)


@pytest.mark.parametrize(
    "files", [None, [], [{}], [{"doc_id": "a", "data_to_be_signed": "00", "sign_type": "hash"}], ["a"]]
)
def test_what_is_no_list_of_digests_is_refused(folder: Path, account: Account, files: object) -> None:
    asked = {**smartca.signature_request(account, "n", "", DIGESTS, at=NOW), "sign_files": files}

    with pytest.raises(RemoteSigningFailed, match="sign_files"):
        Asked(folder)(smartca.SIGN, asked)


def test_an_unknown_number_is_refused(folder: Path) -> None:
    with pytest.raises(RemoteSigningFailed, match="no such transaction"):
        Asked(folder)(smartca.STATUS.format(number="n9"))
