"""Observations become results, reports and notes."""

import pytest

from claims.emr.encounter import Result
from tests.unit.emr.hl7.messages import codes, encounter, msg, obr, obx, order, pv1, read, seg


def answered(*lines: str, at: str = "20261102084000", **fields: str) -> bytes:
    return msg("ORU^R01", f"R{at}", at, pv1(), order("L1", "RE"), obr("L1", **fields), *lines)


def only(*messages: bytes) -> Result:
    (result,) = encounter(*messages).results
    return result


def test_an_observation_is_a_result_of_its_order() -> None:
    ordered = msg("OML^O21", "M1", "20261102080000", pv1(), order("L1"), obr("L1"))

    result = only(ordered, answered(obx("5.6", f16="BS7^^^^^^^^BYT", f19="202611020845")))

    assert (result.index, result.name, result.value, result.unit) == ("23.0075", "Glucose", "5.6", "mmol/L")
    assert (result.order_id, result.service) == ("L1", None)
    assert (result.at, result.reader) == ("202611020845", "BS7")
    assert result.origin == ("ORU^R01 R20261102084000/OBX[1]", "ORU^R01 R20261102084000/OBR[1]")


def test_a_result_of_no_known_order_names_its_service() -> None:
    result = only(answered(obx("5.6"), f4="GLU^Glucose^L"))

    assert (result.order_id, result.service) == (None, "GLU")
    assert result.codings["service"][0].system == "L"


def test_every_code_of_an_observation_is_kept_for_mapping() -> None:
    result = only(answered(obx("13", f3="718-7^Hemoglobin^LN^HGB^Hb^L")))

    assert [(c.system, c.code) for c in result.codings["index"]] == [("LN", "718-7"), ("L", "HGB")]


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"f2": "ST", "f5": "Âm tính"}, "Âm tính"),
        ({"f2": "CWE", "f5": "NEG^Âm tính^L"}, "Âm tính"),
        ({"f2": "CE", "f5": "NEG"}, "NEG"),
        ({"f2": "SN", "f5": "<^5"}, "<5"),
        ({"f2": "SN", "f5": "^1^:^128"}, "1:128"),
        ({"f2": "ST", "f5": "A~B"}, "A, B"),
        ({"f2": "ST", "f5": "a^b"}, "a^b"),
        ({"f2": "TX", "f5": "Vàng trong"}, "Vàng trong"),
    ],
)
def test_every_type_of_value_becomes_text(fields: dict[str, str], value: str) -> None:
    assert only(answered(obx("", **fields))).value == value


@pytest.mark.parametrize("kind", ["ED", "RP"])
def test_a_value_that_is_no_text_is_left_out_and_said(kind: str) -> None:
    found = read(answered(obx("^application^pdf^Base64^JVBERi0=", f2=kind)))

    assert not found.encounters[0].results
    assert codes(found) == {"value-not-text"}


@pytest.mark.parametrize(("status", "count"), [("F", 1), ("C", 1), ("X", 0), ("D", 0), ("W", 0), ("I", 0)])
def test_the_status_says_whether_a_result_counts(status: str, count: int) -> None:
    assert len(encounter(answered(obx("5.6", f11=status))).results) == count


@pytest.mark.parametrize(
    ("statuses", "values"),
    [
        (["F", "C"], ["2"]),
        (["F", "D"], []),
        (["F", "W", "C"], ["3"]),
        (["P", "F"], ["2"]),
        (["F", "P"], ["1"]),
        (["P", "P"], ["2"]),
        (["D", "F"], ["2"]),
    ],
)
def test_the_last_word_about_a_result_counts(statuses: list[str], values: list[str]) -> None:
    messages = [
        answered(obx(str(n), f11=status), at=f"2026110208{n:02d}00") for n, status in enumerate(statuses, 1)
    ]

    assert [r.value for r in encounter(*reversed(messages)).results] == values


def test_a_preliminary_result_is_taken_when_nothing_better_came_and_said() -> None:
    found = read(answered(obx("5.6", f11="P")))

    assert found.encounters[0].results[0].value == "5.6"
    assert codes(found) == {"preliminary-result"}


def test_sub_ids_keep_results_apart() -> None:
    lines = (obx("1", f4="1"), obx("2", f4="2"))
    correction = answered(obx("9", f4="2", f11="C"), at="20261102090000")

    assert sorted(r.value or "" for r in encounter(answered(*lines), correction).results) == ["1", "9"]


def test_the_same_index_twice_in_one_message_is_two_results() -> None:
    assert len(encounter(answered(obx("1"), obx("2", f14="202611020850"))).results) == 2


def test_lines_of_a_text_are_joined_to_a_description() -> None:
    lines = [obx("", f2="TX", f4=str(n), f5=text) for n, text in enumerate(("Hồng cầu", "Bạch cầu"), 1)]

    result = only(answered(*lines))

    assert (result.value, result.description) == (None, "Hồng cầu\nBạch cầu")


def test_a_comment_after_an_observation_describes_it() -> None:
    assert only(answered(obx("5.6"), seg("NTE", {3: "Mẫu tan huyết"}))).description == "Mẫu tan huyết"


def test_an_imaging_report_is_one_row_with_description_and_conclusion() -> None:
    lines = (
        obx("", f2="TX", f3="18.0119.0028&GDT^X-quang", f5="Bóng tim bình thường", f16="BS9^^^^^^^^BYT"),
        obx("", f2="TX", f3="18.0119.0028&GDT^X-quang", f5="Phổi sáng"),
        obx("", f2="TX", f3="18.0119.0028&IMP^X-quang", f5="Bình thường"),
        obx("55", f3="EF^Phân suất^L", f6="%"),
    )

    result = only(answered(*lines, f4="18.0119.0028^Chụp X-quang ngực^BYT", f24="RAD", f22="202611020850"))

    assert (result.description, result.conclusion) == (
        "Bóng tim bình thường\nPhổi sáng\nPhân suất: 55 %",
        "Bình thường",
    )
    assert (result.name, result.index, result.value) == ("Chụp X-quang ngực", None, None)
    assert (result.at, result.reader) == ("202611020850", "BS9")


def test_vital_signs_and_empty_panels_make_no_row() -> None:
    found = encounter(
        answered(obx("120", f3="8480-6^Systolic^LN"), obx("60", f3="29463-7^Weight^LN", f6="kg"), obx(""))
    )

    assert not found.results
    assert found.encounter.weight_kg == 60


def test_a_progress_note_is_a_note() -> None:
    lines = (
        obx("", f2="TX", f3="11506-3^Note^LN", f5="Tỉnh", f16="BS1^^^^^^^^BYT"),
        obx("", f2="TX", f3="11504-8^Operation^LN", f5="Cắt ruột thừa"),
    )

    (note,) = encounter(answered(*lines, f4="11506-3^Note^LN", f7="202611020800")).notes

    assert (note.text, note.operation, note.at, note.author) == (
        "Tỉnh",
        "Cắt ruột thừa",
        "202611020800",
        "BS1",
    )


def test_a_result_without_a_status_is_taken_as_final_and_said() -> None:
    found = read(answered(obx("5.6", f11="")))

    assert len(found.encounters[0].results) == 1
    assert codes(found) == {"no-result-status"}


@pytest.mark.parametrize("unit", ["mmol/L", "mmol/L^millimol^UCUM", "^mmol/L^L"])
def test_a_unit_is_read_by_its_code_else_in_words(unit: str) -> None:
    result = msg("ORU^R01", "R1", "20261102084000", pv1(), order("L1"), obr("L1"), obx("5.6", f6=unit))

    assert [one.unit for one in encounter(result).results] == ["mmol/L"]
