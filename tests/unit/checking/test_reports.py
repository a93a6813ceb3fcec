"""Reports as a page and as a workbook: what leads somewhere does, and people read their own words."""

import json
import os
import re
from datetime import UTC, datetime
from io import BytesIO

import pytest
from lxml import etree, html
from openpyxl import load_workbook

from claims.bundle.kinds import TableKind
from claims.checking.check import check_bundle
from claims.checking.formats.checked import CheckedFile, describe_check
from claims.checking.formats.junit import to_junit
from claims.checking.formats.page import to_page
from claims.checking.formats.places import words
from claims.checking.formats.sarif import to_sarif
from claims.checking.formats.workbook import to_workbook
from claims.checking.rules.rule import Category
from claims.checking.samples import load_sample
from tests.unit.checking.bundles import a_file, a_table, an_envelope

AT = datetime(2026, 9, 15, tzinfo=UTC)
FAULTY = load_sample(
    "outpatient", ("XML2[2].SO_LUONG = -1", "XML1.GIOI_TINH = 9", "XML3[1].TEN_DICH_VU =")
).write()
#: Its table cannot be read: a finding has a table, and no row is shown.
UNREADABLE = re.sub(
    rb"(<NOIDUNGFILE>)[^<]*", rb"\1&lt;X/&gt;", an_envelope(a_file("XML2", a_table(TableKind.XML2)))
)


def checked(data: bytes, language: str = "vi") -> CheckedFile:
    return describe_check("one.xml", data, check_bundle(data, at=AT), records_in=language)


@pytest.mark.parametrize("data", [FAULTY, UNREADABLE], ids=["faulty", "unreadable"])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_link_of_a_page_leads_to_something_on_it(data: bytes, language: str) -> None:
    page = html.fromstring(to_page([checked(data, language), checked(FAULTY, language)], language))

    targets = {link.removeprefix("#") for link in page.xpath("//a/@href")}
    assert targets
    assert targets - set(page.xpath("//@id")) == set()


def test_a_finding_leads_to_its_field() -> None:
    page = html.fromstring(to_page([checked(FAULTY)], "vi"))

    assert "f1-c1-XML2-2-SO_LUONG" in {link.removeprefix("#") for link in page.xpath("//a/@href")}
    assert page.get_element_by_id("f1-c1-XML2-2-SO_LUONG").get("class") == "found"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_kind_of_fault_has_words_in_a_workbook(language: str) -> None:
    sheet = load_workbook(BytesIO(to_workbook([checked(FAULTY)], language))).worksheets[0]
    (heads, *rows) = sheet.iter_rows(values_only=True)
    place = heads.index(words(language)["category"])

    assert {row[place] for row in rows} <= {words(language)[category] for category in Category}
    assert len({words(language)[category] for category in Category}) == len(Category)


def test_places_in_a_sarif_log_lead_to_rules_and_files() -> None:
    files = [checked(FAULTY), checked(UNREADABLE)]

    (run,) = json.loads(to_sarif(files, "en"))["runs"]

    rules = run["tool"]["driver"]["rules"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in run["results"]]
    assert [run["artifacts"][place["index"]]["location"]["uri"] for place in places] == [
        place["uri"] for place in places
    ]
    assert len(run["results"]) == sum(len(file.findings) for file in files)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        pytest.param("out/hồ sơ.xml", "out/h%E1%BB%93%20s%C6%A1.xml", id="letters"),
        pytest.param(os.fsdecode(b"out/n\xe9t.xml"), "out/n%E9t.xml", id="no-utf-8"),
        pytest.param("a:b?.xml", "a%3Ab%3F.xml", id="marks"),
        pytest.param("/out/a b.xml", "file:///out/a%20b.xml", id="absolute"),
    ],
)
def test_a_file_is_a_valid_address_in_a_sarif_log_whatever_its_name(name: str, address: str) -> None:
    file = describe_check(name, FAULTY, check_bundle(FAULTY, at=AT))

    (run,) = json.loads(to_sarif([file], "en"))["runs"]

    assert [one["location"]["uri"] for one in run["artifacts"]] == [address]


def test_a_junit_report_counts_what_it_holds() -> None:
    suites = etree.fromstring(to_junit([checked(FAULTY), CheckedFile("lost.xml", None, "gone")], "vi"))

    for counted in (suites, *suites):
        assert int(counted.get("tests", "")) == len(list(counted.iter("testcase")))
        assert int(counted.get("failures", "")) == len(list(counted.iter("failure")))
        assert int(counted.get("errors", "")) == len(list(counted.iter("error")))
    assert suites[1].get("name") == "lost.xml"
