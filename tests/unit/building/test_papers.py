"""The papers of a visit become XML6 to XML15: their own content and the visit's, without contradiction."""

import copy
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from claims.building.build import Built, CannotBuild, build_bundle
from claims.building.papers.rules import PaperRules, paper_rules
from claims.building.papers.sheet import Issue, Sheet
from claims.building.papers.tables import paper_rows
from claims.bundle.codes import load_codes
from claims.bundle.findings import Severity
from claims.bundle.format import (
    UnusableFormatFolder,
    forget_format_folders,
    format_files,
    use_format_folder,
)
from claims.bundle.kinds import TableKind
from claims.emr.encounter import parse_encounter, read_encounter
from claims.emr.papers import Documents
from xsd.catalog import default_catalog, find_schema

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
MADE_ON = date(2026, 11, 6)

Document = dict[str, Any]


def example(name: str, **papers: object) -> Document:
    """Load an example, with papers put over its own; None takes one away."""
    document: Document = json.loads((EXAMPLES / f"encounter-{name}.json").read_text("utf-8"))
    document["documents"] = {**document.get("documents", {}), **papers}
    return document


def shifted(document: Document, year: int) -> Document:
    """Move an example into another year."""
    text = json.dumps(document).replace("2026-11", f"{year}-11").replace("2026-01-01", f"{year}-01-01")
    moved: Document = json.loads(
        text.replace("2026-12-31", f"{year}-12-31").replace(".2611.", f".{year % 100}11.")
    )
    return moved


def built(document: Document) -> Built:
    return build_bundle([read_encounter(copy.deepcopy(document))], made_on=MADE_ON)


def row(document: Document, kind: TableKind, number: int = 1) -> Mapping[str, str]:
    return built(document).claims[0].tables[kind][number - 1].fields


def refused(document: Document) -> list[tuple[str, str]]:
    with pytest.raises(CannotBuild) as caught:
        built(document)
    return [(reason.pointer, reason.code) for reason in caught.value.reasons]


def found(document: Document) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in built(document).claims[0].findings]


def changed(document: Document, path: str, value: object) -> Document:
    """Change one value of a document by its path, which must lead somewhere."""
    result = copy.deepcopy(document)
    *steps, last = path.split("/")
    target: Any = result
    for step in steps:
        target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
    target[last] = value
    return result


# --- what the rows hold ------------------------------------------------------------------------


def test_what_a_paper_copies_is_what_xml1_says() -> None:
    document = example("outpatient")
    document["extra"] = {
        "xml1": {"MA_BENH_KT": "E11.9;I25.1", "CHAN_DOAN_RV": "Tăng huyết áp; đái tháo đường"}
    }

    claim = built(document).claims[0]

    summary = claim.tables[TableKind.XML1][0].fields
    appointment = claim.tables[TableKind.XML14][0].fields
    shared = appointment.keys() & summary.keys() - {"STT"}
    assert shared >= {
        "MA_LK",
        "HO_TEN",
        "NGAY_SINH",
        "MA_THE_BHYT",
        "MA_BENH_KT",
        "MA_DOITUONG_KCB",
        "MA_TTDV",
    }
    assert {name: appointment[name] for name in shared} == {name: summary[name] for name in shared}


def test_advice_and_the_paper_that_was_brought_along_are_not_copied() -> None:
    document = example("inpatient", discharge={"archive_no": "1", "doctor": "1", "doctor_name": "A"})
    document["encounter"]["note"] = "Uống thuốc theo đơn"

    assert row(document, TableKind.XML1)["GHI_CHU"]
    assert "GHI_CHU" not in row(document, TableKind.XML7)


def test_a_discharge_paper_has_the_day_and_the_department_of_leaving() -> None:
    document = example("inpatient")
    document["encounter"]["departments"] = ["K02", "K03"]
    for line in (*document["medications"], *document["services"]):
        line["department"] = "K03"

    paper = row(document, TableKind.XML7)

    assert (paper["MA_KHOA_RV"], paper["NGAY_CT"], paper["MA_YTE"]) == ("K03", "20261105", "BN0000002")
    assert (paper["NGAY_VAO"], paper["NGAY_RA"]) == ("202611021410", "202611051000")


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param({"from": "2026-11-06", "to": "2026-11-08"}, id="from-and-to"),
        pytest.param({"from": "2026-11-06", "days": 3}, id="from-and-days"),
        pytest.param({"to": "2026-11-08", "days": "3"}, id="to-and-days"),
        pytest.param({"from": "2026-11-06", "to": "2026-11-08", "days": 3}, id="all-three"),
    ],
)
def test_of_a_leave_two_values_give_the_third_with_both_days_counted(leave: Document) -> None:
    paper = row(changed(example("inpatient"), "documents/discharge/leave", leave), TableKind.XML7)

    names = ("SO_NGAY_NGHI", "NGOAITRU_TUNGAY", "NGOAITRU_DENNGAY")
    assert [paper[name] for name in names] == ["3", "20261106", "20261108"]


@pytest.mark.parametrize(
    ("flags", "note"),
    [
        ({}, ""),
        ({"by_surgery": True}, "Sinh con phải phẫu thuật"),
        ({"before_32_weeks": True}, "Sinh con dưới 32 tuần tuổi"),
        ({"by_surgery": True, "before_32_weeks": True}, "Phẫu thuật, sinh con dưới 32 tuần tuổi"),
    ],
    ids=["neither", "surgery", "early", "both"],
)
def test_two_flags_fix_the_remark_on_a_birth_certificate(flags: Document, note: str) -> None:
    document = example("birth")
    document["documents"]["births"][0].update(flags)

    assert row(document, TableKind.XML9).get("GHI_CHU", "") == note
    assert not note or note in {code["code"] for code in load_codes("ghi_chu_chung_sinh")}


def test_twins_have_a_certificate_each_and_both_weights_are_in_xml1() -> None:
    document = example("birth")
    first = document["documents"]["births"][0]
    document["documents"]["births"] = [
        {**first, "children_born": 2},
        {**first, "children_born": 2, "weight_g": "2450.5"},
    ]

    claim = built(document).claims[0]

    assert [each.fields["CAN_NANG_CON"] for each in claim.tables[TableKind.XML9]] == ["3200", "2450.5"]
    assert claim.tables[TableKind.XML1][0].fields["CAN_NANG_CON"] == "3200;2450.5"


def test_the_mother_of_a_newborn_is_the_patient() -> None:
    certificate = row(example("birth"), TableKind.XML9)

    assert certificate["HO_TEN_NND"] == "PHẠM THỊ MẸ"
    assert certificate["NGAYSINH_NND"] == "19980308"
    assert certificate["MATINH_CU_TRU"] == "79"


def test_of_another_carer_nothing_is_taken_from_the_patient() -> None:
    carer = {
        "name": "PHẠM THỊ BÀ", "birth": "1960-01-01", "ethnicity": "01", "national_id": "1",
        "national_id_issued": "2020-01-01", "national_id_issuer": "B", "address": "C",
        "nationality": "000", "province": "01", "ward": "00001",
    }  # fmt: skip
    document = changed(example("birth"), "documents/births/0/carer", carer)

    certificate = row(document, TableKind.XML9)

    assert certificate["MATINH_CU_TRU"] == "01"
    assert "MA_THE_NND" not in certificate
    del document["documents"]["births"][0]["carer"]["province"]
    assert ("/documents/births/0", "value-missing") in refused(document)


def test_an_incomplete_day_of_birth_of_the_mother_is_no_day() -> None:
    document = example("birth")
    document["patient"]["birth"] = "1998"

    assert refused(document) == [("/documents/births/0", "value-missing")]


def test_an_appointment_without_a_day_is_for_the_first_re_visit() -> None:
    document = example("outpatient")
    del document["documents"]["appointment"]["at"]

    assert row(document, TableKind.XML14)["NGAY_HEN_KL"] == "20261130"


def test_a_visit_learns_the_re_visit_from_the_appointment() -> None:
    document = example("outpatient")
    del document["encounter"]["follow_up"]

    assert row(document, TableKind.XML1)["NGAY_TAI_KHAM"] == "20261130"


def test_a_visit_learns_the_destination_from_the_referral() -> None:
    document = changed(example("referral"), "documents/referral/destination", "79002")
    del document["encounter"]["to_facility"]

    assert row(document, TableKind.XML1)["MA_NOI_DEN"] == "79002"
    assert row(document, TableKind.XML13)["MA_CSKCB_DEN"] == "79002"


def test_one_object_or_a_list_of_hiv_care_make_the_same() -> None:
    document = example("hiv")
    listed = changed(document, "documents/hiv", [document["documents"]["hiv"]])

    assert row(document, TableKind.XML6) == row(listed, TableKind.XML6)


def test_several_courses_of_tuberculosis_are_numbered() -> None:
    document = example("tuberculosis")
    document["documents"]["tuberculosis"] *= 2

    assert [row(document, TableKind.XML15, number)["STT"] for number in (1, 2)] == ["1", "2"]


# --- what the Decisions have -------------------------------------------------------------------


def test_before_decision_3176_a_referral_has_its_old_names_and_what_was_used() -> None:
    old = row(shifted(example("referral"), 2024), TableKind.XML13)

    assert old["MA_NOI_DEN"] == "79001"
    assert old["PP_DIEU_TRI"] == "Chống đông, giảm đau"
    assert old["TEN_THUOC"] == "Enoxaparin"
    assert old["TEN_DICH_VU"].startswith("Khám Cấp cứu; ")
    assert not {"MA_CSKCB_DEN", "TINH_TRANG_CT"} & old.keys()


def test_since_decision_3176_a_referral_has_its_new_names() -> None:
    new = row(example("referral"), TableKind.XML13)

    assert new["MA_CSKCB_DEN"] == "79001"
    assert new["TINH_TRANG_CT"] == "Tỉnh, huyết áp 110/70"
    assert not {"MA_NOI_DEN", "TEN_THUOC", "TEN_DICH_VU", "PP_DIEU_TRI"} & new.keys()


def test_what_was_used_is_left_to_the_hospital_when_it_is_too_long_for_the_field() -> None:
    document = shifted(example("referral"), 2024)
    document["services"] = [
        {**document["services"][0], "name": f"Dịch vụ kỹ thuật số {number}"} for number in range(60)
    ]

    assert refused(document) == [("/documents/referral", "value-missing")]


def test_the_appointment_is_a_time_before_decision_3176_and_a_day_since() -> None:
    document = example("outpatient")

    assert row(shifted(document, 2024), TableKind.XML14)["NGAY_HEN_KL"] == "202411300800"
    assert row(shifted(document, 2025), TableKind.XML14)["NGAY_HEN_KL"] == "20251130"


def test_a_table_that_the_decision_does_not_have_is_left_out_and_said() -> None:
    document = shifted(example("outpatient", sick_leave=None), 2023)

    assert TableKind.XML14 not in built(document).claims[0].tables
    assert found(document) == [("XML14.PAPER_LEFT_OUT", Severity.INFO)]


def test_a_field_that_the_decision_does_not_have_is_left_out_and_said() -> None:
    made = built(shifted(example("hiv"), 2023)).claims[0]

    assert "GIAI_DOAN_LAM_SANG" not in made.tables[TableKind.XML6][0].fields
    (finding,) = made.findings
    assert (finding.code, finding.severity) == ("XML6.FIELDS_LEFT_OUT", Severity.INFO)
    assert "GIAI_DOAN_LAM_SANG" in dict(finding.params)["fields"]


def test_a_summary_of_an_examination_is_left_out_and_said() -> None:
    document = example("outpatient", summary={"course": "A", "results": "B", "issued": "2026-11-02"})

    assert TableKind.XML8 not in built(document).claims[0].tables
    assert found(document) == [("XML8.PAPER_LEFT_OUT", Severity.INFO)]


@pytest.mark.parametrize("name", [field.name for field in fields(Documents)])
def test_every_field_that_a_sheet_fills_exists_under_some_decision(name: str) -> None:
    encounter = read_encounter(
        changed(example("outpatient"), f"documents/{name}", [{}] if name == "births" else {})
    )
    summary = built(example("outpatient")).claims[0].tables[TableKind.XML1][0].fields
    sheets = [
        each for each in sheets_of(Issue(encounter, summary, paper_rules(MADE_ON))) if name in each.source
    ]

    assert sheets
    for sheet in sheets:
        known = {
            field.name
            for schema in default_catalog().schemas
            if schema.table == sheet.kind
            for field in schema.fields
        }
        assert {*sheet.own, *sheet.derived} <= known


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("outpatient", TableKind.XML11), ("outpatient", TableKind.XML14), ("inpatient", TableKind.XML7),
        ("inpatient", TableKind.XML8), ("birth", TableKind.XML9), ("referral", TableKind.XML13),
        ("hiv", TableKind.XML6), ("tuberculosis", TableKind.XML15),
    ],
)  # fmt: skip
def test_every_field_can_be_passed_through(name: str, kind: TableKind) -> None:
    document = example(name)
    reserve = {"DU_PHONG": "X"}
    one_row = find_schema(kind, on=MADE_ON).row_element is None
    document["extra"] = {kind.lower(): reserve if one_row else {"1": reserve}}

    assert row(document, kind)["DU_PHONG"] == "X"


# --- what contradicts, what is missing, what is unusual ------------------------------------------


@pytest.mark.parametrize(
    ("name", "path", "value", "pointer"),
    [
        ("inpatient", "documents/discharge/issued", "2026-11-06", "discharge/issued"),
        ("inpatient", "documents/discharge/leave/from", "2026-11-04", "discharge/leave/from"),
        (
            "inpatient", "documents/discharge/leave", {"from": "2026-11-08", "to": "2026-11-06"},
            "discharge/leave/to",
        ),
        (
            "inpatient", "documents/discharge/leave",
            {"from": "2026-11-06", "to": "2026-11-08", "days": 2}, "discharge/leave/days",
        ),
        (
            "inpatient", "documents/discharge/pregnancy_loss",
            {"cause": "A", "weeks": 43, "at": "2026-11-03T10:00"}, "discharge/pregnancy_loss/weeks",
        ),
        (
            "inpatient", "documents/discharge/pregnancy_loss",
            {"cause": "A", "weeks": 9, "at": "2026-11-01T10:00"}, "discharge/pregnancy_loss/at",
        ),
        (
            "birth", "documents/summary/dead_children",
            {"born": "2026-11-03", "died": "2026-11-02", "count": 1}, "summary/dead_children/died",
        ),
        (
            "birth", "documents/summary/dead_children",
            {"born": "2026-11-02", "died": "2026-11-03", "count": 0}, "summary/dead_children/count",
        ),
        ("birth", "documents/births/0/children_born", 0, "births/0/children_born"),
        ("birth", "encounter/newborn_weights_g", ["3100"], "encounter/newborn_weights_g"),
        (
            "outpatient", "documents/sick_leave/leave", {"from": "2026-11-03", "days": 1},
            "sick_leave/leave/from",
        ),
        ("outpatient", "documents/appointment/at", "2026-11-29", "appointment/at"),
        ("outpatient", "documents/appointment/issued", "2026-11-01", "appointment/issued"),
        ("referral", "encounter/discharge_type", "1", "referral"),
        ("referral", "documents/referral/destination", "79002", "referral/destination"),
    ],
)  # fmt: skip
def test_a_paper_that_contradicts_the_visit_or_itself_is_refused(
    name: str, path: str, value: object, pointer: str
) -> None:
    document = changed(example(name), path, value)

    prefix = "/" if pointer.startswith("encounter") else "/documents/"
    assert refused(document) == [(f"{prefix}{pointer}", "paper-contradicts")]


def test_an_appointment_before_the_end_of_the_visit_is_refused() -> None:
    document = changed(example("outpatient"), "documents/appointment/at", "2026-11-01")
    document["encounter"]["follow_up"] = []

    assert ("/documents/appointment/at", "paper-contradicts") in refused(document)


@pytest.mark.parametrize(
    ("name", "path", "value", "missing"),
    [
        ("inpatient", "discharge/leave", {"from": "2026-11-06"}, {"days", "to"}),
        ("inpatient", "discharge/pregnancy_loss", {}, {"at", "cause", "weeks"}),
        ("birth", "summary/dead_children", {"count": 1}, {"born", "died"}),
    ],
)  # fmt: skip
def test_what_a_value_calls_for_is_a_gap_that_a_draft_shows(
    name: str, path: str, value: object, missing: set[str]
) -> None:
    document = changed(example(name), f"documents/{path}", value)

    pointers = {f"/documents/{path}/{key}" for key in missing}
    assert set(refused(document)) == {(pointer, "paper-incomplete") for pointer in pointers}
    made = build_bundle([read_encounter(document)], made_on=MADE_ON, draft=True)
    shown = {dict(each.params)["source"] for each in made.findings if each.code == "BUILD.paper-incomplete"}
    assert shown == pointers


def test_a_paper_without_what_the_decision_requires_is_refused_at_the_paper() -> None:
    document = example("outpatient", sick_leave=None)
    del document["documents"]["appointment"]["doctor"]

    assert refused(document) == [("/documents/appointment", "value-missing")]


@pytest.mark.parametrize(
    ("name", "path", "value", "code"),
    [
        (
            "outpatient", "documents/sick_leave/leave", {"from": "2026-11-02", "days": 31},
            "XML11.SO_NGAY_NGHI.many_days",
        ),
        (
            "outpatient", "documents/sick_leave/leave", {"from": "2026-11-01", "days": 1},
            "XML11.TU_NGAY.other_day",
        ),
        ("outpatient", "documents/sick_leave/issued", "2026-11-03", "XML11.NGAY_CT.other_day"),
        ("inpatient", "documents/discharge", None, "XML7.PAPER_EXPECTED"),
        ("outpatient", "encounter/newborn_weights_g", ["3000"], "XML9.PAPER_EXPECTED"),
        ("referral", "documents/referral", None, "XML13.PAPER_EXPECTED"),
        ("outpatient", "documents/appointment", None, "XML14.PAPER_EXPECTED"),
        ("outpatient", "encounter/follow_up", ["2026-11-30", "2026-12-30"], "XML14.PAPER_EXPECTED"),
        ("hiv", "documents/hiv/arv_days", 29, "XML6.SO_NGAY_CAP_THUOC_ARV.many_days"),
        ("hiv", "documents/hiv/arv_from", None, "XML6.NGAY_BAT_DAU_XU_TRI.called_for"),
        ("hiv", "documents/hiv/regimen", "KHAC", "XML6.MA_BAC_PHAC_DO.called_for"),
        ("hiv", "documents/hiv/regimen_changed", "2026-11-02", "XML6.LY_DO_CHUYEN_PHAC_DO.called_for"),
    ],
)  # fmt: skip
def test_what_is_unusual_or_usually_there_is_a_warning(
    name: str, path: str, value: object, code: str
) -> None:
    assert found(changed(example(name), path, value)) == [(code, Severity.WARNING)]


def test_a_sick_leave_of_tuberculosis_may_last_half_a_year() -> None:
    document = changed(
        example("outpatient"), "documents/sick_leave/leave", {"from": "2026-11-02", "days": 180}
    )
    document["diagnoses"]["other"] = ["A16.2"]

    assert found(document) == []
    document["documents"]["sick_leave"]["leave"]["days"] = 181
    assert found(document) == [("XML11.SO_NGAY_NGHI.many_days", Severity.WARNING)]


@pytest.mark.parametrize(("weeks", "codes"), [(12, ["XML11.SO_NGAY_NGHI.many_days"]), (13, [])])
def test_from_the_thirteenth_week_a_lost_pregnancy_gives_fifty_days(weeks: int, codes: list[str]) -> None:
    document = changed(
        example("outpatient"), "documents/sick_leave/leave", {"from": "2026-11-02", "days": 50}
    )
    document["documents"]["sick_leave"]["pregnancy_loss"] = {"cause": "A", "weeks": weeks}

    assert [code for code, _ in found(document)] == codes
    assert row(document, TableKind.XML11)["MA_DINH_CHI_THAI"] == "1"


def test_a_pregnancy_rest_must_say_so_in_its_diagnosis() -> None:
    paper = {
        "serial": "A", "number": "1", "employer": "B", "diagnosis": "Dọa sảy thai, nghỉ dưỡng thai",
        "leave": {"from": "2026-11-02", "days": 30}, "doctor": "C", "doctor_name": "D",
        "issued": "2026-11-02",
    }  # fmt: skip

    assert found(example("outpatient", pregnancy_leave=paper)) == []
    silent = example("outpatient", pregnancy_leave={**paper, "diagnosis": "Dọa sảy thai"})
    assert found(silent) == [("XML10.CHAN_DOAN_RV.wording", Severity.WARNING)]


def test_an_appointment_on_the_day_of_the_visit_is_unusual() -> None:
    document = changed(example("outpatient"), "documents/appointment/at", "2026-11-02T15:00")
    document["encounter"]["follow_up"] = []

    assert found(document) == [("XML14.NGAY_HEN_KL.same_day", Severity.WARNING)]


def test_an_absconded_patient_needs_no_discharge_paper() -> None:
    document = changed(example("inpatient", discharge=None), "encounter/discharge_type", "3")

    assert found(document) == []


def test_a_visit_without_papers_makes_none() -> None:
    encounter = parse_encounter(json.dumps(example("outpatient", sick_leave=None, appointment=None)))
    summary = {**built(example("outpatient")).claims[0].tables[TableKind.XML1][0].fields, "NGAY_TAI_KHAM": ""}

    made = paper_rows(encounter, summary, on=MADE_ON)

    assert (made.rows, made.reasons, made.findings) == ({}, (), ())


# --- the dated answers ---------------------------------------------------------------------------


def test_every_answer_has_a_source_and_counts_from_its_day_on() -> None:
    (path,) = format_files("papers.toml")
    document = tomllib.loads(path.read_text("utf-8"))

    assert set(document) == {field.name for field in fields(PaperRules)}
    assert all(step["source"] and step["confidence"] for steps in document.values() for step in steps)
    assert paper_rules(date(2020, 1, 1)) == paper_rules(date(2023, 1, 18) + timedelta(days=3000))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    forget_format_folders()


def test_a_later_decision_changes_an_answer_without_code(folder: Path) -> None:
    (folder / "papers.toml").write_text("[[most_leave_days]]\nfrom = 2030-01-01\nvalue = 45\n", "utf-8")

    use_format_folder(folder)

    assert paper_rules(date(2029, 12, 31)).most_leave_days == 30
    assert paper_rules(date(2030, 1, 1)).most_leave_days == 45


@pytest.mark.parametrize(
    "text",
    ["[[most_leave_day]]\nfrom = 2030-01-01\nvalue = 45\n", "[[most_leave_days]]\nvalue = 45\n",
     '[[most_leave_days]]\nfrom = 2030-01-01\nvalue = "45"\n', "most_leave_days = 45\n"],
    ids=["unknown", "no-day", "text", "no-steps"],
)  # fmt: skip
def test_an_answer_that_makes_no_sense_is_named_with_its_file(folder: Path, text: str) -> None:
    (folder / "papers.toml").write_text(text, "utf-8")
    use_format_folder(folder)

    with pytest.raises(UnusableFormatFolder, match=r"papers\.toml: most_leave_day"):
        paper_rules(MADE_ON)


def sheets_of(issue: Issue) -> list[Sheet]:
    from claims.building.papers.tables import _sheets

    return list(_sheets(issue))
