"""Signed statements: anybody's JOSE library reads them, nobody changes them."""

import base64
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from claims.exchange.submission import EventKind
from claims.proof.errors import BrokenToken
from claims.proof.keys import Authority, by_key_id, key_set
from claims.proof.records import EVENT_NAMES, AcceptanceReceipt, Record, TreeHead, event_name
from claims.proof.tokens import ServiceKey, read_token, sign_token, verify_token
from tests.fakes import NOON

AUTHORITY = Authority.create(at=NOON)
KEY = AUTHORITY.issue(at=NOON)
KEYS = by_key_id([KEY.certificate])
RECEIPT = AcceptanceReceipt("sub_1", "99001", "ab" * 32, 7, NOON)


def test_another_library_reads_a_statement_with_the_published_key() -> None:
    published = key_set(KEYS, KEY.chain)["keys"]
    assert isinstance(published, list)
    document = {name: published[0][name] for name in ("kty", "crv", "x", "y")}

    read = jws.deserialize_compact(RECEIPT.sign(KEY), ECKey.import_key(document))

    assert json.loads(read.payload)["submission"] == "sub_1"
    assert read.headers() == {"alg": "ES256", "kid": KEY.key_id, "typ": "ehoso-receipt"}


def test_a_statement_of_another_library_is_read() -> None:
    private = ECKey.import_key(KEY.private_key)
    header = {"alg": "ES256", "kid": KEY.key_id, "typ": "x"}

    token = jws.serialize_compact(header, b'{"a":1}', private)

    assert verify_token(token, KEYS, kind="x") == {"a": 1}


def test_the_same_statement_is_the_same_bytes() -> None:
    assert RECEIPT.sign(KEY) == RECEIPT.sign(KEY)
    assert AcceptanceReceipt.verify(RECEIPT.sign(KEY), KEYS) == RECEIPT


def test_no_character_can_be_changed() -> None:
    token = RECEIPT.sign(KEY)
    for at, character in enumerate(token):
        for other in {"A", "Q", "."} - {character}:
            with pytest.raises(BrokenToken):
                AcceptanceReceipt.verify(token[:at] + other + token[at + 1 :], KEYS)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "é.é.é",
        "e30.e30.e30",
        "W10.W10.",
        base64.urlsafe_b64encode(b"[" * 9000).decode().rstrip("=") + ".e30.AA",
        "A" * 100_000,
    ],
)
def test_what_is_no_statement_is_refused(token: str) -> None:
    with pytest.raises(BrokenToken):
        verify_token(token, KEYS, kind="x")


def test_a_statement_is_not_taken_for_another_kind() -> None:
    with pytest.raises(BrokenToken, match="another kind"):
        TreeHead.verify(RECEIPT.sign(KEY), KEYS)


def test_a_stranger_signs_nothing() -> None:
    stranger = Authority.create(at=NOON).issue(at=NOON)
    posing = ServiceKey(KEY.certificate, stranger.private_key)

    with pytest.raises(BrokenToken, match="not known"):
        AcceptanceReceipt.verify(RECEIPT.sign(stranger), KEYS)
    with pytest.raises(BrokenToken, match="somebody else"):
        AcceptanceReceipt.verify(RECEIPT.sign(posing), KEYS)


def test_a_statement_without_a_member_is_broken() -> None:
    _, statement = read_token(RECEIPT.sign(KEY), kind="ehoso-receipt")
    for name in statement:
        rest = {key: value for key, value in statement.items() if key != name}
        with pytest.raises(BrokenToken, match=name):
            AcceptanceReceipt.verify(sign_token(rest, KEY, kind="ehoso-receipt"), KEYS)
        wrong = {**statement, name: []}
        with pytest.raises(BrokenToken, match=name):
            AcceptanceReceipt.verify(sign_token(wrong, KEY, kind="ehoso-receipt"), KEYS)


def test_a_record_comes_back_as_it_was() -> None:
    record = Record(
        submission="sub_1",
        facility="99001",
        sequence=4,
        kind="received",
        state="received",
        at=NOON,
        actor="key_1",
        cause=None,
        detail="00",
        sha256="11",
        digests={"receipt": "22"},
        previous=None,
        logged_at=datetime(2026, 1, 1, tzinfo=UTC),
    )

    assert Record.verify(record.sign(KEY), KEYS) == record


def test_events_have_the_standards_names_where_it_has_one() -> None:
    assert event_name("received") == "SubmissionAcceptance"
    assert event_name("superseded") == "x-superseded"


def test_the_guide_lists_the_standards_names() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "guides" / "archive.md").read_text("utf-8")

    listed = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", guide, re.MULTILINE))

    assert listed == dict(EVENT_NAMES)
    assert all(event_name(kind).startswith("x-") for kind in EventKind if kind not in listed)
