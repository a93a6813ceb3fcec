"""`claims check` says where each finding sits, and weighs unknown fields as it is told."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from claims.bundle.kinds import TableKind
from claims.checking.samples import load_sample
from tests.integration.command import claims
from tests.unit.checking.bundles import a_file, a_table, an_envelope

UNKNOWN = an_envelope(
    a_file("XML2", a_table(TableKind.XML2).replace(b"<DU_PHONG>", b"<MOI>1</MOI><DU_PHONG>"))
)


def check(*arguments: str | Path) -> tuple[int, str]:
    done = claims("check", "--language", "en", "--rules", "schema", *arguments)
    return done.code, done.stderr


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.xml"
    path.write_bytes(UNKNOWN)
    return path


def test_a_finding_is_said_with_table_row_field_and_line(bundle: Path) -> None:
    code, said = check(bundle)

    assert code == 0
    assert "XML2.FIELD.unknown (XML2 row 1 MOI line 4:" in said


def test_unknown_fields_block_when_they_are_errors(bundle: Path) -> None:
    code, said = check(bundle, "--unknown-fields", "error")

    assert code == 1
    assert "error    XML2.FIELD.unknown" in said


def test_a_file_whose_name_is_no_utf_8_is_named_in_json_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"n\xe9t.xml")
    path.write_bytes(UNKNOWN)

    done = claims("check", tmp_path, "--json", env={"PYTHONIOENCODING": "utf-8:strict"})
    report = claims("check", tmp_path, "--report", "json")

    (line,), document = done.lines, json.loads(report.stdout)
    assert [line["file"], document["files"][0]["file"]] == [str(path), str(path)]


@pytest.mark.parametrize(
    ("language", "blocked", "unread"),
    [
        ("vi", "chưa thể gửi, 1 điểm cần xem\n", "không kiểm tra được"),
        ("en", "blocked, 1 finding\n", "cannot be checked"),
    ],
)
def test_a_verdict_is_said_in_the_language_asked_for(
    tmp_path: Path, language: str, blocked: str, unread: str
) -> None:
    (tmp_path / "broken.xml").write_bytes(b"<a")
    (tmp_path / "lost.xml").symlink_to(tmp_path / "nowhere")

    done = claims("check", tmp_path / "broken.xml", tmp_path / "lost.xml", "--language", language)

    assert blocked in done.stderr
    assert unread in done.stderr


def test_claims_are_compared_with_each_other_and_with_earlier_ones(tmp_path: Path) -> None:
    bundles = {
        "sent/before.xml": ("XML1.MA_BN = other", "XML1.MA_LK = other"),
        "outbox/one.xml": (),
        "outbox/two.xml": ("XML1.MA_LK = two",),
    }
    for name, changes in bundles.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(load_sample("outpatient", changes).write())

    done = claims(
        "check", tmp_path / "outbox", "--history", tmp_path / "sent", "--at", "2026-09-15", "--json"
    )
    alone = claims("check", tmp_path / "outbox/one.xml", "--history", tmp_path / "outbox/one.xml", "--json")

    def about_others(line: Any) -> set[str]:
        return {one["code"] for one in line["findings"] if one["category"] == "duplicate"}

    assert [about_others(line) for line in done.lines] == [{"XML1.SAME_DAY_VISITS", "XML1.CCCD_SHARED"}] * 2
    assert [about_others(line) for line in alone.lines] == [set()]


def test_that_there_is_nothing_to_check_never_passes_for_acceptable(tmp_path: Path) -> None:
    code, said = check(tmp_path)

    assert (code, "there is no file in" in said) == (2, True)
    assert check(tmp_path / "*.xml")[0] == 1


def test_an_empty_folder_of_earlier_bundles_is_compared_with(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()

    assert check(bundle, "--history", tmp_path / "sent")[0] == 0


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("XML1.HO_TEN.required", "HO_TEN (Patient full name): a value is required."),
        ("XML2.PRICE", "DON_GIA: … is above the approved price of …."),
        ("SUM.T_THUOC", "T_THUOC says …; the rows add up to …."),
        ("BUILD.no-price", "nobody gave the price of …"),
    ],
)
def test_a_code_is_explained_in_a_sentence_without_holes_to_fill(code: str, says: str) -> None:
    done = claims("explain", code, "--language", "en")

    assert (done.code, says in done.stdout.decode()) == (0, True), done.stdout
    assert "{" not in done.stdout.decode()
