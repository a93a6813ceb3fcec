"""`claims check --like` checks a file as an earlier report says it was, and says what differs."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from claims.api.models import CheckView
from claims.checking.check import check_bundle
from claims.checking.samples import load_sample
from tests.integration.command import Outcome, claims

POLICY = """
name = "hospital"
[[change]]
rules = ["CARD.FORMAT"]
severity = "warning"
by = "Head of planning"
on = 2026-02-20
why = "Old cards"
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.xml"
    path.write_bytes(load_sample("outpatient", ("XML1.MA_THE_BHYT = X",)).write())
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def report(bundle: Path) -> Path:
    """A report of the bundle, with a setting of its own, of another day."""
    options = ("--at", "2026-09-14", "--unknown-fields", "error", "--json")
    return keep(claims("check", bundle, *options), bundle.with_name("report.json"))


def keep(outcome: Outcome, path: Path) -> Path:
    path.write_bytes(outcome.stdout)
    return path


def changed(report: Path, **values: Any) -> Path:
    """Return a report with other values."""
    document = {**json.loads(report.read_bytes()), **values}
    path = report.with_name("changed.json")
    path.write_text(json.dumps(document))
    return path


def like(bundle: Path, report: Path, *options: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
    return claims("check", bundle, "--like", report, *options, env=env)


def test_the_same_file_by_the_same_rules_says_the_same(bundle: Path, report: Path) -> None:
    keep(claims("check", bundle, "--at", "2026-09-14", "--rules", "crosstable", "--json"), report)

    done = like(bundle, report, "--json")

    assert done.code == 0
    (said,) = done.lines
    assert said["at"] == "2026-09-14T00:00:00+00:00"
    assert (said["document"], said["same_rules"], said["same_findings"]) == ("same", True, True)
    assert (said["stages"], said["rule_set"]["differs"]) == ([], [])
    assert said["findings"]["same"] > 0


def test_the_part_that_differs_is_named_with_what_to_do_and_what_it_changed(
    bundle: Path, report: Path, policy: Path
) -> None:
    done = like(bundle, report, "--policy", policy, "--language", "en")

    assert done.code == 1
    shown = done.stdout.decode()
    assert "NOT the old rule set: default" in shown
    assert "leave --policy out" in shown
    assert "error → warning" in shown
    assert "CARD.FORMAT" in shown


def test_a_part_that_cannot_be_had_here_is_named(bundle: Path, report: Path, policy: Path) -> None:
    claims("check", bundle, "--policy", policy, "--report", "json", "-o", report)

    done = like(bundle, report, "--json")

    (said,) = done.lines
    assert done.code == 1
    assert [one["part"] for one in said["rule_set"]["differs"]] == ["policy"]
    assert "--policy with the file of that time" in said["rule_set"]["differs"][0]["message"]["en"]
    assert [one["severity_then"] for one in said["findings"]["changed"]] == ["warning"]


def test_another_program_is_named_with_its_version(bundle: Path, report: Path) -> None:
    rules = json.loads(report.read_bytes())["rule_set"]
    rules |= {"sha256": "0" * 64, "program": "9.8.7", "parts": {**rules["parts"], "software": "f" * 64}}

    done = like(bundle, changed(report, rule_set=rules), "--language", "en")

    assert (done.code, "this command of eHoSo 9.8.7 has the old set" in done.stdout.decode()) == (0, True)


def test_lists_of_another_name_are_told_from_other_lists(bundle: Path, report: Path) -> None:
    for name in ("lists", "copy"):
        folder = bundle.with_name(name)
        folder.mkdir()
        (folder / "departments.csv").write_text("MA_KHOA,TEN_KHOA\nK01,Khoa khám bệnh\n")
    keep(claims("check", bundle, "--catalogue", bundle.with_name("lists"), "--json"), report)

    same = like(bundle, report, "--catalogue", bundle.with_name("lists"), "--language", "en")
    copy = like(bundle, report, "--catalogue", bundle.with_name("copy"), "--language", "en")

    assert "the old rule set" in same.stdout.decode().replace("NOT the old rule set", "")
    assert "the same content under another name" in copy.stdout.decode()


def test_one_of_many_reports_in_any_form_is_found(bundle: Path, report: Path) -> None:
    other = bundle.with_name("other.xml")
    other.write_bytes(load_sample("inpatient", ()).write())
    bundle.with_name("gone.xml").mkdir()
    every = (other, bundle, bundle.with_name("missing.xml"))
    claims("check", *every, "--report", "json", "-o", report)

    assert like(bundle, report).code == 0
    lines = claims("check", *every, "--json").stdout.decode()
    report.write_bytes(lines.encode("utf-16"))  # as a Windows shell redirects it
    assert like(bundle, report).code == 0


def test_what_the_api_answered_is_a_report(bundle: Path, report: Path) -> None:
    data = bundle.read_bytes()
    view = CheckView.of(check_bundle(data, at=datetime(2026, 9, 14, tzinfo=UTC)), data, "vi")
    report.write_text(view.model_dump_json(by_alias=True), "utf-8")

    done = like(bundle, report, "--json")

    (said,) = done.lines
    assert (done.code, said["document"], said["same_rules"]) == (0, "same", True)


def test_the_report_of_another_file_is_refused(bundle: Path, report: Path) -> None:
    bundle.write_bytes(bundle.read_bytes() + b"\n")

    done = like(bundle, report, "--json")

    assert done.code == 2
    assert "holds no report of" in done.lines[0]["error"]
    said = like(bundle, report, "--lang", "vi").stderr
    assert f"{report} không có báo cáo của {bundle} (SHA-256 " in said
    assert "báo cáo này là của" in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "no JSON", id="empty"),
        pytest.param(b"<GIAMDINHHS/>", "no JSON", id="xml"),
        pytest.param(b"\xff\xfe\x00", "no JSON", id="half a letter"),
        pytest.param(b"[" * 200_000, "nested too deeply", id="nested"),
        pytest.param(b"[]", "number 1", id="list"),
        pytest.param(b'{"files": 5}', "at: Field required", id="files of no list"),
        pytest.param(b"7" * 5000, "no JSON", id="a long number"),
        pytest.param(b'{"at": "2026-09-14"}', "rule_set: Field required", id="half of it"),
    ],
)
def test_what_is_no_report_is_said_so(bundle: Path, content: bytes, says: str) -> None:
    path = bundle.with_name("odd.json")
    path.write_bytes(content)

    done = like(bundle, path, "--lang", "en")

    assert (done.code, "fault in eHoSo" in done.stderr) == (2, False)
    assert says in done.stderr
    assert "không phải báo cáo của claims check" in like(bundle, path).stderr


@pytest.mark.parametrize(
    ("values", "says"),
    [
        pytest.param({"at": "2026-09-14T00:00:00"}, "at has no time zone", id="no zone"),
        pytest.param({"document_sha256": "x"}, "no SHA-256", id="no digest"),
        pytest.param({"findings": [{"code": "\x1b[2J", "severity": "error"}]}, "findings.0", id="no code"),
        pytest.param({"findings": [{"code": "A.B", "severity": "x"}]}, "findings.0.severity", id="no weight"),
        pytest.param({"stages": {"a": 1}}, "stages", id="no stages"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused_with_the_place(
    bundle: Path, report: Path, values: dict[str, Any], says: str
) -> None:
    done = like(bundle, changed(report, **values), "--lang", "en")

    assert (done.code, "fault in eHoSo" in done.stderr) == (2, False)
    assert says in done.stderr


def test_what_makes_no_sense_is_said_in_vietnamese(bundle: Path, report: Path) -> None:
    done = like(bundle, changed(report, at="2026-09-14T00:00:00"))

    assert "báo cáo thứ 1: cả báo cáo: at không ghi múi giờ" in done.stderr


def test_what_a_hostile_report_says_gives_a_terminal_no_orders(bundle: Path, report: Path) -> None:
    gone = {"code": "A.B", "severity": "error", "field": "\x1b[2J", "message": {"en": "\x1b]0;x\x07"}}
    keys = dict.fromkeys(("claim", "table", "row", "stt", "line", "column", "envelope_line"))

    done = like(bundle, changed(report, findings=[{**keys, **gone}]), "--language", "en")

    assert (done.code, b"\x1b" in done.stdout, b"A.B" in done.stdout) == (1, False, True)


@pytest.mark.parametrize(
    "options",
    [("--at", "2026-09-14"), ("--rules", "schema"), ("--unknown-fields", "info"), ("--report", "json")],
)
def test_what_the_report_says_itself_is_not_taken_twice(
    bundle: Path, report: Path, options: tuple[str, ...]
) -> None:
    done = like(bundle, report, *options, *(("-o", "x.json") if "--report" in options else ()))

    assert (done.code, options[0] in done.stderr) == (2, True)
