"""In which forms FHIR is read, how resources find each other, and what a bad resource costs."""

import json
from typing import Any, Final

import pytest

from claims.emr.fhir.reading import read_fhir, read_fhir_pages
from claims.emr.inputs import ReadEncounters
from tests.unit.emr.fhir.bundles import (
    a_bundle,
    a_dispense,
    a_patient,
    a_procedure,
    a_request,
    an_administration,
    an_encounter,
    an_observation,
    concept,
    read,
    read_one,
    ref,
)

_PATIENT = a_patient(name=[{"text": "NGUYỄN VĂN THỬ"}])
_RESOURCES = (_PATIENT, an_encounter(), a_request())


def _encoded(bundle: object) -> bytes:
    return json.dumps(bundle, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_encoded(a_bundle(*_RESOURCES, bundle_type="collection")), id="collection"),
        pytest.param(_encoded(a_bundle(*_RESOURCES, bundle_type="document")), id="document"),
        pytest.param(_encoded(a_bundle(*_RESOURCES, bundle_type="searchset")), id="searchset"),
        pytest.param(_encoded(a_bundle(*_RESOURCES, bundle_type="transaction")), id="transaction"),
        pytest.param(_encoded(a_bundle(*_RESOURCES, full_urls=False)), id="without-full-urls"),
        pytest.param(_encoded(list(_RESOURCES)), id="list-of-resources"),
        pytest.param(_encoded([a_bundle(*_RESOURCES)]), id="list-of-bundles"),
        pytest.param(b"\n".join(map(_encoded, _RESOURCES)), id="one-resource-a-line"),
        pytest.param(b"\r\n\r\n".join(map(_encoded, _RESOURCES)) + b"\n", id="lines-with-blanks-between"),
        pytest.param(b"\xef\xbb\xbf" + _encoded(a_bundle(*_RESOURCES)), id="byte-order-mark"),
        pytest.param(json.dumps(a_bundle(*_RESOURCES), indent=2).encode(), id="escaped-and-indented"),
        pytest.param(
            _encoded(a_bundle(a_bundle(*_RESOURCES), an_encounter("none"))), id="bundle-in-a-bundle"
        ),
    ],
)
def test_every_form_of_input_is_read(data: bytes) -> None:
    done = read_fhir(data)

    encounter = done.encounters[-1]
    assert done.refused == ()
    assert (encounter.patient.name, len(encounter.medications)) == ("NGUYỄN VĂN THỬ", 1)


@pytest.mark.parametrize("kind", ["OperationOutcome", "Parameters"])
def test_an_answer_that_holds_no_visit_is_said_to_be_what_it_is(kind: str) -> None:
    done = read_fhir(_encoded({"resourceType": kind}))

    assert [one.code for one in done.refused] == ["no-encounter"]
    assert [one.detail for one in done.oddities] == [
        f"1 × {kind}: resources of this type are not read; makes no row"
    ]


_URN = "urn:uuid:0b4f7e3e-6f1c-4a56-9a52-0b5e6c1f7a11"
_SYSTEM = "http://hospital.test/mrn"


@pytest.mark.parametrize(
    ("full_url", "reference"),
    [
        pytest.param(_URN, ref(_URN), id="urn"),
        pytest.param("https://a.test/fhir/Patient/p1", ref("Patient/p1"), id="relative"),
        pytest.param("https://a.test/fhir/Patient/p1", ref("https://a.test/fhir/Patient/p1"), id="absolute"),
        pytest.param(
            "https://a.test/fhir/Patient/p1", ref("https://b.test/r4/Patient/p1"), id="absolute-elsewhere"
        ),
        pytest.param("https://a.test/fhir/Patient/p1", ref("Patient/p1/_history/3"), id="with-a-version"),
        pytest.param(None, ref("Patient/p1"), id="without-full-url"),
        pytest.param(_URN, ref(f"Patient?identifier={_SYSTEM}|77"), id="search"),
        pytest.param(_URN, ref(f"Patient?identifier={_SYSTEM}%7C77"), id="search-escaped"),
        pytest.param(_URN, ref("Patient?identifier=77"), id="search-without-system"),
        pytest.param(_URN, {"identifier": {"system": _SYSTEM, "value": "77"}}, id="by-identifier"),
        pytest.param(_URN, {"type": "Patient", "identifier": {"system": _SYSTEM, "value": "77"}}, id="typed"),
    ],
)
def test_a_reference_is_followed_whatever_its_form(full_url: str | None, reference: dict[str, Any]) -> None:
    patient = a_patient(identifier=[{"system": _SYSTEM, "value": "77"}], gender="male")
    entries = [{"fullUrl": full_url, "resource": patient}, {"resource": an_encounter(subject=reference)}]

    (encounter,) = read_fhir(_encoded({"resourceType": "Bundle", "entry": entries})).encounters

    assert encounter.patient.sex == "male"


def test_a_search_with_another_system_finds_nobody() -> None:
    patient = a_patient(identifier=[{"system": _SYSTEM, "value": "77"}])

    encounter = read_one(patient, an_encounter(subject=ref("Patient?identifier=urn:other|77")))

    assert encounter.patient.id == ""


def test_what_is_contained_is_found() -> None:
    encounter = an_encounter(subject=ref("#me"), contained=[a_patient(gender="male") | {"id": "me"}])

    assert read_one(a_patient(), encounter).patient.sex == "male"


@pytest.mark.parametrize(
    "contained", [[{"resourceType": "Patient", "id": "me", "gender": 1}], [5], [{"id": "me"}]]
)
def test_a_contained_resource_that_cannot_be_read_is_left_out(contained: list[Any]) -> None:
    encounter = read(a_patient(), an_encounter(subject=ref("#me"), contained=contained)).encounters

    assert all(one.patient.id == "" for one in encounter)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("2026-11-02T08:00:00Z", "2026-11-02T09:00:00Z", id="an-hour"),
        pytest.param("2026-11-02T09:00:00+07:00", "2026-11-02T03:00:00Z", id="other-offset"),
        pytest.param("2026-11-02T08:00:00Z", "2026-11-02T08:00:00.250Z", id="fraction"),
        pytest.param("yesterday", "2026-11-02T08:00:00", id="no-time"),
    ],
)
def test_a_resource_that_is_there_twice_counts_once_as_written_last(before: str, after: str) -> None:
    old = a_request(meta={"lastUpdated": before}, authoredOn="2026-11-01")
    new = a_request(meta={"lastUpdated": after}, authoredOn="2026-11-02")

    for versions in ((old, new), (new, old)):
        done = read(*versions)
        assert [one.ordered for one in done.encounters[0].medications] == ["202611020000"]
        assert [one.code for one in done.oddities] == ["several-versions"]


# --- encounters --------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["Procedure/pr1", "https://ehr.test/fhir/Procedure/pr1/_history/2"])
def test_what_a_history_deletes_counts_no_more_and_is_told(url: str) -> None:
    history = a_bundle(a_procedure("pr1"), a_procedure("pr2"), bundle_type="history")
    history["entry"].insert(0, {"request": {"method": "DELETE", "url": url}, "response": {"status": "204"}})

    done = read_fhir(json.dumps(history).encode())

    assert [one.origin for one in done.encounters[0].services] == [("Procedure/pr2",)]
    assert [(one.pointer, one.code) for one in done.oddities] == [("/entry/3/resource", "deleted")]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"method": "PUT", "url": "Procedure/pr1"}, id="another-request"),
        pytest.param({"method": "DELETE"}, id="nothing-named"),
        pytest.param("DELETE Procedure/pr1", id="no-request"),
    ],
)
def test_what_deletes_nothing_leaves_all_as_it_is(request_: object) -> None:
    bundle = a_bundle(a_procedure("pr1"), bundle_type="history")
    bundle["entry"].insert(0, {"request": request_})

    done = read_fhir(json.dumps(bundle).encode())

    assert [one.origin for one in done.encounters[0].services] == [("Procedure/pr1",)]
    assert (done.refused, done.oddities) == ((), ())


def test_what_was_made_again_after_its_deletion_counts() -> None:
    history = a_bundle(a_procedure("pr1"), bundle_type="history")
    history["entry"].append({"request": {"method": "DELETE", "url": "Procedure/pr1"}})

    (encounter,) = read_fhir(json.dumps(history).encode()).encounters

    assert [one.origin for one in encounter.services] == [("Procedure/pr1",)]


def test_a_bundle_that_goes_on_elsewhere_is_refused_as_incomplete_and_what_is_there_is_read() -> None:
    page = {**a_bundle(a_procedure(), bundle_type="searchset"), "link": [{"relation": "next", "url": "x"}]}

    done = read_fhir(json.dumps(page).encode())

    assert [(one.encounter, one.code, one.pointer) for one in done.refused] == [
        ("Bundle", "more-pages", "/link")
    ]
    assert len(done.encounters) == 1


@pytest.mark.parametrize("links", [[{"relation": "self", "url": "x"}], [{}], [], "next", None])
def test_a_last_page_is_whole(links: object) -> None:
    page = {**a_bundle(a_procedure(), bundle_type="searchset"), "link": links}

    assert read_fhir(json.dumps(page).encode()).refused == ()


def _page(number: int, *resources: dict[str, Any], last: int = 3, **links: str) -> dict[str, Any]:
    """Make a page as HAPI does: the links of the pages differ in the order and the looks of their queries."""
    where = "http://server.example/fhir?_getpages=s1&_getpagesoffset={}&_count=9"
    own = (
        {"self": where.format(number) + "&_pretty=true"} if number else {"self": "http://x/Encounter?_id=e1"}
    )
    onward = {"next": where.format(number + 1)} if number < last else {}
    given = own | onward | links
    link = [{"relation": name, "url": url} for name, url in given.items()]
    return {**a_bundle(*resources, bundle_type="searchset"), "link": link}


def _read_pages(*pages: dict[str, Any]) -> ReadEncounters:
    files = {f"{number}.json": json.dumps(page).encode() for number, page in enumerate(pages)}
    return read_fhir_pages(files)


_PAGES: Final = (
    _page(0, a_patient(), an_encounter()),
    _page(1, a_procedure("pr1")),
    _page(2, a_procedure("pr2")),
    _page(3, a_procedure("pr3")),
)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 0, 1)], ids=["in-order", "in-another"])
def test_pages_are_read_as_one(order: tuple[int, ...]) -> None:
    done = _read_pages(*(_PAGES[number] for number in order))

    assert (done.refused, done.oddities) == ((), ())
    assert [one.origin for one in done.encounters[0].services] == [
        ("Procedure/pr1",),
        ("Procedure/pr2",),
        ("Procedure/pr3",),
    ]


def test_pages_in_one_file_are_read_as_one() -> None:
    done = read_fhir(json.dumps(_PAGES).encode())

    assert done.refused == ()
    assert len(done.encounters[0].services) == 3


def test_pages_that_name_the_one_before_them_are_read_as_one() -> None:
    first = _page(0, a_patient(), an_encounter(), next="urn:token:1")
    second = _page(3, a_procedure(), self="urn:other", previous="http://x/Encounter?_id=e1")

    done = _read_pages(second, first)

    assert done.refused == ()
    assert len(done.encounters[0].services) == 1


@pytest.mark.parametrize(
    ("there", "places"),
    [
        pytest.param((0, 1, 3), ["1.json: /link"], id="third"),
        pytest.param((0, 1, 2), ["2.json: /link"], id="last"),
        pytest.param((0, 0, 1, 2, 3), ["1.json: /link"], id="first-twice"),
    ],
)
def test_a_page_that_is_missing_is_named_by_its_neighbor(there: tuple[int, ...], places: list[str]) -> None:
    done = _read_pages(*(_PAGES[number] for number in there))

    assert [one.pointer for one in done.refused if one.code == "more-pages"] == places


def test_a_page_with_others_before_it_is_refused_as_incomplete() -> None:
    page = _page(3, a_patient(), an_encounter(), a_procedure(), previous="http://x/?page=2")

    assert [one.code for one in read_fhir(json.dumps(page).encode()).refused] == ["more-pages"]


def test_pages_in_a_ring_are_read_once() -> None:
    to_first = {"next": _PAGES[0]["link"][1]["url"]}
    done = _read_pages(_page(1, a_patient(), an_encounter()), _page(2, a_procedure(), **to_first))

    assert done.refused == ()
    assert len(done.encounters[0].services) == 1


def _answers(*bundles: dict[str, Any], kind: str = "batch-response") -> bytes:
    entries = [{"resource": one, "response": {"status": "200"}} for one in bundles]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()


def test_the_answers_to_a_batch_are_read_as_one() -> None:
    visit = a_bundle(a_patient(), an_encounter(), bundle_type="searchset")
    done = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": a_procedure()}]}

    found = read_fhir(_answers(visit, done))

    assert found.refused == ()
    assert [one.origin for one in found.encounters[0].services] == [("Procedure/pr1",)]
    assert len(read_fhir(_answers(visit, done, kind="collection")).refused) == 1


def test_an_answer_to_a_batch_that_goes_on_is_named() -> None:
    visit = {
        **a_bundle(a_procedure(), bundle_type="searchset"),
        "link": [{"relation": "next", "url": "https://ehr.test/fhir?page=2"}],
    }

    (refused,) = read_fhir(_answers(a_bundle(a_request()), visit)).refused

    assert (refused.code, refused.pointer) == ("more-pages", "/entry/1/resource/link")


def test_every_encounter_has_what_names_it() -> None:
    second = an_encounter("e2", subject=ref("Patient/p2"))
    done = read(
        a_patient(), a_patient(gender="male") | {"id": "p2"}, an_encounter(), second,
        a_request("m1"), a_request("m2", encounter=ref("Encounter/e2")), a_request("m3", encounter={}),
    )  # fmt: skip

    assert [[line.origin[0] for line in one.medications] for one in done.encounters] == [
        ["MedicationRequest/m1"], ["MedicationRequest/m2"],
    ]  # fmt: skip
    assert [one.patient.sex for one in done.encounters] == ["female", "male"]


@pytest.mark.parametrize("nowhere", [{}, {"display": "ngoại trú"}, ref("EpisodeOfCare/1")])
def test_in_a_bundle_with_one_encounter_what_names_none_belongs_to_it(nowhere: dict[str, str]) -> None:
    assert len(read_one(a_request(encounter=nowhere)).medications) == 1


def test_what_names_an_encounter_that_is_not_there_belongs_to_none() -> None:
    assert read_one(a_request(encounter=ref("Encounter/other"))).medications == ()


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "unknown"])
def test_an_encounter_that_never_was_is_passed_over(status: str) -> None:
    done = read(an_encounter("e1"), an_encounter("e2", status=status))

    assert [one.encounter.origin for one in done.encounters] == [("Encounter/e1",)]


def test_an_encounter_that_is_still_open_has_no_end() -> None:
    (encounter,) = read(
        an_encounter(status="in-progress", period={"start": "2026-11-02T07:30:00Z"})
    ).encounters

    assert (encounter.encounter.admitted, encounter.encounter.discharged) == ("202611021430", None)


@pytest.mark.parametrize("status", ["in-progress", "arrived", "onleave", "on-hold"])
def test_an_end_of_who_is_still_there_is_only_planned_and_said(status: str) -> None:
    done = read(an_encounter(status=status))

    assert done.encounters[0].encounter.discharged is None
    assert [one.code for one in done.oddities] == ["not-over"]


def test_a_planned_encounter_is_passed_over() -> None:
    assert [one.code for one in read(an_encounter(status="planned")).refused] == ["no-encounter"]


def test_resources_that_are_not_read_are_counted_by_type() -> None:
    bundle = a_bundle(a_request(), {"resourceType": "CareTeam", "id": "t1"}, {"resourceType": "CareTeam"})
    bundle["entry"] += [{"resource": {"id": "x"}}, {"resource": "text"}, {"response": {"status": "201"}}]

    done = read_fhir(_encoded(bundle))

    assert [one.detail.partition(":")[0] for one in done.oddities] == [
        "2 × (no resource type)",
        "2 × CareTeam",
    ]


@pytest.mark.parametrize("kind", ["ProcedureRequest", "MedicationOrder"])
def test_an_order_of_an_older_release_is_refused(kind: str) -> None:
    done = read(a_procedure(), {"resourceType": kind, "id": "x1", "status": "active"})

    assert [(one.encounter, one.code, one.pointer) for one in done.refused] == [
        (f"{kind}/x1", "older-release", "/entry/3/resource")
    ]


def test_what_is_no_name_of_a_type_is_not_repeated() -> None:
    (oddity,) = read(a_request(), {"resourceType": "Nguyễn Văn Thử"}).oddities

    assert "Thử" not in oddity.detail


def test_an_input_without_encounters_is_refused() -> None:
    done = read_fhir(_encoded({"resourceType": "Bundle", "entry": [{"resource": a_patient()}]}))

    assert [one.code for one in done.refused] == ["no-encounter"]


@pytest.mark.parametrize(
    "name",
    ["hasMember", "partOf", "basedOn"],
)
def test_a_ring_of_observations_ends(name: str) -> None:
    def an_observation_after(number: int) -> dict[str, Any]:
        link: dict[str, Any] = {name: [ref(f"Observation/o{(number + 1) % 3}")]}
        return an_observation(f"o{number}", valueString="x", **link)

    ring = [an_observation_after(number) for number in range(3)]

    assert len(read_one(*ring).results) == 3


def test_a_ring_of_places_ends() -> None:
    places = [
        {"resourceType": "Location", "id": f"l{number}", "partOf": ref(f"Location/l{(number + 1) % 2}")}
        for number in range(2)
    ]

    assert (
        len(
            read_one(an_encounter(location=[{"location": ref("Location/l0")}]), *places).encounter.departments
        )
        == 1
    )


# --- what is wrong -----------------------------------------------------------------------------


def test_a_bad_resource_is_refused_with_its_place_and_the_rest_goes_on() -> None:
    done = read(a_request("m1"), a_request("m2", dosageInstruction=[{"text": 5}]), a_dispense("d1"))

    assert [(one.encounter, one.code) for one in done.refused] == [("MedicationRequest/m2", "not-a-resource")]
    assert "/entry/3/resource/dosageInstruction/0/text" in done.refused[0].reason
    assert len(done.encounters[0].medications) == 2


def test_a_bad_entry_is_refused_with_its_place_and_the_rest_goes_on() -> None:
    bundle = a_bundle(a_request())
    bundle["entry"].insert(1, 7)
    bundle["entry"].insert(1, {"fullUrl": 7, "resource": a_request("m2")})

    done = read_fhir(_encoded(bundle))

    assert [one.reason.split(":")[0] for one in done.refused] == ["/entry/1/fullUrl", "/entry/2"]
    assert len(done.encounters[0].medications) == 1


def test_nulls_say_the_same_as_nothing() -> None:
    request = a_request(dosageInstruction=None, dispenseRequest={"quantity": None}, authoredOn=None)

    assert len(read_one(request).medications) == 1


@pytest.mark.parametrize("escape", ["\\u0000", "\\u000b", "\\b", "\\u0085", "\\ud800", "\\uffff"])
def test_a_character_that_no_claim_can_carry_refuses_its_resource(escape: str) -> None:
    data = _encoded(a_bundle(a_request("m1"), a_request("m2", authoredOn="HERE"))).replace(
        b"HERE", escape.encode()
    )

    done = read_fhir(data)

    assert [one.encounter for one in done.refused if one.encounter] in (
        ["MedicationRequest/m2"],
        ["MedicationRequest"],
    )
    assert len(done.encounters[0].medications) == 1


@pytest.mark.parametrize("escaped", [True, False])
def test_decomposed_letters_are_composed(escaped: bool) -> None:
    patient = a_patient(name=[{"text": "Nguye\u0302\u0303n"}])

    data = json.dumps(a_bundle(patient), ensure_ascii=escaped).encode()

    assert read_fhir(data).encounters[0].patient.name == "Nguy\u1ec5n"


@pytest.mark.attack
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xef\xbb\xbf", id="only-a-mark"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"{}", id="empty-object"),
        pytest.param(b"[]", id="empty-list"),
        pytest.param('{"resourceType":"Bundle"}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"resourceType":"Bundle","entry":[NaN]}', id="not-a-number"),
        pytest.param(b"[" * 100_000, id="depth-bomb"),
        pytest.param(b'{"resourceType":"Bundle","entry":' * 5000, id="depth-bomb-of-bundles"),
        pytest.param(b'{"resourceType":"Encounter","x":' + b"[" * 50_000, id="depth-bomb-in-a-resource"),
        pytest.param(b'{"resourceType":"Bundle","entry":{}}', id="entries-no-list"),
        pytest.param(b'{"resourceType":5}', id="type-no-text"),
        pytest.param(b"\xff\xfe\x00", id="no-utf-8"),
    ],
)
def test_what_is_no_fhir_is_refused(data: bytes) -> None:
    done = read_fhir(data)

    assert done.encounters == ()
    assert done.refused


@pytest.mark.attack
@pytest.mark.parametrize(
    "number", ["1e999999999", "-1e999999999", "1e-999999999", "9" * 5000, '"NaN"', '"sNaN"', '"Infinity"']
)
def test_a_monstrous_number_is_left_out_or_kept_as_it_is(number: str) -> None:
    request = a_request(dispenseRequest={"quantity": {"value": "HERE"}})
    observation = an_observation(valueQuantity={"value": "HERE"}, component=[])
    data = _encoded(a_bundle(request, observation, an_administration())).replace(b'"HERE"', number.encode())

    (encounter,) = read_fhir(data).encounters

    assert encounter.medications[0].quantity is None
    assert len(encounter.results[0].value or "") <= 5001


@pytest.mark.attack
@pytest.mark.parametrize("depth", [3, 400, 100_000])
@pytest.mark.parametrize("name", ["reference", "concept"])
def test_references_within_references_end(name: str, depth: int) -> None:
    subject = f'{{"{name}":' * depth + '{"reference":"Patient/p1"}' + "}" * depth
    data = _encoded(a_bundle(an_encounter(subject="HERE"))).replace(b'"HERE"', subject.encode())

    done = read_fhir(data)

    assert [one.patient.id for one in done.encounters] in ([], [""])


@pytest.mark.attack
def test_sections_within_sections_end() -> None:
    section: dict[str, Any] = {"text": {"div": "<div>cuối</div>"}}
    for _ in range(200):
        section = {"section": [section], "title": "t"}
    composition = {
        "resourceType": "Composition",
        "id": "k",
        "type": concept("urn:x", "y"),
        "section": [section],
    }

    assert len(read_one(composition).notes) == 1
