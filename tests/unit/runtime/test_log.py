"""No card, number, name or secret reaches a log, whoever puts it there; our own ids stay readable."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from claims.runtime.log import configure_logging


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    written = io.StringIO()
    configure_logging("INFO")
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    root.handlers[:] = before
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("HS4010123456789", id="insurance card"),
        pytest.param("TE1790123456789", id="insurance card of a child"),
        pytest.param("0123456789", id="social insurance number"),
        pytest.param("079123456789", id="citizen number"),
        pytest.param("123456789", id="identity card"),
        pytest.param("0912345678", id="telephone"),
        pytest.param("ehs_abc_def", id="API key"),
        pytest.param("whsec_MfKQ9r8GKYqrTwjUPD8I+/==", id="webhook secret"),
    ],
)
@pytest.mark.parametrize("place", ["event", "field", "nested", "exception", "another library"])
def test_a_number_is_masked_wherever_it_stands(lines: io.StringIO, text: str, place: str) -> None:
    log = structlog.get_logger()
    match place:
        case "event":
            log.info("read %s.", text)
        case "field":
            log.info("claim.read", said=f"({text})")
        case "nested":
            log.info("claim.read", said={"rows": [{"of": text}]})
        case "exception":
            try:
                raise ValueError(text)  # noqa: TRY301 - somebody's message holds what it must not
            except ValueError:
                log.exception("claim.failed")
        case _:
            logging.getLogger("another").warning("cannot read %s", text)

    assert text not in lines.getvalue()
    assert "***" in lines.getvalue()


@pytest.mark.parametrize(
    "field",
    [
        "ho_ten",
        "HO_TEN",
        "ho_ten_cha",
        "patient",
        "patient_name",
        "full_name",
        "dia_chi",
        "ngay_sinh",
        "nguoi_giam_ho",
    ],
)
def test_a_name_is_masked_by_the_field_it_stands_in(lines: io.StringIO, field: str) -> None:
    structlog.get_logger().info("claim.read", **{field: "Nguyễn Thị Hoa"}, rows=[{field: "Nguyễn Thị Hoa"}])

    assert "Hoa" not in lines.getvalue()


def test_ids_and_figures_stay(lines: io.StringIO) -> None:
    facts = {
        "submission_id": "sub_01KASWY1C4R4T9QZ3R5J8M2X6B",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "took_s": 0.123456789,
        "number": 1_240,
        "receipt": "GD-79001-0001",
    }

    structlog.get_logger().info("submission.sent", **facts)

    said = json.loads(lines.getvalue())
    assert {name: said[name] for name in facts} == facts
