"""`claims build` from every kind of input: what it writes, what it says, and what it refuses."""

import gzip
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from claims.cli.output import Exit
from claims.emr.synthetic import generate_encounters
from claims.emr.synthetic.fhir import Style, fhir_json, to_fhir
from claims.emr.synthetic.hl7 import to_hl7
from tests.integration.command import claims

ON = date(2026, 11, 2)


def documents(count: int) -> list[dict[str, object]]:
    return list(generate_encounters(seed=7, count=count, facilities=["99001"], on=ON))


def written(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document, ensure_ascii=False, default=str))
    return path


def test_three_kinds_of_input_make_the_same_rows(tmp_path: Path) -> None:
    document = documents(1)[0]
    (tmp_path / "messages.hl7").write_bytes(b"\r".join(to_hl7(document)))

    result = claims(
        "build",
        written(tmp_path / "document.json", document),
        written(tmp_path / "bundle.json", to_fhir(document)),
        tmp_path / "messages.hl7",
        "--facility",
        "99001",
        "--draft",
        "-o",
        tmp_path / "out",
        "--json",
    )

    assert result.code == Exit.FINE, result.stderr
    tables = [line["claims"][0]["tables"] for line in result.lines]
    assert all({"XML2", "XML3"} & table.keys() for table in tables)
    assert [table.get("XML2") for table in tables] == [tables[0].get("XML2")] * 3
    assert [table.get("XML3") for table in tables] == [tables[0].get("XML3")] * 3
    assert all(Path(line["claims"][0]["file"]).is_file() for line in result.lines)


def _bulk_export(folder: Path, document: Mapping[str, object]) -> None:
    """Write a visit as a server exports it: a file of lines for each type of resource."""
    folder.mkdir()
    for entry in to_fhir(document, style=Style.RELATIVE)["entry"]:
        with (folder / f"{entry['resource']['resourceType']}.ndjson").open("ab") as file:
            file.write(fhir_json(entry["resource"]) + b"\n")


def test_the_files_of_a_bulk_export_are_put_together_by_folder(tmp_path: Path) -> None:
    for number, document in enumerate(documents(2)):
        _bulk_export(tmp_path / f"day-{number}", document)
        written(tmp_path / f"day-{number}.json", to_fhir(document))

    result = claims("build", tmp_path, "--facility", "99001", "--draft", "-o", tmp_path / "out", "--json")

    assert result.code == Exit.FINE, result.stderr
    parts = [line["claims"] for line in result.lines if Path(line["input"]).is_dir()]
    whole = [line["claims"] for line in result.lines if Path(line["input"]).is_file()]
    assert [[one["totals"] for one in claims] for claims in parts] == [
        [one["totals"] for one in claims] for claims in whole
    ]
    # Files come before what is put together of several, and have taken the names.
    names = [[Path(one["file"]).name for one in claims] for claims in parts]
    assert names == [["day-0-2.xml"], ["day-1-2.xml"]]


def test_the_pages_of_a_search_are_put_together(tmp_path: Path) -> None:
    whole = to_fhir(documents(1)[0], style=Style.RELATIVE)
    (tmp_path / "pages").mkdir()
    middle = len(whole["entry"]) // 2
    for number, entries in enumerate((whole["entry"][:middle], whole["entry"][middle:])):
        link = [{"relation": "self", "url": f"http://server.example/fhir?page={number}"}]
        link += [{"relation": "next", "url": "http://server.example/fhir?page=1"}] if not number else []
        page = {"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entries}
        written(tmp_path / "pages" / f"{number}.json", page)
    written(tmp_path / "whole.json", whole)

    result = claims("build", tmp_path, "--facility", "99001", "--draft", "-o", tmp_path / "out", "--json")

    assert result.code == Exit.FINE, result.stderr
    alone, pages = result.lines
    assert pages["input"] == str(tmp_path / "pages" / "0.json")
    assert [one["totals"] for one in pages["claims"]] == [one["totals"] for one in alone["claims"]]


def test_what_is_wrong_in_a_bulk_export_names_its_file(tmp_path: Path) -> None:
    _bulk_export(tmp_path / "export", documents(1)[0])
    with (tmp_path / "export" / "Encounter.ndjson").open("ab") as file:
        file.write(b'{"resourceType": "Encounter", "id": "x", "period": 7}\n{"resource\n')

    result = claims("build", tmp_path, "--facility", "99001", "--draft", "--json")

    (line,) = result.lines
    reasons = [reason for refused in line["refused"] for reason in refused["reasons"]]
    assert [(one["code"], one["pointer"]) for one in reasons] == [
        ("not-a-resource", "Encounter.ndjson: line 2/period"),
        ("not-json", "Encounter.ndjson: line 3"),
    ]
    assert len(line["claims"]) == 1


def test_messages_of_one_visit_are_put_together_over_several_files(tmp_path: Path) -> None:
    messages = to_hl7(documents(1)[0])
    for number, message in enumerate(reversed(messages)):
        (tmp_path / f"{number:03}.hl7").write_bytes(message)

    result = claims("build", tmp_path, "--draft", "-o", tmp_path / "out", "--json")

    assert result.code == Exit.FINE, result.stderr
    assert [len(line["claims"]) for line in result.lines].count(1) == 1
    assert sum(len(line["claims"]) for line in result.lines) == 1


def test_a_result_that_names_only_its_order_finds_the_visit_in_another_file(tmp_path: Path) -> None:
    document = next(one for one in documents(30) if one["results"])
    messages = to_hl7(document)
    for number, message in enumerate(messages):
        lines = message.split(b"\r")
        if b"|ORU^R01" in lines[0]:
            lines = [line for line in lines if not line.startswith(b"PV1")]
        (tmp_path / f"{number:03}.hl7").write_bytes(b"\r".join(lines))

    result = claims("build", tmp_path, "--draft", "--json")

    assert result.code == Exit.FINE, result.stderr
    (claim,) = [claim for line in result.lines for claim in line["claims"]]
    assert claim["tables"]["XML4"] == len(document["results"])  # type: ignore[arg-type]  # a list by its schema


def test_packed_input_and_standard_input_are_read(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps(documents(1)[0]).encode())
    (tmp_path / "visit.json.gz").write_bytes(packed)

    from_file = claims("build", tmp_path / "visit.json.gz", "-o", tmp_path / "out", "--json")
    from_stdin = claims("build", "-", stdin=packed)

    assert from_file.lines[0]["claims"][0]["file"] == str(tmp_path / "out" / "visit.xml")
    assert from_stdin.code == Exit.FINE
    assert b"GIAMDINHHS" in from_stdin.stdout


def test_packed_input_that_ends_early_is_refused_and_said(tmp_path: Path) -> None:
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(b'{"schema": "encounter/1"}' * 100)[:-9])

    result = claims("build", tmp_path / "cut.json.gz", "--json")

    assert result.code == Exit.BLOCKED
    assert "packed data" in result.lines[0]["refused"][0]["reason"]


def test_results_of_inputs_with_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    first, second = documents(2)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    result = claims(
        "build",
        written(tmp_path / "a" / "visit.json", first),
        written(tmp_path / "b" / "visit.json", second),
        "-o",
        tmp_path / "out",
        "--json",
    )

    files = {line["claims"][0]["file"] for line in result.lines}
    assert len(files) == 2


def test_several_claims_do_not_go_into_one_file(tmp_path: Path) -> None:
    first, second = (written(tmp_path / f"{n}.json", one) for n, one in enumerate(documents(2)))

    result = claims("build", first, second, "-o", tmp_path / "out.xml")

    assert result.code == Exit.USAGE
    assert not (tmp_path / "out.xml").exists()


def test_an_open_visit_and_one_without_charges_are_refused_with_that_reason(tmp_path: Path) -> None:
    still_open, empty = documents(2)
    still_open["encounter"]["discharged"] = None  # type: ignore[index]  # an object by its schema
    empty["medications"], empty["services"], empty["results"] = [], [], []

    result = claims(
        "build",
        written(tmp_path / "open.json", still_open),
        written(tmp_path / "empty.json", empty),
        "--draft",
        "--json",
    )

    assert result.code == Exit.BLOCKED
    assert [line["refused"][0]["reasons"][0]["code"] for line in result.lines] == [
        "still-open",
        "nothing-to-claim",
    ]


def test_an_encounter_of_another_facility_is_refused(tmp_path: Path) -> None:
    result = claims("build", written(tmp_path / "e.json", documents(1)[0]), "--facility", "99002", "--json")

    assert result.code == Exit.BLOCKED
    assert result.lines[0]["refused"][0]["reasons"][0]["code"] == "other-facility"
    assert "e.json: bị từ chối: " in result.stderr


def test_two_encounters_of_one_key_are_told(tmp_path: Path) -> None:
    document = documents(1)[0]
    first, second = (written(tmp_path / name, document) for name in ("a.json", "b.json"))

    result = claims("build", first, second, "--draft", "--json")

    assert [[odd["code"] for odd in line["oddities"]] for line in result.lines] == [[], ["same-episode"]]


@pytest.mark.parametrize("option", [("--decision", "9999"), ("--format", "csv"), ("--language", "fr")])
def test_an_option_that_does_not_exist_is_a_usage_error(tmp_path: Path, option: tuple[str, str]) -> None:
    result = claims("build", written(tmp_path / "e.json", documents(1)[0]), *option)

    assert result.code == Exit.USAGE


def test_the_trace_leads_from_the_total_to_the_items(tmp_path: Path) -> None:
    result = claims(
        "build",
        written(tmp_path / "e.json", documents(1)[0]),
        "-o",
        tmp_path / "e.xml",
        "--trace",
        tmp_path / "trace.json",
    )

    assert result.code == Exit.FINE, result.stderr
    (claim,) = json.loads((tmp_path / "trace.json").read_text())["claims"]
    sources = [row["sources"] for row in claim["rows"] if row["table"] in {"XML2", "XML3"}]
    assert sources
    assert all(sources)
