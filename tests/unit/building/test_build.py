"""Encounters become one unsigned bundle, or the reasons why they cannot."""

import pybase64
import pytest
from lxml import etree

from claims.building.build import BuildSettings, CannotBuild
from claims.bundle.days import DayCounting
from claims.bundle.kinds import TableKind
from claims.bundle.money import MoneySettings, always
from tests.unit.building.built import a_ward_stay, built, codes, refusals, rows, summary
from tests.unit.emr.documents import Document, a_document, a_medicine, a_service, the_worked_example

# --- money ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "percent", "t_bntt", "t_bncct", "t_bhtt"),
    [
        pytest.param(the_worked_example(), "80", "50000", "137920", "551680", id="right-route"),
        pytest.param(
            the_worked_example(visit={"case": "1.14"}), "40", "50000", "413760", "275840", id="off-route"
        ),
        pytest.param(
            the_worked_example(visit={"case": "1.2"}), "100", "50000", "0", "689600", id="first-level"
        ),
        pytest.param(the_worked_example(with_medicines=False), "100", "0", "0", "239600", id="cheap-visit"),
    ],
)
def test_the_worked_example(document: Document, percent: str, t_bntt: str, t_bncct: str, t_bhtt: str) -> None:
    totals = summary(document)

    assert (totals["T_BNTT"], totals["T_BNCCT"], totals["T_BHTT"]) == (t_bntt, t_bncct, t_bhtt)
    assert totals["T_BHTT_GDV"] == t_bhtt
    assert {row["MUC_HUONG"] for row in rows(document, TableKind.XML3)} == {percent}


def test_the_cheap_visit_is_exempt_under_the_lower_limit_of_june_too() -> None:
    june = {"admitted": "2026-06-30T07:30", "discharged": "2026-06-30T09:45", "paid": None}
    document = the_worked_example(with_medicines=False, visit=june)
    for service in document["services"]:
        service["ordered"] = "2026-06-30T07:40"

    totals = summary(document)

    assert (totals["T_BNCCT"], totals["T_BHTT"], totals["THANG_QT"]) == ("0", "239600", "6")


def test_the_rows_of_the_worked_example() -> None:
    whole, by_rate = rows(the_worked_example(), TableKind.XML2)

    amounts = ("THANH_TIEN_BV", "THANH_TIEN_BH", "T_BNTT", "T_BNCCT", "T_BHTT", "MA_NHOM")
    assert [whole[name] for name in amounts] == ["400000", "400000", "0", "80000", "320000", "4"]
    assert [by_rate[name] for name in amounts] == ["100000", "50000", "50000", "10000", "40000", "6"]


def test_the_totals_of_the_worked_example() -> None:
    totals = summary(the_worked_example())

    assert totals["T_THUOC"] == "500000"
    assert totals["T_VTYT"] == "0"
    assert (totals["T_TONGCHI_BV"], totals["T_TONGCHI_BH"]) == ("739600", "689600")


def test_what_the_patient_pays_needs_no_insured_price_and_no_fund() -> None:
    document = a_document(services=[a_service(scope="2", insured_price=None, pay_percent=100), a_service()])

    own, _ = rows(document, TableKind.XML3)

    assert (own["TYLE_TT_BH"], own["THANH_TIEN_BH"], own["T_BHTT"], own["T_BNTT"]) == ("0", "0", "0", "50600")


def test_the_fund_pays_nothing_of_a_medicine_from_another_source() -> None:
    document = a_document(medications=[a_medicine(source="2", other_sources={"vtnn": "80000"})])

    (row,) = rows(document, TableKind.XML2)

    assert (row["T_BHTT"], row["T_BNCCT"], row["T_NGUONKHAC"], row["MUC_HUONG"]) == ("0", "0", "80000", "0")


def test_a_supply_is_insured_up_to_its_ceiling() -> None:
    supply = a_service(
        kind="supply", code="N07.01", hospital_price="6500000", insured_price=None, ceiling="6000000"
    )

    (row,) = rows(a_document(services=[supply]), TableKind.XML3)

    assert (row["MA_VAT_TU"], row["MA_DICH_VU"], row["MA_NHOM"]) == ("N07.01", "", "10")
    assert (row["DON_GIA_BH"], row["T_TRANTT"], row["T_BNTT"]) == ("6000000", "6000000", "500000")
    assert summary(a_document(services=[supply]))["T_VTYT"] == "6500000"


def test_a_reused_supply_costs_what_is_insured_of_it() -> None:
    supply = a_service(kind="supply", hospital_price="100", insured_price="40", supply={"reused": True})

    (row,) = rows(a_document(services=[supply]), TableKind.XML3)

    assert (row["DON_GIA_BV"], row["DON_GIA_BH"], row["TAI_SU_DUNG"]) == ("40", "40", "1")


def test_numbers_are_written_plainly() -> None:
    document = a_document(medications=[a_medicine(quantity="1.500", price="0.335")])

    (row,) = rows(document, TableKind.XML2)

    assert (row["SO_LUONG"], row["DON_GIA"], row["THANH_TIEN_BV"]) == ("1.5", "0.335", "0.5")


def test_the_look_up_answer_wins_over_the_digit() -> None:
    document = the_worked_example(card={"percent": 95, "card": "DN4790000000000"})

    assert summary(document)["T_BNCCT"] == "34480"


def test_of_two_cards_the_higher_percent_counts_from_its_first_day() -> None:
    second = {"card": "HN2790000000000", "registered_at": "79999", "from": "2026-11-04"}
    services = [
        a_service(ordered=f"2026-11-0{day}T09:00", hospital_price="400000", insured_price="400000")
        for day in (3, 4)
    ]
    document = a_ward_stay()
    document["services"] = services
    document["coverage"].append(second)

    before, since = rows(document, TableKind.XML3)

    assert (before["MUC_HUONG"], since["MUC_HUONG"]) == ("80", "100")
    assert summary(document)["MA_THE_BHYT"] == "DN4790000000000;HN2790000000000"
    assert summary(document)["GT_THE_DEN"] == "20261231;"


def test_a_co_payment_exemption_counts_from_its_moment() -> None:
    document = a_ward_stay()
    document["coverage"][0]["copay_exempt_from"] = "2026-11-04T12:00"
    document["services"] = [
        a_service(ordered=f"2026-11-04T{hour}:00", hospital_price="400000", insured_price="400000")
        for hour in (11, 12)
    ]

    before, since = rows(document, TableKind.XML3)

    assert (before["MUC_HUONG"], since["MUC_HUONG"]) == ("80", "100")
    assert summary(document)["NGAY_MIEN_CCT"] == "202611041200"


def test_a_card_that_ends_during_the_stay_still_pays() -> None:
    document = a_ward_stay()
    document["coverage"][0]["to"] = "2026-11-02"
    document["services"] = [a_service(ordered="2026-11-05T09:00")]

    assert rows(document, TableKind.XML3)[0]["T_BHTT"] == "50600"


def test_a_card_that_ended_before_the_visit_pays_nothing() -> None:
    assert refusals(a_document(card={"to": "2026-11-01"})) == [
        (0, "/services/0/ordered", "no-card-on-that-day")
    ]


def test_how_long_an_ended_card_pays_is_a_setting() -> None:
    document = a_ward_stay()
    document["coverage"][0]["to"] = "2026-11-02"
    document["services"] = [a_service(ordered="2026-11-05T09:00")]
    settings = BuildSettings(money=MoneySettings(grace_days_after_card=always(2)))

    with pytest.raises(CannotBuild):
        built(document, settings=settings)


def test_a_claimed_exemption_is_compared() -> None:
    document = the_worked_example(visit={"low_cost_exempt": True})

    assert refusals(document) == [(0, "/encounter/low_cost_exempt", "differs-from-computed")]


# --- rows ----------------------------------------------------------------------------------


def test_rows_are_numbered_by_time_of_order_then_as_they_came() -> None:
    codes_and_times = [("A", "09:00"), ("B", "08:00"), ("C", "09:00")]
    medications = [a_medicine(code=code, ordered=f"2026-11-02T{time}") for code, time in codes_and_times]

    (claim,) = built(a_document(medications=medications)).claims

    numbered = [
        (row.fields["STT"], row.fields["MA_THUOC"], row.source) for row in claim.tables[TableKind.XML2]
    ]
    assert numbered == [
        ("1", "B", "/medications/1"),
        ("2", "A", "/medications/0"),
        ("3", "C", "/medications/2"),
    ]


@pytest.mark.parametrize(
    ("changes", "visit_type", "group"),
    [
        pytest.param({"kind": "test"}, "01", "1", id="test"),
        pytest.param({"kind": "imaging"}, "01", "2", id="imaging"),
        pytest.param({"kind": "function"}, "01", "3", id="function"),
        pytest.param({"kind": "surgery"}, "03", "8", id="surgery"),
        pytest.param({"kind": "procedure"}, "01", "18", id="procedure"),
        pytest.param({"kind": "procedure", "pay_percent": 50}, "01", "9", id="by-rate"),
        pytest.param({"kind": "supply", "pay_percent": 50}, "01", "11", id="supply-by-rate"),
        pytest.param({"kind": "transport"}, "01", "12", id="transport"),
        pytest.param({"kind": "exam"}, "01", "13", id="exam"),
        pytest.param({"kind": "bed"}, "04", "14", id="day-bed"),
        pytest.param({"kind": "bed"}, "03", "15", id="ward-bed"),
        pytest.param({"kind": "bed"}, "06", "16", id="stay-over-bed"),
        pytest.param({"kind": "other"}, "01", "19", id="other"),
        pytest.param({"kind": "other", "group": "18"}, "01", "18", id="given"),
    ],
)
def test_the_cost_group_follows_the_kind(changes: Document, visit_type: str, group: str) -> None:
    document = a_document(visit={"visit_type": visit_type}, services=[a_service(**changes)])

    assert rows(document, TableKind.XML3)[0]["MA_NHOM"] == group


def test_a_result_takes_the_code_of_the_service_that_ordered_it() -> None:
    results = [
        {"order_id": "OD1", "index": "23.0075", "name": "Glucose", "value": "5.6", "at": "2026-11-02T09:00"}
    ]
    document = a_document(
        services=[a_service(kind="test", code="23.0075.1494", order_id="OD1")], results=results
    )

    (row,) = rows(document, TableKind.XML4)

    assert (row["MA_DICH_VU"], row["GIA_TRI"], row["NGAY_KQ"]) == ("23.0075.1494", "5.6", "202611020900")


def test_a_result_that_names_another_service_than_its_order_is_pointed_out() -> None:
    results = [{"order_id": "OD1", "service": "99.0000.0000", "value": "5.6", "at": "2026-11-02T09:00"}]
    document = a_document(services=[a_service(order_id="OD1")], results=results)

    assert [finding.code for finding in built(document).findings] == ["XML4.MA_DICH_VU.differs"]
    assert rows(document, TableKind.XML4)[0]["MA_DICH_VU"] == "02.1897"


def test_a_result_of_no_service_is_refused() -> None:
    document = a_document(results=[{"order_id": "OD9", "value": "5.6"}])

    assert refusals(document) == [(0, "/results/0/service", "no-service")]


@pytest.mark.parametrize(("visit_type", "count"), [("03", 1), ("04", 1), ("05", 1), ("01", 0), ("07", 0)])
def test_notes_travel_only_with_treatments(visit_type: str, count: int) -> None:
    notes = [{"at": "2026-11-02T09:00", "text": "CSST<M75_T37> & ổn", "author": "0000000001"}]
    document = a_document(visit={"visit_type": visit_type}, notes=notes)

    assert len(rows(document, TableKind.XML5)) == count
    left_out = [finding for finding in built(document).findings if finding.code == "XML5.LEFT_OUT"]
    assert bool(left_out) is (count == 0)


def test_for_which_service_a_medicine_was_used_is_kept() -> None:
    document = a_document(medications=[a_medicine(for_service="18.0149.0040")])

    assert rows(document, TableKind.XML2)[0]["MA_DICH_VU"] == "18.0149.0040"


def test_a_row_without_department_has_the_only_one_of_the_visit() -> None:
    assert rows(a_document(), TableKind.XML3)[0]["MA_KHOA"] == "K01"
    assert refusals(a_document(visit={"departments": ["K01", "K02"]})) == [
        (0, "/services/0/department", "no-department")
    ]


def test_an_emergency_without_a_case_is_case_2() -> None:
    assert summary(a_document(visit={"case": None, "emergency": True}))["MA_DOITUONG_KCB"] == "2"


@pytest.mark.parametrize(
    ("visit", "days"),
    [
        pytest.param({}, "5", id="both-days"),
        pytest.param({"visit_type": "01"}, "0", id="examination"),
        pytest.param({"visit_type": "09"}, "0", id="under-four-hours"),
        pytest.param({"visit_type": "05"}, "5", id="days-of-drugs"),
        pytest.param({"visit_type": "08"}, "1", id="days-with-a-service"),
    ],
)
def test_days_of_treatment(visit: Document, days: str) -> None:
    assert summary(a_ward_stay(**visit))["SO_NGAY_DTRI"] == days


@pytest.mark.parametrize(
    ("visit", "days"),
    [
        pytest.param({}, "4", id="days-between"),
        pytest.param({"discharge_type": "2"}, "5", id="transferred"),
        pytest.param({"outcome": "5"}, "5", id="died"),
        pytest.param({"discharged": "2026-11-02T12:00"}, "0", id="four-hours"),
        pytest.param({"discharged": "2026-11-02T12:01"}, "1", id="over-four-hours"),
        pytest.param({"discharged": "2026-11-03T07:59"}, "1", id="under-a-day"),
    ],
)
def test_days_of_treatment_counted_as_bed_days(visit: Document, days: str) -> None:
    settings = BuildSettings(money=MoneySettings(day_counting=always(DayCounting.BED_DAYS)))

    assert summary(a_ward_stay(**visit), settings)["SO_NGAY_DTRI"] == days


@pytest.mark.parametrize(("paid", "month"), [("2026-12-01T08:00", ("2026", "12")), (None, ("2026", "11"))])
def test_the_settlement_month_is_that_of_payment_else_of_discharge(
    paid: str | None, month: tuple[str, str]
) -> None:
    row = summary(a_document(visit={"paid": paid}))

    assert (row["NAM_QT"], row["THANG_QT"]) == month


# --- the last word -------------------------------------------------------------------------


def test_an_element_without_a_word_of_its_own_is_passed_through() -> None:
    extra = {"xml1": {"MA_PTTT_QT": "47.01"}, "xml3": {"1": {"DU_PHONG": "x", "MA_BENH": "E11.9"}}}
    document = a_document(extra=extra)

    assert summary(document)["MA_PTTT_QT"] == "47.01"
    assert rows(document, TableKind.XML3)[0]["MA_BENH"] == "E11.9"


def test_passed_through_elements_follow_their_item_when_rows_are_sorted() -> None:
    medications = [
        a_medicine(code="A", ordered="2026-11-02T09:00"),
        a_medicine(code="B", ordered="2026-11-02T08:00"),
    ]
    document = a_document(medications=medications, extra={"xml2": {"1": {"DU_PHONG": "of A"}}})

    assert [row.get("DU_PHONG") for row in rows(document, TableKind.XML2)] == [None, "of A"]


def test_a_computed_amount_may_be_sent_along_if_it_agrees() -> None:
    document = the_worked_example(extra={"xml1": {"T_BHTT": "551680.00", "SO_NGAY_DTRI": 0}})

    assert summary(document)["T_BHTT"] == "551680"


def test_a_differing_amount_is_refused_with_both_numbers() -> None:
    document = the_worked_example(extra={"xml1": {"T_BHTT": "551680.01"}})

    with pytest.raises(CannotBuild) as caught:
        built(document)

    (reason,) = caught.value.reasons
    assert (reason.pointer, reason.code) == ("/extra/xml1/T_BHTT", "differs-from-computed")
    assert "551680.01" in reason.detail
    assert reason.detail.endswith("comes to 551680")


def test_an_unknown_element_and_a_missing_item_are_refused() -> None:
    document = a_document(extra={"xml1": {"T_BHXX": "1", "HO_TENN": "x"}, "xml3": {"2": {"DU_PHONG": "x"}}})

    assert set(refusals(document)) == {
        (0, "/extra/xml1/T_BHXX", "unknown-field"),
        (0, "/extra/xml1/HO_TENN", "unknown-field"),
        (0, "/extra/xml3/2", "no-such-item"),
    }


# --- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        pytest.param(
            a_document(visit={"discharged": None}), "/encounter/discharged", "still-open", id="open"
        ),
        pytest.param(a_document(services=[]), "", "nothing-to-claim", id="no-rows"),
        pytest.param(a_document(visit={"case": None}), "/encounter/case", "no-case", id="no-case"),
        pytest.param(
            a_document(visit={"case": "7.2"}), "/encounter/case", "factor-unknown", id="open-factor"
        ),
        pytest.param(
            a_document(visit={"visit_type": "3"}), "/encounter/visit_type", "not-a-visit-type", id="one-digit"
        ),
        pytest.param(
            a_document(diagnoses={"entry_text": "x", "exit_text": "x", "main": "i10"}),
            "/diagnoses/main",
            "code-in-small-letters",
            id="main-disease",
        ),
        pytest.param(
            a_document(services=[a_service(diagnosis="e11.9")]),
            "/services/0/diagnosis",
            "code-in-small-letters",
            id="disease-of-a-row",
        ),
        pytest.param(
            a_document(services=[a_service(quantity=0)]), "/services/0/quantity", "quantity-zero", id="none"
        ),
        pytest.param(
            a_document(medications=[a_medicine(quantity="0.000")]),
            "/medications/0/quantity",
            "quantity-zero",
            id="no-medicine",
        ),
        pytest.param(a_document(coverage=[]), "/coverage", "no-card", id="no-card"),
        pytest.param(
            a_document(card={"card": "7900000000"}), "/coverage/0/percent", "percent-unknown", id="new-number"
        ),
        pytest.param(
            a_document(visit={"discharged": "2026-11-01"}),
            "/encounter/discharged",
            "ends-before-it-begins",
            id="backwards",
        ),
        pytest.param(
            a_document(services=[a_service(code_system="LOINC")]),
            "/services/0/code",
            "code-not-mapped",
            id="loinc",
        ),
        pytest.param(
            a_document(services=[a_service(insured_price=None)]),
            "/services/0/insured_price",
            "no-insured-price",
            id="price",
        ),
        pytest.param(
            a_document(services=[a_service(insured_price="50601")]),
            "/services/0/insured_price",
            "insured-price-above-hospital",
            id="insured-more-than-asked",
        ),
        pytest.param(
            a_document(services=[a_service(other_sources={"cl": "50601"})]),
            "/services/0/other_sources",
            "other-sources-too-large",
            id="other-sources",
        ),
        pytest.param(
            a_document(services=[a_service(pay_percent="33.33")]),
            "/services/0/pay_percent",
            "rate-not-whole",
            id="rate-of-what-is-paid",
        ),
        pytest.param(
            a_document(services=[a_service(service_percent="33.3")]),
            "/services/0/service_percent",
            "rate-not-whole",
            id="rate-of-a-service",
        ),
        pytest.param(
            a_document(services=[a_service(pay_percent=1)]),
            "/services/0/pay_percent",
            "percent-is-fraction",
            id="rate-as-a-fraction",
        ),
        pytest.param(
            a_document(card={"percent": "0.8"}),
            "/coverage/0/percent",
            "percent-is-fraction",
            id="card-as-a-fraction",
        ),
        pytest.param(
            a_document(
                coverage=[
                    {"card": "DN4790000000000", "registered_at": "79999", "from": "2026-01-01"},
                    {
                        "card": "GD4790000000001",
                        "registered_at": "79001",
                        "from": "2024-01-01",
                        "to": "2024-12-31",
                    },
                ]
            ),
            "/coverage/1/card",
            "card-not-valid",
            id="card-of-other-days",
        ),
    ],
)
def test_what_makes_no_claim_is_refused_with_its_reason(document: Document, pointer: str, code: str) -> None:
    assert refusals(document) == [(0, pointer, code)]


def test_a_visit_before_the_first_schema_is_refused() -> None:
    visit = {"admitted": "2022-12-31T08:00", "discharged": "2022-12-31T09:00", "paid": None}

    assert refusals(a_document(visit=visit)) == [(0, "/encounter/discharged", "no-schema")]


def test_a_visit_without_insurance_needs_no_card() -> None:
    (row,) = rows(a_document(visit={"case": "9"}, coverage=[]), TableKind.XML3)

    assert (row["MUC_HUONG"], row["T_BHTT"]) == ("0", "0")


def test_all_reasons_of_all_encounters_are_listed() -> None:
    first = a_document(visit={"discharged": None}, services=[])
    second = a_document(visit={"link_id": "2", "case": None})

    assert refusals(first, second) == [
        (0, "/encounter/discharged", "still-open"),
        (0, "", "nothing-to-claim"),
        (1, "/encounter/case", "no-case"),
    ]


def test_encounters_of_two_facilities_and_two_of_one_link_id_share_no_bundle() -> None:
    assert refusals(a_document(), a_document(facility="01002")) == [
        (1, "/facility", "facilities-differ"),
        (1, "/encounter/link_id", "link-id-twice"),
    ]


def test_what_nobody_could_read_or_sign_is_refused() -> None:
    document = a_document()
    document["patient"]["name"] = "N" * 8_000_000

    assert refusals(document) == [(0, "", "too-large-for-a-bundle")]


def test_a_bundle_of_nothing_is_refused() -> None:
    assert refusals() == [(0, "", "no-encounter")]


def test_a_reason_holds_nothing_of_the_person() -> None:
    with pytest.raises(CannotBuild) as caught:
        built(a_document(card={"card": "7900000000"}, visit={"case": "7.2"}))

    assert "7900000000" not in str(caught.value)


# --- the bytes -----------------------------------------------------------------------------


def test_the_bundle_holds_the_tables_that_have_rows() -> None:
    root = etree.fromstring(built(a_document(medications=[a_medicine()])).bundle)

    assert root.findtext("THONGTINDONVI/MACSKCB") == "79999"
    assert root.findtext("THONGTINHOSO/NGAYLAP") == "20261103"
    assert [kind.text for kind in root.iter("LOAIHOSO")] == ["XML1", "XML2"]


def test_two_claims_in_a_bundle_are_counted_and_numbered() -> None:
    root = etree.fromstring(built(a_document(), a_document(visit={"link_id": "2"})).bundle)

    tables = [etree.fromstring(pybase64.b64decode(str(content.text))) for content in root.iter("NOIDUNGFILE")]
    assert root.findtext("THONGTINHOSO/SOLUONGHOSO") == "2"
    assert [table.findtext("STT") for table in tables if table.tag == "TONG_HOP"] == ["1", "2"]


def test_the_same_encounter_makes_the_same_bytes() -> None:
    assert built(the_worked_example()).bundle == built(the_worked_example()).bundle


@pytest.mark.parametrize(
    ("price", "found"),
    [("50.600", 2), ("1.250", 2), ("50.60", 0), ("50600.000", 0), ("0.500", 0), ("999.125", 0)],
)
def test_a_price_that_looks_like_thousands_is_told(price: str, found: int) -> None:
    document = a_document(services=[a_service(hospital_price=price, insured_price=price)])

    assert codes(built(document)).count("BUILD.like-thousands") == found
