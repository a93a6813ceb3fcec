"""`claims inspect` shows any bundle, `claims diff` what changed between two."""

import json
from collections.abc import Sequence
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pybase64
import pytest

from claims.bundle.kinds import TableKind
from claims.cli.output import Exit
from signing.demo_pki import DemoPki
from signing.sign import sign_bundle
from tests.integration.command import claims
from tests.unit.checking.bundles import (
    AT,
    FACILITY,
    a_bundle,
    a_claim,
    a_file,
    a_row,
    a_table,
    an_envelope,
    rows_of,
)

XML1, XML2 = TableKind.XML1, TableKind.XML2
HOSTILE = "<script>alert(1)</script>\u202e&\u009b31m"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    claim = a_claim(T_TONGCHI_BV="12450000", NGAY_RA="202508010730", HO_TEN=HOSTILE)
    path = tmp_path / "bundle.xml"
    path.write_bytes(a_bundle({**claim, XML2: rows_of(XML2, 3, MA_NHOM="4")}))
    return path


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_bundle_is_shown_with_labels_meanings_figures_and_days(bundle: Path) -> None:
    shown = claims("inspect", bundle)

    assert shown.code == Exit.FINE
    for text in ("12.450.000", "01/08/2025 07:30", "Tổng chi phí BV", "XML2", "3 dòng", "Quyết định 3176"):
        assert text in shown.stdout.decode()
    assert "1 Nam" in shown.stdout.decode()
    assert "Chữ ký số: Không có" in shown.stdout.decode()


def test_nothing_a_terminal_would_obey_reaches_it(bundle: Path) -> None:
    shown = claims("inspect", bundle)

    assert "<script>alert(1)</script>" in shown.stdout.decode()
    assert not {"\u202e", "\u009b", "\x1b"} & set(shown.stdout.decode())


def test_labels_come_in_english_too(bundle: Path) -> None:
    shown = claims("inspect", bundle, "--language", "en", "--table", "xml1")

    assert "Total cost at hospital price" in shown.stdout.decode()
    assert "12.450.000" in shown.stdout.decode()
    assert "XML2" not in shown.stdout.decode()


def test_a_signature_is_told_and_not_vouched_for(bundle: Path, tmp_path: Path) -> None:
    key = DemoPki.create(at=AT).leaf(
        FACILITY, valid_from=AT - timedelta(days=1), valid_to=AT + timedelta(days=1)
    )
    signed = tmp_path / "signed.xml"
    signed.write_bytes(
        sign_bundle(bundle.read_bytes(), key.signer).replace(b"<NGAYLAP>2025", b"<NGAYLAP>2024")
    )

    shown = claims("inspect", signed, "--language", "en")

    assert (shown.code, "1 present; NOT verified" in shown.stdout.decode()) == (Exit.FINE, True)


@pytest.mark.parametrize(
    ("data", "texts", "code"),
    [
        pytest.param(a_table(XML2), ["One table: XML2", "MA_THUOC"], Exit.FINE, id="decoded-table"),
        pytest.param(a_table(TableKind.XML0), ["One table: XML0"], Exit.FINE, id="check-in"),
        pytest.param(
            a_table(XML2, a_row(XML2, DON_GIA="1.500,5")),
            ["1.500,5", "XML2.DON_GIA.format", "row 1", "line 4"],
            Exit.FINE,
            id="a-table-that-breaks-its-schema",
        ),
        pytest.param(
            an_envelope(a_file("XML2", "@@@"), a_file("XML3", a_table(TableKind.XML3))),
            ["ENV.BASE64", "XML3"],
            Exit.FINE,
            id="one-table-broken",
        ),
        pytest.param(
            an_envelope(a_file("XML2", a_table(XML2))).replace(b"<HOSO>", b"").replace(b"</HOSO>", b""),
            ["ENV.ROOT", "MA_THUOC"],
            Exit.FINE,
            id="no-HOSO-level",
        ),
        pytest.param(b"<HSDANHMUC/>", ["HSDANHMUC", "ENV.ROOT"], Exit.BLOCKED, id="another-document"),
        pytest.param(
            a_bundle().decode().encode("utf-16"),
            ["Cannot be read", "ENV.ENCODING"],
            Exit.BLOCKED,
            id="UTF-16",
        ),
        pytest.param(b"", ["Cannot be read", "ENV.EMPTY"], Exit.BLOCKED, id="empty"),
    ],
)
def test_any_input_is_shown_as_far_as_it_goes(data: bytes, texts: Sequence[str], code: Exit) -> None:
    shown = claims("inspect", "-", "--language", "en", stdin=data)

    assert shown.code == code, shown.stderr
    assert [text for text in texts if text not in shown.stdout.decode()] == []


def test_one_unreadable_file_does_not_stop_the_others(bundle: Path) -> None:
    shown = claims("inspect", bundle.with_name("missing.xml"), bundle, "--json")

    lines = [json.loads(line) for line in shown.stdout.decode().splitlines()]
    assert shown.code == Exit.BLOCKED
    assert [line["file"] for line in lines] == [str(bundle.with_name("missing.xml")), str(bundle)]


def test_json_holds_values_as_written_and_findings_in_both_languages(bundle: Path) -> None:
    (line,) = claims("inspect", bundle, "--json").stdout.decode().splitlines()

    document = json.loads(line)
    (claim,) = document["claims"]
    assert (document["document"], document["signatures"], claim["decision"]) == ("bundle", 0, "3176")
    assert claim["tables"]["XML1"][0]["T_TONGCHI_BV"] == "12450000"
    assert [row["STT"] for row in claim["tables"]["XML2"]] == ["1", "2", "3"]
    assert all(set(finding["message"]) == {"vi", "en"} for finding in document["findings"])


def test_a_page_stands_alone_escapes_everything_and_can_be_read_aloud(bundle: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"

    shown = claims("inspect", bundle, "--html", page, "--language", "en")

    text = page.read_text("utf-8")
    parsed = Page(text)
    names = {name for name, _ in parsed.tags}
    assert (shown.code, shown.stdout.decode()) == (Exit.FINE, "")
    assert ("html", {"lang": "en"}) in parsed.tags
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert not any({"src", "href", "style"} & attributes.keys() for _, attributes in parsed.tags)
    assert all(attributes.get("scope") in {"col", "row"} for name, attributes in parsed.tags if name == "th")
    assert (
        len([1 for name in names if name == "table"]) == len([1 for name in names if name == "caption"]) == 1
    )
    assert sum(name == "table" for name, _ in parsed.tags) == sum(
        name == "caption" for name, _ in parsed.tags
    )
    assert any("<script>alert(1)</script>" in text for text in parsed.texts)
    assert any("12.450.000" in text for text in parsed.texts)


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Path, Path]:
    """Two versions of a claim: a row inserted, a quantity and a total changed."""
    rows = [
        {**row, "MA_THUOC": f"40.{place}", "TEN_THUOC": f"Thuốc {place}"}
        for place, row in enumerate(rows_of(XML2, 3), start=1)
    ]
    new = [rows[0], a_row(XML2, MA_THUOC="40.9", TEN_THUOC=HOSTILE), {**rows[1], "SO_LUONG": "5"}, rows[2]]
    paths = tmp_path / "old.xml", tmp_path / "new.xml"
    paths[0].write_bytes(a_bundle({**a_claim(T_BHTT="1000000"), XML2: rows}))
    paths[1].write_bytes(
        a_bundle(
            {
                **a_claim(T_BHTT="1250000.5"),
                XML2: [{**row, "STT": str(place)} for place, row in enumerate(new, start=1)],
            }
        )
    )
    return paths


def test_equal_files_differ_in_nothing(versions: tuple[Path, Path]) -> None:
    same = claims("diff", versions[0], versions[0])

    assert same.code == 0
    assert "Hai tệp có nội dung như nhau" in same.stdout.decode()


def test_money_comes_first_and_only_the_rows_that_changed(versions: tuple[Path, Path]) -> None:
    changed = claims("diff", *versions, "--language", "en")

    assert changed.code == 1
    assert "+250.000,5" in changed.stdout.decode()
    assert changed.stdout.decode().index("T_BHTT") < changed.stdout.decode().index("added row 2 40.9")
    assert "changed row 2→3 40.2" in changed.stdout.decode()
    assert "2 row(s) unchanged" in changed.stdout.decode()
    assert "40.1" not in changed.stdout.decode()


def test_a_comparison_as_json(versions: tuple[Path, Path]) -> None:
    document = json.loads(claims("diff", *versions, "--json").stdout.decode())

    (claim,) = document["claims"]
    assert (document["equal"], claim["change"]) == (False, "changed")
    assert claim["totals"]["T_BHTT"] == {
        "change": "changed",
        "old": "1000000",
        "new": "1250000.5",
        "difference": "250000.5",
    }
    rows = claim["tables"]["XML2"]["rows"]
    assert [(row["change"], row["old_row"], row["new_row"]) for row in rows] == [
        ("added", None, 2),
        ("changed", 2, 3),
    ]
    assert rows[1]["fields"]["SO_LUONG"]["difference"] == "3"


def test_a_comparison_as_a_page(versions: tuple[Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"

    assert claims("diff", *versions, "--html", page).code == 1

    parsed = Page(page.read_text("utf-8"))
    assert ("html", {"lang": "vi"}) in parsed.tags
    assert "script" not in {name for name, _ in parsed.tags}
    assert any("+250.000,5" in text for text in parsed.texts)


def test_another_spelling_is_listed_on_request_and_is_no_difference(versions: tuple[Path, Path]) -> None:
    old, new = versions
    tables = pybase64.b64encode(a_table(XML1, a_row(XML1, T_BHTT="1000000")))
    data = old.read_bytes()
    assert tables in data
    new.write_bytes(
        data.replace(
            tables, pybase64.b64encode(a_table(XML1, a_row(XML1, T_BHTT="1000000.00", CAN_NANG="54.50")))
        )
    )

    quiet, full = claims("diff", old, new), claims("diff", old, new, "--spelling")

    assert (quiet.code, full.code) == (0, 0)
    assert "LK-2025-0001" not in quiet.stdout.decode()
    assert ("54.50" in full.stdout.decode(), "1000000.00" in full.stdout.decode()) == (True, True)


@pytest.mark.parametrize("data", [b"", b"<GIAMDINHHS>", b"<HSDANHMUC/>"], ids=["empty", "cut-off", "another"])
def test_what_cannot_be_read_is_exit_code_two_and_said_in_either_language(
    versions: tuple[Path, Path], data: bytes
) -> None:
    said = {
        language: claims("diff", versions[0], "-", "--language", language, stdin=data)
        for language in ("vi", "en")
    }

    assert {one.code for one in said.values()} == {2}
    assert "không có hồ sơ nào đọc được" in said["vi"].stderr
    assert "holds no claim that can be read" in said["en"].stderr
    findings = [one.stderr.splitlines()[1:] for one in said.values()]
    assert findings == [[], []] or findings[0] != findings[1]


def test_a_missing_file_is_exit_code_two(versions: tuple[Path, Path]) -> None:
    assert claims("diff", versions[0], versions[0].with_name("missing.xml")).code == 2
