"""Every answer the gateway could give has one meaning, and doubt is never mistaken for certainty."""

import json

import pytest

from claims.exchange.errors import GatewayError, GatewayRefused, GatewayUnavailable, OutcomeUnknown
from claims.gateway.answers import find_receipt, read_answer, read_receipt
from claims.gateway.connection import RawAnswer

TAKEN = {"maKetQua": "200", "maGiaoDich": "7", "thoiGianTiepNhan": "20260102030405"}


def raw(document: object, status: int = 200, *, complete: bool = True) -> RawAnswer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return RawAnswer(status, body, request_complete=complete)


DIGEST = "0" * 64


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(TAKEN, id="text"),
        pytest.param({"maKetQua": 200, "maGiaoDich": 7, "thoiGianTiepNhan": 20260102030405}, id="numbers"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(TAKEN).encode(), id="byte-order-mark"),
        pytest.param({**TAKEN, "maGiaoDich": " 7 "}, id="padded"),
    ],
)
def test_an_acceptance_is_a_receipt_that_keeps_the_answer_verbatim(document: object) -> None:
    answer = raw(document)

    receipt = read_receipt(read_answer(answer))

    assert receipt.ma_giao_dich == "7"
    assert receipt.received_at is not None
    assert receipt.received_at.isoformat() == "2026-01-02T03:04:05+07:00"
    assert receipt.answer == answer.body


@pytest.mark.parametrize("time", ["", "20261302030405", "2026", None, [1], "2026010203040x"])
def test_an_unreadable_time_does_not_spoil_a_receipt(time: object) -> None:
    receipt = read_receipt(read_answer(raw({**TAKEN, "thoiGianTiepNhan": time})))

    assert receipt.ma_giao_dich == "7"
    assert receipt.received_at is None


@pytest.mark.parametrize(
    ("answer", "error", "cause"),
    [
        pytest.param(raw({"maKetQua": "200"}), OutcomeUnknown, "gateway.no-receipt", id="no-number"),
        pytest.param(
            raw({**TAKEN, "maGiaoDich": ["7"]}), OutcomeUnknown, "gateway.no-receipt", id="number-in-a-list"
        ),
        pytest.param(
            raw({**TAKEN, "maGiaoDich": True}), OutcomeUnknown, "gateway.no-receipt", id="number-is-true"
        ),
        pytest.param(raw(TAKEN, 500), OutcomeUnknown, "gateway.contradiction", id="taken-with-500"),
        pytest.param(raw(TAKEN, 400), OutcomeUnknown, "gateway.contradiction", id="taken-with-400"),
        pytest.param(raw(b"<html>"), OutcomeUnknown, "gateway.garbled", id="page-with-200"),
        pytest.param(raw(b""), OutcomeUnknown, "gateway.garbled", id="nothing-with-200"),
        pytest.param(raw([1]), OutcomeUnknown, "gateway.garbled", id="list"),
        pytest.param(raw(b"[" * 100_000), OutcomeUnknown, "gateway.garbled", id="nested-deep"),
        pytest.param(raw({"maKetQua": {"a": 1}}), OutcomeUnknown, "gateway.garbled", id="code-is-an-object"),
        pytest.param(raw({"maKetQua": "a b\n"}), OutcomeUnknown, "gateway.garbled", id="code-is-a-text"),
        pytest.param(raw(b"moved", 302), OutcomeUnknown, "gateway.http-302", id="redirect"),
        pytest.param(raw(b"bad", 502), OutcomeUnknown, "gateway.http-502", id="502"),
        pytest.param(raw(b"later", 503), OutcomeUnknown, "gateway.http-503", id="503"),
        pytest.param(raw(b"late", 504), OutcomeUnknown, "gateway.http-504", id="504"),
        pytest.param(raw(b"no", 501), GatewayUnavailable, "gateway.http-501", id="501"),
        pytest.param(raw(b"no", 404), GatewayUnavailable, "gateway.http-404", id="404"),
        pytest.param(raw(b"no", 403), GatewayUnavailable, "gateway.http-403", id="403-page"),
        pytest.param(raw(b"slow", 408), GatewayUnavailable, "gateway.http-408", id="408-page"),
        pytest.param(raw(b"slow down", 429), GatewayUnavailable, "gateway.http-429", id="429"),
        pytest.param(raw(b"what", 400), GatewayRefused, "gateway.http-400", id="400-page"),
        pytest.param(raw(b"big", 413), GatewayRefused, "gateway.http-413", id="413"),
        pytest.param(raw({"maKetQua": "205"}, 400), GatewayRefused, "gateway.205", id="refusal-with-400"),
        pytest.param(raw({"maKetQua": "205"}, 500), GatewayRefused, "gateway.205", id="refusal-with-500"),
        pytest.param(raw({"maKetQua": 500}), OutcomeUnknown, "gateway.500", id="500-as-a-number"),
        pytest.param(raw({"maKetQua": "401"}), GatewayUnavailable, "gateway.401", id="401"),
        pytest.param(raw({"detail": "x"}, 401), GatewayUnavailable, "gateway.http-401", id="401-framework"),
    ],
)
def test_what_is_no_receipt_says_how_sure_it_is(
    answer: RawAnswer, error: type[GatewayError], cause: str
) -> None:
    with pytest.raises(GatewayError) as raised:
        read_receipt(read_answer(answer))

    assert type(raised.value) is error
    assert raised.value.cause == cause


@pytest.mark.parametrize("answer", [raw(b"x", 503, complete=False), raw({"maKetQua": "500"}, complete=False)])
def test_an_answer_to_half_a_request_leaves_no_doubt(answer: RawAnswer) -> None:
    with pytest.raises(GatewayUnavailable):
        read_receipt(read_answer(answer))


def test_the_gateway_s_own_words_never_reach_the_error_text() -> None:
    answer = raw({"maKetQua": "202", "thongDiep": "Nguyễn Văn A, thẻ DN4010100000001"})

    with pytest.raises(GatewayRefused) as raised:
        read_receipt(read_answer(answer))

    assert "DN40" not in str(raised.value)
    assert raised.value.answer == answer.body


def test_an_answer_that_names_the_bytes_that_were_sent_is_proven() -> None:
    receipt = read_receipt(read_answer(raw({**TAKEN, "sha256": DIGEST.upper()})), sha256=DIGEST)

    assert receipt.is_proven


@pytest.mark.parametrize("said", ["", "f" * 64, None, 7])
def test_an_answer_about_other_bytes_is_no_receipt(said: object) -> None:
    answer = read_answer(raw({**TAKEN, "sha256": said}))

    with pytest.raises(OutcomeUnknown, match="other-claim"):
        read_receipt(answer, sha256=DIGEST)


def test_a_look_up_that_answers_about_other_bytes_finds_nothing() -> None:
    for code in ("200", "404"):
        with pytest.raises(GatewayUnavailable, match="other-claim"):
            find_receipt(read_answer(raw({**TAKEN, "maKetQua": code, "sha256": "f" * 64})), sha256=DIGEST)


def test_a_look_up_knows_found_from_missing() -> None:
    assert find_receipt(read_answer(raw({"maKetQua": "404"})), sha256=DIGEST) is None
    found = find_receipt(read_answer(raw(TAKEN)), sha256=DIGEST)
    assert found is not None
    assert found.ma_giao_dich == "7"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(raw(b"Not Found", 404), id="no-such-path"),
        pytest.param(raw({"maKetQua": "102"}), id="still-at-work"),
        pytest.param(raw({"maKetQua": "200"}), id="found-without-number"),
        pytest.param(raw({"maKetQua": "500"}), id="failed"),
        pytest.param(raw({"maKetQua": "403"}), id="not-allowed"),
        pytest.param(raw(b"garbage"), id="garbage"),
        pytest.param(raw(TAKEN, 500), id="contradiction"),
    ],
)
def test_a_look_up_that_says_neither_is_unavailable(answer: RawAnswer) -> None:
    with pytest.raises(GatewayUnavailable):
        find_receipt(read_answer(answer), sha256=DIGEST)
