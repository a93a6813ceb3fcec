"""Wherever master keys are, they do the same: files, a token, a key service."""

import itertools
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from pydantic import SecretStr

from claims.authorities.key_service import KeyServicePlace, ServiceMasterKeys
from claims.authorities.mock.key_service import MockKeyService
from claims.exchange.errors import KeysUnavailable
from claims.runtime.master_keys import FolderOfMasterKeys, KeyRing, open_master_keys
from claims.runtime.settings import InvalidSettings, Settings, load_settings
from claims.storage.vault import MasterKeys, Part, Vault
from tests.served import on_loopback
from tests.softhsm import MODULE, PIN, init_token, lay_out, see_tokens

TOKEN = "a-token-of-the-key-service"
#: Each key is made a day later than the one before.
MOMENTS = (datetime(2026, 11, 29, tzinfo=UTC) + timedelta(days=number) for number in itertools.count())
PLACES = ("folder", "token", "service")
Open = Callable[[str], MasterKeys]


@pytest.fixture(scope="module")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the label of a fresh token."""
    lay_out(tmp_path_factory.mktemp("softhsm"))
    for label in ("keys", "locked"):
        init_token(label)
    see_tokens()
    return "keys"


@pytest.fixture(scope="module")
def key_service() -> Iterator[str]:
    with on_loopback(MockKeyService(TOKEN).app()) as address:
        yield f"{address}/v1/transit"


@pytest.fixture
def open_keys(tmp_path: Path, request: pytest.FixtureRequest) -> Open:
    def open_in(place: str) -> MasterKeys:
        if place == "folder":
            return FolderOfMasterKeys(tmp_path / "keys", bytes(32))
        if place == "service":
            url = request.getfixturevalue("key_service")
            return ServiceMasterKeys(KeyServicePlace(url, "ehoso", TOKEN))
        pytest.importorskip("pkcs11", reason="needs python-pkcs11")
        from claims.runtime.token_master_keys import TokenMasterKeys, TokenPlace

        keys = TokenMasterKeys(TokenPlace(MODULE, request.getfixturevalue("softhsm"), PIN))
        keys.make(at=next(MOMENTS))
        return keys

    return open_in


@pytest.mark.parametrize("place", PLACES)
def test_what_one_wraps_it_unwraps(open_keys: Open, place: str) -> None:
    keys, secret = open_keys(place), os.urandom(32)
    name = keys.current()

    wrapped = keys.wrap(name, secret, belongs_to="sub_1")

    assert keys.unwrap(name, wrapped, belongs_to="sub_1") == secret
    assert secret not in wrapped


@pytest.mark.attack
@pytest.mark.parametrize("place", PLACES)
def test_a_wrapped_key_opens_nothing_else(open_keys: Open, place: str) -> None:
    keys = open_keys(place)
    name = keys.current()
    wrapped = keys.wrap(name, os.urandom(32), belongs_to="sub_1")
    changed = wrapped[:-6] + (b"AAAAAA" if wrapped[-6:] != b"AAAAAA" else b"BBBBBB")

    for bad, owner in ((wrapped, "sub_2"), (changed, "sub_1"), (b"", "sub_1"), (wrapped[:10], "sub_1")):
        with pytest.raises((InvalidTag, ValueError)):
            keys.unwrap(name, bad, belongs_to=owner)


@pytest.mark.parametrize("place", PLACES)
def test_a_new_key_wraps_and_the_old_one_still_opens(open_keys: Open, place: str) -> None:
    keys = open_keys(place)
    old = keys.current()
    wrapped = keys.wrap(old, bytes(32), belongs_to="x")

    new = keys.make(at=next(MOMENTS))

    assert new != old
    assert keys.current() == new
    assert keys.unwrap(old, wrapped, belongs_to="x") == bytes(32)


@pytest.mark.parametrize("place", PLACES)
def test_a_key_that_is_not_there_is_not_there(open_keys: Open, place: str) -> None:
    with pytest.raises(LookupError):
        open_keys(place).unwrap("20200101T000000Z", b"x" * 60, belongs_to="x")


@pytest.mark.parametrize("place", ["token", "service"])
def test_content_moves_from_files_to_another_place_and_back(
    open_keys: Open, place: str, tmp_path: Path
) -> None:
    files, there = FolderOfMasterKeys(tmp_path / "keys", bytes(32)), open_keys(place)
    before = Vault(KeyRing(files, {f"{place}:": there}, files))
    after = Vault(KeyRing(there, {f"{place}:": there}, files))
    key = before.new_key("sub_1")
    assert key is not None
    stored = key.close(Part.BODY, b"<bundle/>")

    moved = after.rewrap("sub_1", key.lock)
    back = before.rewrap("sub_1", moved)

    assert moved.master.startswith(f"{place}:")
    assert not back.master.startswith(f"{place}:")
    for vault, lock in ((after, moved), (before, moved), (before, back)):
        assert vault.read("sub_1", Part.BODY, stored, lock) == b"<bundle/>"


def test_a_token_that_is_not_there_can_be_asked_later(tmp_path: Path, softhsm: str) -> None:
    from claims.runtime.token_master_keys import TokenMasterKeys, TokenPlace

    for place in (TokenPlace(MODULE, "no-such-token", PIN), TokenPlace(tmp_path / "no.so", softhsm, PIN)):
        with pytest.raises(KeysUnavailable):
            TokenMasterKeys(place).current()
    with pytest.raises(KeysUnavailable):
        TokenMasterKeys(TokenPlace(MODULE, "locked", "654321")).current()


def test_a_key_service_that_does_not_answer_can_be_asked_later(key_service: str) -> None:
    nobody = KeyServicePlace("http://127.0.0.1:9/v1/transit", "ehoso", TOKEN)
    wrong = KeyServicePlace(key_service, "ehoso", "another-token")

    for place in (nobody, wrong):
        keys = ServiceMasterKeys(place)
        with pytest.raises(KeysUnavailable):
            keys.current()
        with pytest.raises(KeysUnavailable):
            keys.unwrap("service:ehoso:1", b"vault:v1:AAAA", belongs_to="x")


def test_settings_say_where_the_keys_are(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        content_keys_in="service",
        content_keys_url="http://127.0.0.1:9",
        content_keys_secret=SecretStr("x"),
    )

    assert isinstance(open_master_keys(settings, bytes(32)).first, ServiceMasterKeys)
    assert isinstance(open_master_keys(Settings(data_dir=tmp_path), bytes(32)).first, FolderOfMasterKeys)
    for place in ("token", "service"):
        with pytest.raises(InvalidSettings):
            load_settings({"CLAIMS_CONTENT_KEYS_IN": place})
