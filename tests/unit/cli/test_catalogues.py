"""The command line looks catalogues over, begins new ones and lists what encounters lack."""

import csv
import json
from pathlib import Path

import pytest
import typer

from claims.cli.catalogues import (
    check_catalogue,
    list_catalogue_gaps,
    load_options,
    write_catalogue_template,
)
from claims.cli.output import Exit, Language
from tests.unit.catalogues.folders import a_folder
from tests.unit.emr.documents import a_document, a_medicine, a_service
from tests.unit.emr.fhir.bundles import a_patient, a_procedure, an_encounter

DRUGS = "local_code,code,name,unit,price\nD1,40.30,Thuốc,Viên,4000\n"


def an_input(folder: Path) -> Path:
    foreign = {"code": "D1", "code_system": "urn:his", "price": None, "name": None}
    services = [a_service(), a_service(code="X9", code_system="urn:his")]
    document = a_document(medications=[a_medicine(**foreign), a_medicine(**foreign)], services=services)
    path = folder / "encounter.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_a_template_is_a_catalogue_that_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_catalogue_template(tmp_path / "new")

    assert check_catalogue(tmp_path / "new", as_json=True) == Exit.FINE
    report = json.loads(capsys.readouterr().out)
    assert report["problems"] == []
    assert report["rows"]["drugs"] == 1


def test_a_template_writes_over_nothing(tmp_path: Path) -> None:
    a_folder(tmp_path, {"staff.csv": "mine"})

    with pytest.raises(typer.BadParameter, match=r"staff\.csv"):
        write_catalogue_template(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["staff.csv"]


def test_a_row_that_is_left_out_blocks_and_is_told_in_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_folder(tmp_path, {"drugs.csv": DRUGS + ",40.31,,,\n"})

    assert check_catalogue(tmp_path, language="en", as_json=True) == Exit.BLOCKED
    written = capsys.readouterr()
    (problem,) = json.loads(written.out)["problems"]
    assert (problem["file"], problem["row"], problem["column"]) == ("drugs.csv", 3, "name")
    assert set(problem["message"]) == {"vi", "en"}
    assert "drugs.csv:3 name: name is empty but required" in written.err


def test_rows_that_are_left_out_are_told_before_many_doubts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doubtful = "".join(f"D{number},40.{number},Thuốc,Viên,36.500\n" for number in range(200))
    a_folder(tmp_path, {"drugs.csv": DRUGS + doubtful, "services.csv": "code,name\n,x\n"})

    check_catalogue(tmp_path, language="en")

    assert capsys.readouterr().err.startswith("error    services.csv:2 code: code is empty")


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter):
        check_catalogue(tmp_path / "nowhere")


def test_gaps_are_counted_by_what_would_fill_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list_catalogue_gaps([an_input(tmp_path)], as_json=True) == Exit.BLOCKED

    gaps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(gap["count"], gap["file"], gap["code"]) for gap in gaps] == [
        (2, "drugs.csv", "urn:his|D1"),
        (1, "services.csv", "urn:his|X9"),
    ]
    assert "chưa" in gaps[0]["message"]["vi"]
    assert "mapped" in gaps[0]["message"]["en"]


def test_the_gaps_of_a_bulk_export_are_those_of_its_visits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for resource in (a_patient(), an_encounter(), a_procedure()):
        (tmp_path / f"{resource['resourceType']}.ndjson").write_text(json.dumps(resource), "utf-8")

    list_catalogue_gaps([tmp_path], as_json=True)

    gaps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ("services.csv", "http://snomed.info/sct|430193006") in {
        (gap["file"], gap["code"]) for gap in gaps
    }


@pytest.mark.parametrize(("language", "words"), [("vi", "không đọc được"), ("en", "refused")])
def test_what_cannot_be_read_is_said_in_the_language_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: Language, words: str
) -> None:
    path = tmp_path / "encounter.json"
    path.write_text("{}", "utf-8")

    list_catalogue_gaps([path], language=language)

    told = capsys.readouterr().err
    assert words in told
    assert ("thiếu khóa này" in told) == (language == "vi")


@pytest.mark.parametrize("content", ["", "{}", None], ids=["empty", "no-visit", "not-there"])
def test_what_cannot_be_read_never_passes_for_nothing_missing(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "encounter.json"
    if content is not None:
        path.write_text(content, "utf-8")

    assert list_catalogue_gaps([path]) == Exit.BLOCKED


@pytest.mark.parametrize(("language", "words"), [("vi", "không có lỗi"), ("en", "nothing wrong")])
def test_a_catalogue_is_judged_in_the_language_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: Language, words: str
) -> None:
    write_catalogue_template(tmp_path / "new", language)
    check_catalogue(a_folder(tmp_path / "lists", {"drugs.csv": DRUGS}), language=language)

    told = capsys.readouterr().err
    assert words in told
    assert ("đã ghi" in told) == (language == "vi")


@pytest.mark.parametrize(("language", "weight"), [("vi", "lỗi"), ("en", "error")])
def test_how_much_a_problem_weighs_is_said_in_the_language_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: Language, weight: str
) -> None:
    check_catalogue(a_folder(tmp_path, {"drugs.csv": "code,name\n,A\n"}), language=language)

    assert capsys.readouterr().err.startswith(weight)


def test_a_mapping_may_be_saved_by_a_windows_editor(tmp_path: Path) -> None:
    path = tmp_path / "systems.toml"
    path.write_text('[fhir]\nfacility = "79999"\n', "utf-8-sig")

    assert load_options(path).fhir.facility == "79999"


def test_a_catalogue_shortens_the_gap_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lists = a_folder(tmp_path / "lists", {"drugs.csv": DRUGS})

    list_catalogue_gaps([an_input(tmp_path)], catalogue=lists, as_csv=True)

    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "\ufeffsố lần,tệp danh mục,loại thiếu,mã,tên gọi,trường,ví dụ,nội dung"
    assert [line.split(",")[1:4] for line in lines] == [["services.csv", "code-not-mapped", "urn:his|X9"]]


@pytest.mark.parametrize(
    ("language", "total", "sentence"),
    [("vi", "Thiếu 2 mục, tổng cộng 3 lần", "chưa"), ("en", "2 thing(s) missing, 3 time(s)", "mapped")],
)
def test_the_gap_list_is_in_the_language_asked_for_and_no_cell_is_a_formula(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: Language, total: str, sentence: str
) -> None:
    path = an_input(tmp_path)
    path.write_text(path.read_text("utf-8").replace("urn:his", "=cmd"), "utf-8")

    list_catalogue_gaps([path], language=language)
    list_catalogue_gaps([path], language=language, as_csv=True)

    told = capsys.readouterr()
    rows = list(csv.reader(told.out.splitlines()))
    assert total in told.err
    assert all(sentence in row[-1] for row in rows[1:])
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
