"""Orders, hand-overs, administrations and charges of medicines become medications."""

from decimal import Decimal

import pytest

from claims.emr.encounter import Medication
from claims.emr.hl7.options import Hl7Options
from tests.unit.emr.hl7.messages import codes, encounter, ft1, msg, order, pv1, read, rxe, seg


def prescribed(control: str = "NW", at: str = "20261102081000", name: str = "M1", **fields: str) -> bytes:
    return msg("RDE^O11", name, at, pv1(), order("O1", control, at=at), rxe(**fields))


def changed(control: str, at: str = "20261102082000", **fields: str) -> bytes:
    return msg("ORM^O01", f"C{at}", at, pv1(), order("O1", control, at=at, **fields))


def handed(
    quantity: str, at: str = "20261102090000", product: str = "40.30^Thuốc^BYT", number: str = "1"
) -> bytes:
    dispensed = seg("RXD", {1: number, 2: product, 3: at, 4: quantity})
    return msg("RDS^O13", f"D{at}{product}{quantity}", at, pv1(), order("O1", "RE", f9=""), dispensed)


def given(amount: str, at: str, **fields: str) -> bytes:
    known = {1: "0", 2: "1", 3: at, 5: "40.30^Thuốc^BYT", 6: amount, 7: "Viên"}
    dose = seg("RXA", known | {int(name[1:]): value for name, value in fields.items()})
    return msg("RAS^O17", f"G{at}{fields}", at, pv1(), order("O1", "RE", f9=""), dose)


def only(*messages: bytes) -> Medication:
    (medication,) = encounter(*messages).medications
    return medication


def test_a_prescription_says_what_how_much_when_and_by_whom() -> None:
    details = [
        seg("RXE", {2: "P500^Paracetamol^L", 3: "1", 5: "Viên", 6: "V^Viên nén", 10: "20", 11: "Viên",
                    21: "^Uống sau ăn", 25: "500", 26: "mg"}),
        seg("TQ1", {3: "BID"}),
        seg("RXR", {1: "1.01^Uống^BYT"}),
    ]  # fmt: skip

    medication = only(msg("RDE^O11", "M1", "20261102081000", pv1(), order("O1"), *details))

    assert (medication.code, medication.name, medication.unit) == ("P500", "Paracetamol", "Viên")
    assert (medication.strength, medication.form, medication.route) == ("500mg", "Viên nén", "1.01")
    assert (medication.dose, medication.how) == ("1 Viên/lần * 2 lần/ngày", "Uống sau ăn")
    assert (medication.quantity, medication.price) == (20, None)
    assert (medication.ordered, medication.prescriber, medication.department) == (
        "202611020800",
        "BS1",
        "K01",
    )
    assert {field: [c.code for c in named] for field, named in medication.codings.items()} == {
        "code": ["P500"]
    }
    assert medication.origin == ("RDE^O11 M1/ORC[1]", "RDE^O11 M1/RXE[1]")


@pytest.mark.parametrize(
    ("timing", "dose", "how"),
    [
        pytest.param([{3: "Q8H", 6: "5^d"}], "1 Viên/lần * 3 lần/ngày * 5 ngày", None, id="hours-and-days"),
        pytest.param(
            [{3: "ACM~HS"}], "1 Viên/lần * 2 lần/ngày", "trước bữa sáng, trước khi ngủ", id="events"
        ),
        pytest.param([{3: "BID~PRN", 10: "đau"}], "1 Viên/lần * 2 lần/ngày", "khi cần, đau", id="as-needed"),
        pytest.param([{3: "PC", 6: "2^wk"}], "1 Viên", "sau bữa ăn, trong 14 ngày", id="meals"),
        pytest.param([{3: "QD", 4: "0800"}], "1 Viên/lần * 1 lần/ngày", "lúc 08:00", id="clock"),
        pytest.param([{3: "QSHIFT"}], "1 Viên QSHIFT", None, id="unknown-pattern"),
        pytest.param(
            [{2: "2", 3: "QAM"}, {2: "1", 3: "QHS"}],
            "2 Viên/lần * 1 lần/ngày; 1 Viên/lần * 1 lần/ngày",
            "buổi sáng; trước khi ngủ",
            id="several",
        ),
    ],
)
def test_how_often_and_how_long_come_from_the_timing(
    timing: list[dict[int, str]], dose: str, how: str | None
) -> None:
    segments = [order("O1"), rxe(f3="1", f5="Viên"), *(seg("TQ1", one) for one in timing)]

    medication = only(msg("RDE^O11", "M1", "20261102080000", pv1(), *segments))

    assert (medication.dose, medication.how) == (dose, how)


def test_before_version_2_5_the_timing_stands_in_the_order_itself() -> None:
    medicine = rxe(f1="1^BID&0800,2000^D5", f3="1", f4="2", f5="Viên")

    medication = only(msg("RDE^O01", "M1", "20261102080000", pv1(), order("O1"), medicine))

    assert medication.dose == "1-2 Viên/lần * 2 lần/ngày * 5 ngày"
    assert medication.how == "lúc 08:00, 20:00"


def test_every_instruction_of_a_prescriber_is_kept() -> None:
    medicine = rxe(f7="D1^1 viên sáng~D2^2 viên tối", f21="^sau ăn~^nhiều nước")

    medication = only(msg("RDE^O11", "M1", "20261102080000", pv1(), order("O1"), medicine))

    assert (medication.dose, medication.how) == ("1 viên sáng; 2 viên tối", "sau ăn; nhiều nước")


@pytest.mark.parametrize("control", ["CA", "OC", "CR"])
def test_a_cancelled_order_makes_no_row(control: str) -> None:
    assert not encounter(prescribed(), changed(control)).medications


@pytest.mark.parametrize("control", ["DC", "OD", "HD", "OH", "SC", "OK"])
def test_a_stopped_held_or_acknowledged_order_was_given_until_then(control: str) -> None:
    assert only(prescribed(), changed(control)).quantity == 20


def test_an_order_placed_again_after_its_cancellation_stands() -> None:
    again = prescribed(at="20261102083000", name="M2", f10="7")

    assert only(changed("CA"), again, prescribed()).quantity == 7


def test_a_status_that_says_cancelled_cancels() -> None:
    assert not encounter(prescribed(), changed("SC", f5="CA")).medications


@pytest.mark.parametrize("control", ["XO", "RP"])
def test_a_replaced_order_is_what_replaced_it(control: str) -> None:
    medication = only(prescribed(f21="^cũ"), prescribed(control, "20261102083000", "M2", f10="5"))

    assert (medication.quantity, medication.how) == (5, None)
    assert medication.ordered == "202611020830"


def test_an_order_replaced_by_another_leaves_only_the_other() -> None:
    both = msg(
        "ORM^O01", "M2", "20261102083000", pv1(),
        order("O1", "RP"), order("O2", "RO"), seg("RXO", {1: "40.31^Khác^BYT", 11: "3"}),
    )  # fmt: skip

    medication = only(prescribed(), both)

    assert (medication.code, medication.quantity) == ("40.31", 3)


def test_what_was_handed_over_counts_before_what_was_ordered() -> None:
    medication = only(handed("18"), prescribed())

    assert (medication.quantity, medication.given, medication.ordered) == (18, "202611020900", "202611020810")


def test_hand_overs_of_one_product_are_one_row_and_those_of_another_their_own() -> None:
    found = encounter(
        prescribed(),
        handed("5"),
        handed("6", "20261103090000", number="2"),
        handed("2", product="40.99^Khác^BYT"),
    )

    assert [(m.code, m.quantity) for m in found.medications] == [("40.30", 11), ("40.99", 2)]


def test_a_hand_over_told_again_corrects_the_first() -> None:
    corrected = msg(
        "RDS^O13", "D2", "20261102100000", pv1(), order("O1", "RE"),
        seg("RXD", {1: "1", 2: "40.30^Thuốc^BYT", 3: "20261102090000", 4: "17"}),
    )  # fmt: skip

    assert only(prescribed(), corrected, handed("18")).quantity == 17


def test_administrations_give_the_time_and_failing_all_else_the_quantity() -> None:
    doses = (given("1", "20261102100000"), given("2", "20261102090500"))

    ordered = only(prescribed(), *doses)
    bare = only(prescribed(f10=""), *doses)

    assert (ordered.quantity, ordered.given) == (20, "202611020905")
    assert bare.quantity == 3


@pytest.mark.parametrize("fields", [{"f20": "RE"}, {"f20": "NA"}, {"f21": "D"}, {"f6": "999"}])
def test_a_dose_that_was_not_given_adds_nothing(fields: dict[str, str]) -> None:
    skipped = given("1", "20261102100000", **fields)

    assert only(prescribed(f10=""), given("2", "20261102090500"), skipped).quantity == 2


def test_an_administration_without_an_order_makes_a_row_of_its_own() -> None:
    medication = only(given("2", "20261102090500"))

    assert (medication.code, medication.quantity, medication.ordered) == ("40.30", 2, "")


def test_a_missing_quantity_stays_missing() -> None:
    assert only(prescribed(f10="")).quantity is None


def test_a_total_without_a_quantity_is_shared_among_what_was_ordered() -> None:
    total = ft1("40.30", f10="", f11="80000", f12="", f23="O1")

    medication = only(prescribed(), msg("DFT^P03", "F1", "20261102093000", pv1(), total))

    assert (medication.quantity, medication.price) == (20, 4000)


def test_a_charge_gives_price_and_quantity_to_its_order() -> None:
    charge = msg("DFT^P03", "F1", "20261102093000", pv1(), ft1("40.30", f10="19", f12="4000.5", f23="O1"))

    medication = only(charge, prescribed(), handed("18"))

    assert (medication.quantity, medication.price) == (19, Decimal("4000.5"))
    assert medication.origin[-1] == "DFT^P03 F1/FT1[1]"


@pytest.mark.parametrize(("quantity", "is_told"), [("18", False), ("2", True)])
def test_a_charge_of_another_quantity_than_was_handed_over_is_told(quantity: str, is_told: bool) -> None:
    charge = msg("DFT^P03", "F1", "20261102093000", pv1(), ft1("40.30", f10=quantity, f23="O1"))

    found = read(charge, prescribed(), handed("18"))

    told = [("DFT^P03 F1/FT1[1]-10", "quantity-differs")] if is_told else []
    assert [(one.pointer, one.code) for one in found.oddities] == told


def test_a_charge_alone_is_a_medicine_when_its_kind_or_the_options_say_so() -> None:
    said = msg(
        "DFT^P03", "F1", "20261102093000", pv1(), ft1("P1^Thuốc^L", f10="2"), seg("ZBL", {14: "medicine"})
    )
    known = msg("DFT^P03", "F2", "20261102093000", pv1(), ft1("P2^Thuốc^PHARM", f10="3"))

    found = encounter(said, known, options=Hl7Options(medicines=("PHARM",)))

    assert {m.code: m.quantity for m in found.medications} == {"P1": 2, "P2": 3}
    assert not found.services


@pytest.mark.parametrize(
    ("messages", "place", "code"),
    [
        pytest.param([prescribed(f10="1,5")], "RXE[1]-10", "not-a-number", id="ordered"),
        pytest.param([prescribed(), handed("10,5")], "RXD[1]-4", "not-a-number", id="handed-over"),
        pytest.param([given("0.0001", "20261102")], "RXA[1]-6", "too-many-decimals", id="given"),
    ],
)
def test_an_amount_that_cannot_be_read_gives_way_to_no_other(
    messages: list[bytes], place: str, code: str
) -> None:
    found = read(*messages)

    assert not found.encounters
    assert [(one.pointer.rpartition("/")[2], one.code) for one in found.refused] == [(place, code)]


def test_the_same_hand_over_twice_in_a_message_is_two() -> None:
    lot = seg("RXD", {1: "1", 2: "40.30^Thuốc^BYT", 3: "20261102", 4: "10"})

    assert (
        only(
            prescribed(), msg("RDS^O13", "D1", "20261102090000", pv1(), order("O1", "RE"), lot, lot)
        ).quantity
        == 20
    )


def test_what_contradicts_a_cancellation_is_said() -> None:
    charge = msg("DFT^P03", "F1", "20261102093000", pv1(), ft1("40.30", f23="O1"))

    found = read(prescribed(), changed("CA"), handed("18"), charge)

    assert not found.encounters[0].medications
    assert codes(found) == {"given-though-cancelled", "charge-of-cancelled-order"}


def test_an_unknown_order_control_is_said_and_changes_nothing() -> None:
    found = read(prescribed(), changed("QQ"))

    assert len(found.encounters[0].medications) == 1
    assert codes(found) == {"unknown-order-control"}


def test_components_of_a_mixture_are_said() -> None:
    mixed = msg("RDE^O11", "M1", "20261102081000", pv1(), order("O1"), rxe(), seg("RXC", {1: "A", 2: "40.1"}))

    assert codes(read(mixed)) == {"mixture-component"}
