"""Orders and charges become services."""

from decimal import Decimal

import pytest

from claims.emr.encounter import Service, ServiceKind
from claims.emr.hl7.options import Hl7Options
from tests.unit.emr.hl7.messages import codes, encounter, ft1, msg, obr, obx, order, pv1, read, rxe, seg

ORDERED = msg("OML^O21", "M1", "20261102080000", pv1(), order("L1"), obr("L1"))
PERFORMED = msg(
    "ORU^R01", "M2", "20261102084000", pv1(), order("L1", "RE", f3="F1"),
    obr("L1", f3="F1", f7="202611020815", f22="202611020845", f34="KTV1&LÊ&AN"),
    obx("5.6", f18="XN.1.79999.0001"),
)  # fmt: skip


def charged(*segments: str, name: str = "F1", at: str = "20261102093000") -> bytes:
    return msg("DFT^P03", name, at, pv1(), *segments)


def only(*messages: bytes, options: Hl7Options | None = None) -> Service:
    (service,) = encounter(*messages, options=options).services
    return service


def test_an_order_with_its_result_and_charge_is_one_service() -> None:
    service = only(charged(ft1("23.0075.1494", f12="22400", f23="F1", f13="K16^^BYT")), PERFORMED, ORDERED)

    assert (service.kind, service.code, service.order_id) == (ServiceKind.TEST, "23.0075.1494", "L1")
    assert (service.quantity, service.hospital_price, service.department) == (1, 22400, "K16")
    assert (service.ordered, service.performed, service.result) == (
        "202611020800",
        "202611020815",
        "202611020845",
    )
    assert (service.orderer, service.performers, service.machine) == ("BS1", ("KTV1",), "XN.1.79999.0001")
    assert service.origin == ("OML^O21 M1/ORC[1]", "OML^O21 M1/OBR[1]", "DFT^P03 F1/FT1[1]")


def test_a_result_alone_is_no_order() -> None:
    assert not encounter(PERFORMED).services


def test_a_result_that_was_charged_is_a_service_though_nobody_told_of_its_order() -> None:
    result = msg("ORU^R01", "R1", "20261102090000", pv1(), order("L9", "RE"), obr("L9"), obx("5.6"))
    charge = msg("DFT^P03", "F1", "20261102093000", pv1(), ft1("BILL9", f23="L9"))

    found = encounter(result, charge)

    (service,) = found.services
    assert (service.code, service.hospital_price) == ("23.0075.1494", 50600)
    assert [one.order_id for one in found.results] == [service.order_id]


def test_a_charge_of_an_order_that_nothing_tells_of_makes_a_row_of_its_own() -> None:
    told = msg("OML^O21", "R1", "20261102090000", pv1(), order("L9"))
    charge = msg("DFT^P03", "F1", "20261102093000", pv1(), ft1(f23="L9"))

    (service,) = encounter(told, charge).services

    assert (service.code, service.hospital_price) == ("02.1897", 50600)


def test_charges_without_a_quantity_are_one_each() -> None:
    first, second = (
        msg("DFT^P03", known, "20261102093000", pv1(), ft1("23.0075.1494", f10="", f23="L1"))
        for known in ("F1", "F2")
    )
    test = msg("OML^O21", "M1", "20261102081000", pv1(), order("L1"), obr("L1"))

    services = encounter(test, first, second).services

    assert [(one.quantity, one.hospital_price) for one in services] == [(1, 50600), (1, 50600)]


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        ("CH", ServiceKind.TEST),
        ("RAD", ServiceKind.IMAGING),
        ("EC", ServiceKind.FUNCTION),
        ("PT", ServiceKind.PROCEDURE),
    ],
)
def test_the_section_gives_the_kind(section: str, kind: ServiceKind) -> None:
    assert (
        only(msg("ORM^O01", "M1", "20261102080000", pv1(), order("L1"), obr("L1", f24=section))).kind is kind
    )


def test_a_kind_that_nothing_tells_is_other_and_said() -> None:
    found = read(msg("ORM^O01", "M1", "20261102080000", pv1(), order("L1"), obr("L1")))

    assert found.encounters[0].services[0].kind is ServiceKind.OTHER
    assert [(o.pointer, o.code) for o in found.oddities] == [("ORM^O01 M1/OBR[1]-4", "unknown-kind")]


def test_the_options_give_kinds_by_code_and_by_system() -> None:
    options = Hl7Options(kinds={"EXAM1": ServiceKind.EXAM, "BEDS": ServiceKind.BED})

    found = encounter(charged(ft1("EXAM1^Khám^L"), ft1("G1^Giường^BEDS", f16="K03^P1^H012")), options=options)

    assert {(s.code, s.kind, s.bed) for s in found.services} == {
        ("EXAM1", ServiceKind.EXAM, None),
        ("G1", ServiceKind.BED, "H012"),
    }


def test_several_services_under_one_number_are_several_rows_with_their_own_results() -> None:
    ordered = msg(
        "ORM^O01", "M1", "20261102080000", pv1(), order("L1"),
        obr("L1", f4="A^Một^L", f24="CH"), obr("L1", f4="B^Hai^L", f24="CH"),
    )  # fmt: skip
    answered = msg("ORU^R01", "M2", "20261102084000", pv1(), obr("L1", f4="B^Hai^L"), obx("1"))

    found = encounter(ordered, answered)

    assert [(s.code, s.order_id) for s in found.services] == [("A", "L1/A"), ("B", "L1/B")]
    assert [r.order_id for r in found.results] == ["L1/B"]


def test_a_charge_without_an_order_is_a_row_of_its_own() -> None:
    times = "202611020740^202611020750"

    service = only(charged(ft1(f4=times, f20="BS2^^^^^^^^BYT~BS3^^^^^^^^BYT", f21="BS1^^^^^^^^BYT")))

    assert (service.code, service.hospital_price, service.order_id) == ("02.1897", 50600, None)
    assert (service.ordered, service.performed, service.result) == (
        "202611020740",
        "202611020740",
        "202611020750",
    )
    assert (service.orderer, service.performers) == ("BS1", ("BS2", "BS3"))


@pytest.mark.parametrize(
    ("fields", "price", "quantity"),
    [
        ({"f10": "2", "f11": "101200", "f12": "50600"}, "50600", "2"),
        ({"f10": "2", "f11": "101200", "f12": ""}, "50600", "2"),
        ({"f10": "", "f11": "101200", "f12": "50600"}, "50600", "2"),
        ({"f10": "", "f11": "50600", "f12": ""}, "50600", "1"),
        ({"f10": "2", "f12": "", "f22": "50600"}, "50600", "2"),
        ({"f10": "2", "f12": "50600&VND^UP"}, "50600", "2"),
        ({"f10": "3", "f11": "100", "f12": ""}, None, "3"),
        ({"f10": "1", "f12": ""}, None, "1"),
    ],
)
def test_the_price_is_the_unit_amount_else_worked_out(
    fields: dict[str, str], price: str | None, quantity: str
) -> None:
    service = only(charged(ft1(**fields)))

    assert service.hospital_price == (None if price is None else Decimal(price))
    assert service.quantity == Decimal(quantity)


def test_an_amount_that_does_not_agree_is_said() -> None:
    assert "amount-differs" in codes(read(charged(ft1(f10="2", f11="1", f12="50600"))))


def test_a_credit_reverses_the_charge_that_is_most_like_it() -> None:
    first, second = ft1(f4="20261102"), ft1(f4="20261103", f10="3")
    credit = ft1(f4="20261103", f6="CD", f10="2")

    found = encounter(charged(credit, name="F0"), charged(first, second))

    assert [(s.ordered, s.quantity) for s in found.services] == [("202611020000", 1), ("202611030000", 1)]


def test_a_charge_credited_in_full_makes_no_row_and_neither_does_its_order() -> None:
    charge, credit = ft1("23.0075.1494", f23="L1"), ft1("23.0075.1494", f23="L1", f10="-1")

    found = read(ORDERED, charged(charge), charged(credit, name="F2"))

    assert not found.encounters[0].services
    assert codes(found) == {"charge-reversed"}


@pytest.mark.parametrize("name", ["", "L1"])
def test_a_charge_of_none_makes_no_row_and_is_said(name: str) -> None:
    found = read(ORDERED, charged(ft1(f10="0", f23=name)))

    assert "02.1897" not in {service.code for service in found.encounters[0].services}
    assert "DFT^P03 F1/FT1[1]-10" in {one.pointer for one in found.oddities if one.code == "quantity-zero"}


def test_a_charge_of_none_that_costs_something_is_refused() -> None:
    found = read(charged(ft1(f10="0", f11="50600", f12="")))

    assert [(one.code, one.pointer) for one in found.refused] == [("quantity-zero", "DFT^P03 F1/FT1[1]-10")]


def test_a_charge_below_zero_is_a_credit() -> None:
    assert only(charged(ft1(f10="3"), ft1(f10="-1"))).quantity == 2


@pytest.mark.parametrize(
    "reversal",
    [
        pytest.param({"f12": "-50600"}, id="unit-amount"),
        pytest.param({"f11": "-50600", "f12": ""}, id="amount"),
        pytest.param({"f10": "-1", "f12": "-50600"}, id="quantity-and-amount"),
    ],
)
def test_a_charge_of_less_than_nothing_is_a_credit(reversal: dict[str, str]) -> None:
    assert only(charged(ft1(f10="3"), ft1(**reversal))).quantity == 2


@pytest.mark.parametrize("amount", ["50600&USD", "50600^USD", "50600&VND^EUR"])
@pytest.mark.parametrize("field", [11, 12, 22])
def test_an_amount_in_other_money_is_no_price_and_said(field: int, amount: str) -> None:
    amounts = {"f12": ""} | {f"f{field}": amount}

    found = read(charged(ft1(**amounts), seg("ZBL", {14: "exam"})))

    assert [service.hospital_price for service in found.encounters[0].services] == [None]
    assert [(oddity.pointer, oddity.code) for oddity in found.oddities] == [
        (f"DFT^P03 F1/FT1[1]-{field}", "other-currency")
    ]


@pytest.mark.parametrize("money", ["VND", "vnd", "VNĐ", ""])
def test_an_amount_in_dong_is_a_price(money: str) -> None:
    assert only(charged(ft1(f12=f"50600&{money}"), seg("ZBL", {14: "exam"}))).hospital_price == 50600


def test_a_charge_that_may_belong_to_an_order_is_said() -> None:
    found = read(ORDERED, charged(ft1("23.0075.1494"), seg("ZBL", {14: "test"})))

    assert len(found.encounters[0].services) == 2
    assert [(o.pointer, o.code) for o in found.oddities] == [
        ("DFT^P03 F1/FT1[1]-23", "charge-without-its-order")
    ]


def test_a_credit_without_a_charge_is_said() -> None:
    assert codes(read(charged(ft1(f6="CD")))) == {"credit-without-charge"}


def test_a_transaction_told_again_corrects_the_first_and_is_said() -> None:
    found = read(charged(ft1(f2="T1", f10="1")), charged(ft1(f2="T1", f10="4"), name="F2"))

    assert [one.quantity for one in found.encounters[0].services] == [4]
    assert ("DFT^P03 F2/FT1[1]-2", "transaction-again") in [(one.pointer, one.code) for one in found.oddities]


def test_what_is_charged_on_two_days_under_the_number_of_a_bill_is_charged_twice() -> None:
    days = [charged(ft1(f2="BILL1", f4=f"2026110{day}"), name=f"F{day}") for day in (2, 3)]

    assert [one.quantity for one in encounter(*days).services] == [1, 1]


@pytest.mark.parametrize(("field", "text"), [(10, "2,5"), (10, "0.33333"), (12, "50,600"), (11, "1e3")])
def test_a_charge_with_a_number_that_cannot_be_read_is_refused(field: int, text: str) -> None:
    found = read(charged(ft1(**{f"f{field}": text})))

    assert not found.encounters
    assert [one.pointer for one in found.refused] == [f"DFT^P03 F1/FT1[1]-{field}"]


@pytest.mark.parametrize(
    ("segments", "place"),
    [
        pytest.param([order("L1"), seg("TQ1", {2: "3"}), obr("L1")], "TQ1[1]-2", id="TQ1"),
        pytest.param([order("L1"), obr("L1", f27="2^Once")], "OBR[1]-27", id="OBR"),
        pytest.param([order("L1", f7="2"), obr("L1")], "ORC[1]-7", id="ORC"),
        pytest.param([order("L1", f7="1^BID"), seg("TQ1", {2: "1"}), obr("L1", f27="^^^^^R")], "", id="one"),
    ],
)
def test_an_order_of_several_needs_a_charge_that_counts_them(segments: list[str], place: str) -> None:
    ordered = msg("OML^O21", "M1", "20261102080000", pv1(), *segments)

    found = read(ordered)
    counted = read(ordered, charged(ft1("23.0075.1494", f10="2", f23="L1")))

    assert [one.pointer for one in found.refused] == ([f"OML^O21 M1/{place}"] if place else [])
    assert [one.quantity for one in counted.encounters[0].services] == [2]


def test_lines_that_share_the_number_of_a_bill_are_all_read() -> None:
    found = encounter(charged(ft1("A", f2="BILL1"), ft1("B", f2="BILL1"), ft1("A", f2="BILL1")))

    assert sorted(s.code for s in found.services) == ["A", "A", "B"]


def test_prices_that_changed_make_two_rows_of_one_order() -> None:
    charges = (ft1("23.0075.1494", f12="100", f23="L1"), ft1("23.0075.1494", f12="50", f23="L1"))

    found = encounter(ORDERED, charged(*charges))

    assert [(s.hospital_price, s.order_id) for s in found.services] == [(100, "L1"), (50, None)]


def test_a_payment_gives_the_time_of_payment_and_no_row() -> None:
    found = encounter(charged(ft1(f6="PY", f4="202611020950")))

    assert found.encounter.paid == "202611020950"
    assert not found.services


def test_a_line_takes_what_only_a_claim_needs_from_its_own_segment() -> None:
    line = seg(
        "ZBL", {1: "50000", 2: "100", 3: "50", 4: "2", 10: "7", 12: "1/QĐ", 14: "supply", 17: "Y", 22: "Lần"}
    )

    service = only(charged(ft1(), line))

    assert (service.kind, service.insured_price, service.service_percent) == (ServiceKind.SUPPLY, 50000, 50)
    assert (service.scope, service.other_sources.cl, service.unit) == ("2", 7, "Lần")
    assert service.supply is not None
    assert (service.supply.tender, service.supply.reused) == ("1/QĐ", True)


def test_the_charge_tells_the_national_code_when_the_order_does_not() -> None:
    ordered = msg("OML^O21", "M1", "20261102080000", pv1(), order("L1"), obr("L1", f4="GLU^Glucose^L"))

    alone = only(ordered)
    mapped = only(ordered, charged(ft1("23.0075.1494^Định lượng^BYT", f23="L1")))

    assert (alone.code, alone.codings["code"][0].system) == ("GLU", "L")
    assert mapped.code == "23.0075.1494"
    assert "code" not in mapped.codings


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        pytest.param(2, "80,5", "not-a-number", id="percent-with-comma"),
        pytest.param(2, "150", "above-100", id="percent-above-100"),
        pytest.param(6, "-1", "negative", id="ceiling-below-zero"),
        pytest.param(7, "1.2345", "too-many-decimals", id="too-exact"),
    ],
)
def test_a_number_that_a_default_would_take_the_place_of_refuses_its_visit(
    field: int, text: str, code: str
) -> None:
    found = read(msg("DFT^P03", "D1", "20261102080000", pv1(), ft1(), seg("ZBL", {field: text})))

    assert found.encounters == ()
    assert [(one.encounter, one.code, one.pointer) for one in found.refused] == [
        ("DFT^P03 D1", code, f"DFT^P03 D1/ZBL[1]-{field}")
    ]


def test_a_service_that_an_order_names_twice_in_a_message_is_said() -> None:
    ordered = [msg("OML^O21", f"M{n}", "20261102080000", pv1(), order("L1"), obr("L1"), *more) for n, more in
               ((1, ()), (2, (obr("L1"),)))]  # fmt: skip

    once, twice = (read(message) for message in ordered)

    assert "service-twice" not in codes(once)
    assert [(one.pointer, one.code) for one in twice.oddities] == [("OML^O21 M2/OBR[2]-4", "service-twice")]


@pytest.mark.parametrize(
    ("code", "priced"),
    [
        pytest.param("99.9^Khác^BYT", False, id="another-national-code"),
        pytest.param("GLU^Đường máu^L", True, id="own-word-of-the-bill"),
        pytest.param("23.0075.1494", True, id="same"),
    ],
)
def test_a_charge_of_something_else_is_no_price_of_the_order_that_it_names(code: str, priced: bool) -> None:
    found = read(ORDERED, charged(ft1(code, f23="L1"), seg("ZBL", {14: "test"})))

    rows = {one.code: one.hospital_price for one in found.encounters[0].services}
    assert rows == ({"23.0075.1494": 50600} if priced else {"23.0075.1494": None, "99.9": 50600})
    assert ("charge-beside" in codes(found)) is not priced


def test_a_fee_charged_with_a_medicine_is_no_price_of_the_medicine() -> None:
    ordered = msg("RDE^O11", "M1", "20261102080000", pv1(), order("O1"), rxe())
    fee = charged(ft1("03.2389^Tiêm^BYT", f12="5000", f23="O1"), seg("ZBL", {14: "procedure"}))

    found = encounter(ordered, fee)

    assert [(one.code, one.price) for one in found.medications] == [("40.30", None)]
    assert [(one.code, one.hospital_price) for one in found.services] == [("03.2389", 5000)]
