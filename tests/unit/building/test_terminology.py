"""Source codes become national ones by the facility's catalogue; what nobody can say is a gap."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from claims.building.build import CannotBuild, build_bundle
from claims.building.refusals import refusals
from claims.building.terminology import Resolved, missing_values, resolve
from claims.bundle.findings import Location
from claims.bundle.kinds import TableKind
from claims.bundle.messages import describe
from claims.catalogues.catalogue import Catalogue
from claims.emr.encounter import Coding, Encounter, read_encounter
from tests.unit.catalogues.folders import a_catalogue, loaded
from tests.unit.emr.documents import Document, a_document, a_medicine, a_service

ON = date(2026, 11, 2)
DRUGS = """\
local_code,code,name,unit,strength,route,registration,tender,price,pay_percent,valid_from,valid_to
D1,40.30,Thuốc mới,Viên,500mg,1.01,VD-1,1/QĐ;G1;N1;2026,4000,100,20260101,20261231
D1,40.30,Thuốc cũ,Viên,500mg,1.01,VD-1,1/QĐ;G1;N1;2025,3500,100,20250101,20251231
D2,40.31,Thuốc hai,Viên,5mg,1.01,VD-2,2/QĐ;G1;N1;2026,100,50,20260101,
D3,40.31,Thuốc ba,Viên,5mg,1.01,VD-3,3/QĐ;G1;N1;2026,200,50,20260101,
"""
SERVICES = """\
local_code,code,name,unit,price,hospital_price,insured_price
S1,23.0075.1494,Glucose,Lần,22400,,
S2,02.1897,Khám Nội,Lần,,60000,50600
"""
STAFF = "code,local_code,social_insurance_no\n0001/HNO-CCHN,BS01,7900000001\n"
DEPARTMENTS = "code,local_code\nK01,PK1\n"
LAB_MAP = "source_system,source_code,national_code,valid_from\nhttp://loinc.org,2345-7,23.0075,2026-01-01\n"


def an_encounter(**changes: object) -> Encounter:
    return read_encounter(a_document(**changes))  # type: ignore[arg-type]


def a_foreign_medicine(code: str = "D1", system: str = "urn:his:drug", **changes: object) -> Document:
    given = {"code": code, "code_system": system, "quantity": "20", "ordered": "2026-11-02T08:10"}
    return {**given, "prescriber": "0000000001", **changes}


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    files = {
        "drugs.csv": DRUGS,
        "services.csv": SERVICES,
        "staff.csv": STAFF,
        "departments.csv": DEPARTMENTS,
        "maps/lab_index.csv": LAB_MAP,
    }
    return a_catalogue(tmp_path, files)


def resolved(catalogue: Catalogue | None, **changes: object) -> Resolved:
    return resolve(an_encounter(**changes), catalogue, on=ON)


def gaps(found: Resolved) -> list[tuple[str, str]]:
    return [(reason.pointer, reason.code) for reason in found.gaps]


def remarks(found: Resolved) -> list[tuple[str, str]]:
    return [(reason.pointer, reason.code) for reason in found.remarks]


def test_without_catalogue_and_source_codes_nothing_changes() -> None:
    encounter = an_encounter(medications=[a_medicine()])

    assert resolve(encounter, None, on=ON) == Resolved(encounter)


def test_the_facilitys_own_code_leads_to_the_row_in_force_on_the_day(catalogue: Catalogue) -> None:
    (medication,) = resolved(catalogue, medications=[a_foreign_medicine()]).encounter.medications

    assert (medication.code, medication.code_system, medication.codings) == ("40.30", None, {})
    assert (medication.name, medication.tender) == ("Thuốc mới", "1/QĐ;G1;N1;2026")
    assert (medication.price, medication.pay_percent) == (Decimal(4000), Decimal(100))


def test_an_older_order_takes_the_older_price(catalogue: Catalogue) -> None:
    order = a_foreign_medicine(ordered="2025-12-31T23:59")

    (medication,) = resolved(catalogue, medications=[order]).encounter.medications

    assert medication.price == Decimal(3500)


def test_every_value_from_the_catalogue_is_told_with_its_row(catalogue: Catalogue) -> None:
    lookups = resolved(catalogue, medications=[a_foreign_medicine()]).lookups

    told = {(found.pointer, found.source, found.file, found.row, found.value) for found in lookups}
    assert ("/medications/0/code", "urn:his:drug|D1", "drugs.csv", 2, "40.30") in told
    assert ("/medications/0/price", "40.30", "drugs.csv", 2, "4000") in told


@pytest.mark.parametrize("with_catalogue", [True, False], ids=["not-listed", "no-catalogue"])
def test_a_code_that_nobody_maps_is_a_gap_that_names_the_file(
    catalogue: Catalogue, with_catalogue: bool
) -> None:
    found = resolved(catalogue if with_catalogue else None, medications=[a_foreign_medicine("X9")])

    assert gaps(found) == [("/medications/0/code", "code-not-mapped")]
    assert "urn:his:drug|X9" in found.gaps[0].detail
    assert "drugs.csv, maps/drug.csv" in found.gaps[0].detail
    assert found.encounter.medications[0].code == "X9"


def test_a_code_that_is_listed_for_other_days_is_a_gap_of_its_own(catalogue: Catalogue) -> None:
    found = resolved(catalogue, medications=[a_foreign_medicine(ordered="2024-12-31")])

    assert gaps(found) == [("/medications/0/code", "code-not-in-force")]
    assert "drugs.csv:2, drugs.csv:3" in found.gaps[0].detail


def test_a_public_code_is_never_taken_for_a_local_one(catalogue: Catalogue) -> None:
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"

    assert gaps(resolved(catalogue, medications=[a_foreign_medicine("D1", rxnorm)])) == [
        ("/medications/0/code", "code-not-mapped")
    ]


@pytest.mark.parametrize("system", ["http://loinc.org", "LN", "urn:oid:2.16.840.1.113883.6.1"])
def test_a_concept_map_holds_whatever_the_system_is_called(catalogue: Catalogue, system: str) -> None:
    result = {"service": "23.0075.1494", "code_system": system, "index": "2345-7", "value": "5"}

    (found,) = resolved(catalogue, results=[result]).encounter.results

    assert (found.index, found.code_system) == ("23.0075", None)


def test_a_map_by_service_tells_specimens_apart(tmp_path: Path) -> None:
    text = (
        "source_system,source_code,national_code,service\n"
        "LN,2345-7,23.0075,23.0075.1494\nLN,2345-7,23.0187,23.0187.1593\nLN,1-8,23.0001,\n"
    )
    catalogue = a_catalogue(tmp_path, {"maps/lab_index.csv": text})
    result = {"code_system": "http://loinc.org", "index": "2345-7", "value": "5"}
    services = [a_service(code="23.0187.1593", order_id="OD1")]

    found = resolved(catalogue, services=services, results=[{**result, "order_id": "OD1"}])
    unclear = resolved(catalogue, results=[{**result, "service": "23.9999.1"}])

    assert found.encounter.results[0].index == "23.0187"
    assert gaps(unclear) == [("/results/0/index", "code-not-mapped")]


def test_a_code_that_stands_for_two_national_codes_is_not_chosen(tmp_path: Path) -> None:
    text = "local_code,code,name\nD1,40.1,A\nD1,40.2,B\n"

    found = resolved(loaded(tmp_path, {"drugs.csv": text}).catalogue, medications=[a_foreign_medicine()])

    assert gaps(found) == [("/medications/0/code", "code-ambiguous")]


def test_people_and_departments_are_found_by_local_code_and_number(catalogue: Catalogue) -> None:
    codings = {
        "orderer": [{"system": "urn:his:staff", "code": "BS01"}],
        "performers/1": [{"system": "urn:gov:bhxh", "code": "7900000001"}],
        "department": [{"code": "PK1"}],
    }
    service = a_service(orderer="BS01", performers=["0002", "7900000001"], department="PK1", codings=codings)

    (found,) = resolved(catalogue, services=[service]).encounter.services

    assert (found.orderer, found.department) == ("0001/HNO-CCHN", "K01")
    assert found.performers == ("0002", "0001/HNO-CCHN")
    assert found.codings == {}


def test_the_visits_own_codes_are_looked_up_on_the_day_it_ends(tmp_path: Path) -> None:
    text = "local_code,code,valid_from,valid_to\nPK1,K01,,20261101\nPK1,K02,20261102,\n"
    catalogue = a_catalogue(tmp_path, {"departments.csv": text})
    visit = {"departments": ["PK1"], "codings": {"departments/0": [{"code": "PK1"}]}}

    assert resolved(catalogue, visit=visit).encounter.encounter.departments == ("K02",)


def test_places_of_one_department_are_one_department(tmp_path: Path) -> None:
    catalogue = a_catalogue(tmp_path, {"departments.csv": "local_code,code\nPK1,K01\nPK2,K01\nPK3,K02\n"})
    places = ["PK1", "PK2", "PK3", "PK1"]
    codings = {f"departments/{index}": [{"code": place}] for index, place in enumerate(places)}

    found = resolved(catalogue, visit={"departments": places, "codings": codings})

    assert found.encounter.encounter.departments == ("K01", "K02", "K01")


def test_a_foreign_diagnosis_needs_an_explicit_map(tmp_path: Path) -> None:
    text = "source_system,source_code,national_code\nI10C,E11.65,E11.9\n"
    catalogue = a_catalogue(tmp_path, {"maps/diagnosis.csv": text})
    system = "http://hl7.org/fhir/sid/icd-10-cm"
    codings = {
        "main": [{"system": system, "code": "E11.65"}],
        "other/0": [{"system": system, "code": "I10.0"}],
    }
    diagnoses = {
        "entry_text": "a",
        "exit_text": "b",
        "main": "E11.65",
        "other": ["I10.0"],
        "codings": codings,
    }

    found = resolved(catalogue, diagnoses=diagnoses)

    assert found.encounter.diagnoses.main == "E11.9"
    assert gaps(found) == [("/diagnoses/other/0", "code-not-mapped")]
    assert dict(found.encounter.diagnoses.codings) == {"other/0": (Coding(system=system, code="I10.0"),)}


def test_codes_of_a_system_declared_national_are_taken_as_they_are(tmp_path: Path) -> None:
    manifest = '[national_systems]\ndiagnosis = ["http://hl7.org/fhir/sid/icd-10"]\n'
    catalogue = a_catalogue(tmp_path, {"catalogue.toml": manifest})
    codings = {"main": [{"system": "I10", "code": "I10"}]}
    diagnoses = {"entry_text": "a", "exit_text": "b", "main": "I10", "codings": codings}

    assert gaps(resolved(catalogue, diagnoses=diagnoses)) == []


def test_systems_declared_local_shut_out_all_others(tmp_path: Path) -> None:
    manifest = '[local_systems]\ndrug = ["urn:his:pharmacy"]\n'
    catalogue = a_catalogue(tmp_path, {"catalogue.toml": manifest, "drugs.csv": DRUGS})

    assert gaps(resolved(catalogue, medications=[a_foreign_medicine("D1", "urn:his:pharmacy")])) == []
    assert gaps(resolved(catalogue, medications=[a_foreign_medicine("D1", "urn:his:ward")])) == [
        ("/medications/0/code", "code-not-mapped")
    ]


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"registration": "vd-3"}, id="registration"),
        pytest.param({"tender": "3/QĐ; G1; N1; 2026"}, id="tender"),
        pytest.param({"price": "200"}, id="price"),
        pytest.param({"name": "THUỐC BA"}, id="name"),
    ],
)
def test_what_the_item_says_decides_between_rows(catalogue: Catalogue, given: Document) -> None:
    order = a_foreign_medicine("40.31", "")
    order.pop("code_system")

    found = resolved(catalogue, medications=[{**order, **given}])

    assert gaps(found) == []
    assert found.encounter.medications[0].price == Decimal(200)
    assert found.encounter.medications[0].strength == "5mg"


def test_rows_that_differ_leave_a_gap_for_what_they_differ_in(catalogue: Catalogue) -> None:
    order = a_foreign_medicine("40.31", "")
    order.pop("code_system")

    found = resolved(catalogue, medications=[order])

    assert set(gaps(found)) == {
        (f"/medications/0/{name}", "several-in-list") for name in ("registration", "tender", "name", "price")
    }
    assert found.encounter.medications[0].strength == "5mg"
    assert found.encounter.medications[0].price is None


def test_a_given_price_stays_and_the_difference_is_pointed_out(catalogue: Catalogue) -> None:
    found = resolved(catalogue, services=[a_service(hospital_price="61000")])

    assert remarks(found) == [("/services/0/hospital_price", "price-differs")]
    assert found.encounter.services[0].hospital_price == Decimal(61000)
    assert found.gaps == ()


def test_one_price_of_a_service_is_the_hospitals_and_the_insured_one(catalogue: Catalogue) -> None:
    service = {
        "kind": "test",
        "code": "S1",
        "code_system": "urn:his",
        "ordered": "2026-11-02",
        "orderer": "1",
    }

    (found,) = resolved(catalogue, services=[service]).encounter.services

    assert (found.hospital_price, found.insured_price) == (Decimal(22400), Decimal(22400))
    assert found.name == "Glucose"


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        pytest.param({"medications": [a_foreign_medicine(unit="mg")]}, ["/medications/0/price"], id="dose"),
        pytest.param({"medications": [a_foreign_medicine(unit="viên")]}, [], id="as-listed"),
        pytest.param({"medications": [a_foreign_medicine(unit="TAB")]}, [], id="mapped"),
        pytest.param({"medications": [a_foreign_medicine(unit="mg", price="8")]}, [], id="own-price"),
        pytest.param(
            {"services": [a_service(unit="Phút", hospital_price=None, insured_price=None)]},
            ["/services/0/hospital_price", "/services/0/insured_price"],
            id="service",
        ),
    ],
)
def test_a_quantity_in_another_unit_than_the_lists_takes_no_price_from_it(
    tmp_path: Path, changes: Document, lacking: list[str]
) -> None:
    files = {
        "drugs.csv": DRUGS,
        "services.csv": SERVICES,
        "maps/unit.csv": "source_code,national_code\nTAB,Viên\n",
    }

    found = resolved(a_catalogue(tmp_path, files), **changes)

    assert gaps(found) == [(pointer, "unit-differs") for pointer in lacking]
    if not lacking and "medications" in changes:
        assert found.encounter.medications[0].unit in {"Viên", "viên", "mg"}
        assert found.encounter.medications[0].price is not None


def test_a_given_price_in_another_unit_than_the_lists_stays_and_the_unit_is_pointed_out(
    catalogue: Catalogue,
) -> None:
    found = resolved(catalogue, medications=[a_foreign_medicine(unit="Hộp", price="4000")])

    assert found.gaps == ()
    assert remarks(found) == [("/medications/0/unit", "unit-differs")]


def test_goods_of_another_registration_lend_no_price(catalogue: Catalogue) -> None:
    order = a_medicine(registration="VD-9", tender="9", price=None)

    found = resolved(catalogue, medications=[order])

    assert remarks(found) == [("/medications/0/code", "other-goods-in-list")]
    assert found.encounter.medications[0].price is None


def test_what_is_not_in_the_list_is_pointed_out(catalogue: Catalogue) -> None:
    found = resolved(catalogue, medications=[a_medicine(code="40.99"), a_medicine(code="40.98", scope="2")])

    assert remarks(found) == [("/medications/0/code", "not-in-list")]


def test_what_the_portal_has_not_approved_is_a_gap(tmp_path: Path) -> None:
    text = "code,name,price,approved\n40.30,Thuốc thử,4000,0\n"
    catalogue = a_catalogue(tmp_path, {"drugs.csv": text})

    found = resolved(catalogue, medications=[a_medicine()])

    assert gaps(found) == [("/medications/0/code", "not-approved")]


def test_a_supply_without_a_portal_code_is_a_gap(tmp_path: Path) -> None:
    catalogue = a_catalogue(tmp_path, {"supplies.csv": "local_code,code,name,price\nVT1,,Kim,500\n"})
    supply = a_service(kind="supply", code="VT1", code_system="urn:his")

    assert gaps(resolved(catalogue, services=[supply])) == [("/services/0/code", "no-portal-code")]


def test_a_supply_takes_tender_model_and_ceiling_from_the_list(tmp_path: Path) -> None:
    text = (
        "local_code,code,name,price,ceiling,model,tender\n"
        "VT1,N01,Stent,30000000,20000000,M1,1/QĐ;G1;N1;2026\n"
    )
    catalogue = a_catalogue(tmp_path, {"supplies.csv": text})
    supply = {"kind": "supply", "code": "VT1", "code_system": "x", "ordered": "2026-11-02", "orderer": "1"}

    (found,) = resolved(catalogue, services=[supply]).encounter.services

    assert found.supply is not None
    assert (found.code, found.supply.model, found.ceiling) == ("N01", "M1", Decimal(20000000))
    assert (found.hospital_price, found.insured_price) == (Decimal(30000000), None)


def test_a_service_that_was_not_performed_takes_its_name_from_the_plain_code(catalogue: Catalogue) -> None:
    service = a_service(code="02.1897_TB", name=None, hospital_price="0", insured_price="0")

    found = resolved(catalogue, services=[service])

    assert found.encounter.services[0].name == "Khám Nội"
    assert found.remarks == ()


def test_the_card_look_up_fills_what_the_emr_does_not_know(tmp_path: Path) -> None:
    text = (
        "card,percent,registered_at,valid_from,valid_to,five_years_from\n"
        "7900000000,95,79999,20260101,20261231,20200101\n7900000000,80,79999,20250101,20251231,\n"
    )
    catalogue = a_catalogue(tmp_path, {"cards.csv": text})
    card = {"card": "7900000000", "to": None}

    (found,) = resolved(catalogue, card=card).encounter.coverage

    assert (found.percent, found.valid_to, found.five_years_from) == (Decimal(95), "20261231", "20200101")


def test_source_codes_for_what_is_no_field_are_a_hard_fault() -> None:
    found = resolved(None, services=[a_service(codings={"performers/3": [{"code": "x"}]})])

    assert gaps(found) == [("/services/0/performers/3", "no-such-coded-field")]
    assert not found.gaps[0].is_gap


def test_the_catalogue_of_another_facility_is_refused(tmp_path: Path) -> None:
    catalogue = a_catalogue(tmp_path, {"catalogue.toml": 'facility = "01001"', "drugs.csv": DRUGS})

    found = resolved(catalogue, medications=[a_foreign_medicine()])

    assert [(gap.code, gap.is_gap) for gap in found.gaps] == [("catalogue-of-another", False)]


def test_a_detail_about_people_has_no_words_of_theirs() -> None:
    codings = {"orderer": [{"system": "urn:his", "code": "BS9", "display": "NGUYỄN VĂN THỬ"}]}

    found = resolved(None, services=[a_service(orderer="BS9", codings=codings)])

    assert "NGUYỄN" not in repr(found.gaps)


# --- in a build ----------------------------------------------------------------------------


def test_a_gap_refuses_a_build_and_is_a_finding_of_a_draft() -> None:
    order = a_foreign_medicine("X9", unit="Viên", dose="1", name="A")

    with pytest.raises(CannotBuild) as refused:
        build_bundle([an_encounter(medications=[order])], made_on=ON)
    built = build_bundle([an_encounter(medications=[order])], made_on=ON, draft=True)

    assert [reason.code for reason in refused.value.reasons] == ["code-not-mapped", "no-price"]
    findings = {finding.code: finding for finding in built.findings}
    assert set(findings) == {"BUILD.code-not-mapped", "BUILD.no-price"}
    assert findings["BUILD.no-price"].location == Location(claim=1, table="XML2", row=1, field="DON_GIA")
    assert findings["BUILD.code-not-mapped"].location.field == "MA_THUOC"
    assert "X9" in describe(findings["BUILD.code-not-mapped"], "vi")
    (row,) = built.claims[0].tables[TableKind.XML2]
    assert (row.fields["MA_THUOC"], row.fields["DON_GIA"]) == ("X9", "0")


def test_a_required_value_that_nobody_gave_is_a_gap_at_its_place() -> None:
    encounter = an_encounter()
    encounter = replace(encounter, patient=replace(encounter.patient, occupation=""))

    with pytest.raises(CannotBuild) as refused:
        build_bundle([encounter], made_on=ON)

    (reason,) = refused.value.reasons
    assert (reason.pointer, reason.code) == ("/patient/occupation", "value-missing")
    assert reason.location == Location(table="XML1", row=1, field="MA_NGHE_NGHIEP")


def test_what_is_said_already_is_not_said_again_as_missing() -> None:
    encounter = an_encounter(visit={"departments": ["K01", "K02"]})
    built = build_bundle([encounter], made_on=ON, draft=True)
    tables = built.claims[0].tables

    said = tuple(refusals(encounter))

    assert [reason.code for reason in said] == ["no-department"]
    assert not list(missing_values(tables, on=ON, besides=said))
    assert [reason.pointer for reason in missing_values(tables, on=ON)] == ["/services/0/department"]


def test_a_visit_that_nothing_names_has_a_gap_for_its_link_id() -> None:
    encounter = an_encounter(visit={"link_id": None})
    nameless = replace(encounter, encounter=replace(encounter.encounter, record_no=""))

    assert [(reason.code, reason.is_gap) for reason in refusals(nameless)] == [("no-link-id", True)]


def test_every_code_of_an_item_that_is_not_performed_needs_no_price() -> None:
    service = a_service(code="23.0075.1494_TB", hospital_price=None, insured_price=None)
    unpriced = a_service(code="23.0075.0000", insured_price=None)

    assert list(refusals(an_encounter(services=[service, unpriced]))) == []
