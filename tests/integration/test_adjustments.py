"""Form 09/BH: what a final decision does not pay, as XML that the facility signed and that others accept."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from claims.exchange.access.keys import Scope
from claims.exchange.results import AssessedLine, Assessment, Standing
from claims.exchange.review.review import Cut, Decision, Order, Review, ReviewFilter, Verdict
from claims.exchange.submission import FacilityCode
from claims.web import create_app
from tests.browser.world import World, a_world
from tests.conftest import require_tool
from tests.in_process import TestClient
from tests.integration.command import claims

pytestmark = pytest.mark.any_server

MAKERS = {"prepared_by": "Hoa <Thanh Toán>", "head": "Giám đốc\x07"}


@pytest.fixture
def world(database_url: str, broker_url: str, tmp_path: Path) -> Iterator[World]:
    with a_world(database_url, broker_url, tmp_path, claims=8) as made:
        yield made


@pytest.fixture
def api(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(world.service), base_url="http://127.0.0.1") as client:
        key = world.service.issue_key(
            facility=FacilityCode("79001"), scopes=frozenset({Scope.SUBMIT, Scope.READ}), label="test"
        )
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def decided(world: World, *cuts: Cut, verdict: Verdict = Verdict.REDUCED, reason: str = "") -> Review:
    """Decide on a claim of one facility for good."""
    service = world.service
    which = ReviewFilter(reach=("",), facility="79001")
    page = service.reviews.list_page(which, order=Order.NEWEST, limit=20, cursor=None)
    review = next(one for one in page.items if not one.classes and one.claimed < 2_500_000)
    who = service.sessions.find(world.session_of("dung")).principal
    decision = Decision(verdict, cuts, reason)
    service.decide_reviews.decide(review, version=review.version, decision=decision, who=who)
    service.reviews.announce(now=datetime.now(UTC) + timedelta(seconds=60), limit=100)
    return review


def texts(form: bytes, path: str) -> Sequence[str]:
    return [one.text or "" for one in etree.fromstring(form).iterfind(path)]


def test_a_cut_row_and_a_cut_claim_become_a_signed_form_that_xmlsec1_and_claims_verify(
    world: World, api: TestClient, tmp_path: Path
) -> None:
    review = decided(
        world,
        Cut(Decimal(1_000), "PRICE", table="XML3", row=1, note="giá cao"),
        Cut(Decimal(500), "QUANTITY"),
    )
    line = AssessedLine("990", "XML3", "1", "", Standing.REFUSED, None, None)
    one = Assessment(review.ma_lk, Standing.REFUSED, None, claim_id="12345", lines=(line,))
    world.service.results.note_assessments(FacilityCode("79001"), [one], now=datetime.now(UTC))

    answer = api.post(
        f"/v1/submissions/{review.submission_id}/reviews/{review.ordinal}/adjustments", json=MAKERS
    )

    assert answer.status_code == 200, answer.text
    form = answer.content
    assert form.startswith(b"<?xml")
    assert texts(form, "TT_HOSO/TT_MAU/*")[:4] == ["09/BH", "79001", "Hoa <Thanh Toán>", "Giám đốc "]
    assert texts(form, "TT_HOSO/TT_XML1/MA_LK") == [review.ma_lk]
    assert re.fullmatch(r"\d{6}", texts(form, "TT_HOSO/TT_XML1/KY_QT")[0])
    assert texts(form, "TT_HOSO/TT_XML1/XML1_ID") == ["12345"]
    (stt, table, number, row, _, state, field, before, why, code, _, after, _) = texts(
        form, "TT_HOSO/TT_DIEUCHINH/DSCP_DIEUCHINH/CHIPHI/*"
    )
    assert (stt, table, number, row, state, field, code) == ("1", "3", "990", "1", "1", "T_BHTT", "PRICE")
    assert Decimal(before) - Decimal(after) == 1_000
    assert why
    whole = texts(form, "TT_HOSO/TT_DIEUCHINH/DS_XML1_DIEUCHINH/TT_XML1_DC/*")
    assert Decimal(whole[2]) - Decimal(whole[4]) == 500
    path = tmp_path / "form.xml"
    path.write_bytes(form)
    verified = claims("verify", path, "--trust", tmp_path / "trust", "--json")
    assert verified.code == 0, verified.stderr
    assert b"TOTAL-PASSED" in verified.stdout
    assert accepted_by_xmlsec1(path, tmp_path / "trust")
    path.write_bytes(form.replace(b"PRICE", b"OTHER"))
    assert not accepted_by_xmlsec1(path, tmp_path / "trust")


def test_a_declined_claim_asks_for_nothing_and_is_signed_elsewhere_without_a_key_here(
    world: World, api: TestClient
) -> None:
    review = decided(world, verdict=Verdict.DECLINED, reason="INDICATION")

    (world.service.settings.signing_keys_folder / "79001.p12").unlink()
    path = f"/v1/submissions/{review.submission_id}/reviews/{review.ordinal}/adjustments"

    refused = api.post(path, json=MAKERS)
    form = api.post(path, json={**MAKERS, "signed": False}).content

    assert (refused.status_code, refused.json()["code"]) == (409, "no-signing-key")

    (_, field, before, _, after, _) = texts(form, "TT_HOSO/TT_DIEUCHINH/DS_XML1_DIEUCHINH/TT_XML1_DC/*")
    assert (field, Decimal(before), after) == ("T_BHTT", review.claimed, "0")
    assert texts(form, "CHUKYDONVI") == [""]


def test_what_was_accepted_has_no_form(world: World, api: TestClient) -> None:
    review = decided(world, verdict=Verdict.ACCEPTED)

    answer = api.post(
        f"/v1/submissions/{review.submission_id}/reviews/{review.ordinal}/adjustments", json=MAKERS
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-adjust")


def accepted_by_xmlsec1(path: Path, trust: Path) -> bool:
    command = [
        require_tool("xmlsec1"),
        "--verify",
        *("--enabled-key-data", "x509"),
        *("--enabled-reference-uris", "same-doc"),
        *("--id-attr:Id", "http://www.w3.org/2000/09/xmldsig#:Object", "--id-attr:Id", "TT_HOSO"),
        *(part for file in (trust / "anchors").glob("*.pem") for part in ("--trusted-pem", file)),
        *(part for file in (trust / "intermediates").glob("*.pem") for part in ("--untrusted-pem", file)),
        path,
    ]
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, timeout=30)
    return done.returncode == 0
