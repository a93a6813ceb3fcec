"""Every page of the console, in both languages and colour schemes: nothing against it, small, readable."""

import gzip
from collections.abc import Mapping, Sequence

import pytest
from playwright.sync_api import Page, expect

from claims.console.pages import assets
from claims.exchange.access.people import grant_of
from tests.browser.conftest import COLOURS, Site, Visit, violations, violations_by_day_and_night
from tests.browser.screenshots import places_of

#: Who looks at which pages; {claim} is one with findings, {late} one with an earlier version {early}.
PAGES: Mapping[str, Sequence[str]] = {
    "dung": (
        "/claims",
        "/claims?q=khong+co+ai",
        "/claims?order=amount&least=1000000",
        "/same",
        "/same?code=XML2.HAM_LUONG",
        "/confirmations",
        "/help",
        "{claim}",
        "{claim}?tab=XML1",
        "{claim}?tab=XML2",
        "{claim}?tab=XML3&cut=XML3-1&cut=all",
        "{claim}?tab=xml&table=XML2",
        "{claim}?tab=signature",
        "{claim}?tab=thread",
        "{claim}/person",
        "{late}?tab=versions",
        "{late}/compare?old={early}",
        "/no-such-page",
    ),
    "van": ("/help", "/claims"),
}
#: Bytes on the wire without the font; the style sheet and the script are counted with every page.
MOST_BYTES = 100_000
_COVERED = """bar => getComputedStyle(bar).position === "sticky"
    ? bar.offsetHeight - parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) : 0"""
_CUT_OFF = (
    "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent.slice(0, 60))"
)


@pytest.fixture(scope="session")
def places(site: Site) -> Mapping[str, str]:
    """Addresses of claims that show something."""
    return places_of(site.world)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_page_has_anything_against_it(
    visit: Visit, site: Site, places: Mapping[str, str], language: str
) -> None:
    for who, paths in PAGES.items():
        page = visit("/help", who=who, language=language)
        for path in paths:
            page.goto(f"{site.url}/console{path.format(**places)}")

            assert page.locator("html").get_attribute("lang") == language
            assert violations_by_day_and_night(page) == [], path


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_is_wider_than_its_window(
    visit: Visit, site: Site, places: Mapping[str, str], width: int
) -> None:
    page = visit("/help", who="dung", width=width)

    too_wide = [path for path in PAGES["dung"] if _overflow(page, site, path.format(**places)) > 0]

    assert too_wide == []


def test_pages_read_well_without_script_and_are_small(
    visit: Visit, site: Site, places: Mapping[str, str]
) -> None:
    page = visit("/help", who="dung", script=False)
    fixed = sum(len(gzip.compress(content)) for content in assets().values())
    for path in PAGES["dung"]:
        answer = page.goto(f"{site.url}/console{path.format(**places)}")
        assert answer is not None

        assert page.get_by_role("heading", level=1).inner_text().strip()
        assert len(gzip.compress(answer.body())) + fixed < MOST_BYTES, path


@pytest.mark.parametrize("who", ["dung", "van", "quan", "kiem", "hoa"])
def test_no_row_is_cut_off_on_a_telephone_and_the_bar_shows_where_one_is(
    visit: Visit, site: Site, who: str
) -> None:
    page = visit("/help", who=who, language="en", width=360)
    bar = page.locator(".bar nav")
    for path in [str(link.get_attribute("href")) for link in bar.get_by_role("link").all()]:
        page.goto(f"{site.url}{path}")

        assert page.locator(".wide:has(.folds)").evaluate_all(_CUT_OFF) == [], path
        expect(bar.locator("[aria-current]")).to_be_in_viewport(ratio=0.98)


@pytest.mark.parametrize(
    ("name", "login"), [("dài" * 40, "an"), ("Nguyễn Thị An", "dài" * 40)], ids=["name", "login"]
)
def test_one_endless_word_cuts_off_no_row_of_a_list_on_a_telephone(
    visit: Visit, name: str, login: str
) -> None:
    page = visit("/people", who="quan", width=320)
    row = page.locator(".folds tbody tr").first

    for cell, text in (("th a", name), ("td code", login)):
        row.locator(cell).first.evaluate("(one, text) => one.textContent = text", text)

    assert page.locator(".wide:has(.folds)").evaluate_all(_CUT_OFF) == []
    assert row.locator("th a").evaluate("one => one.offsetWidth") > 90


def test_a_name_that_wraps_on_a_telephone_stands_where_the_others_do(visit: Visit) -> None:
    page = visit("/claims", who="dung", width=320)
    name = page.locator(".folds tbody th + td").first

    name.evaluate("one => one.textContent = 'Nguyễn Hoàng Phương Thảo Nguyên Anh Thư'")

    assert name.evaluate("one => getComputedStyle(one).textAlign") == "right"


@pytest.mark.parametrize("width", [320, 800, 1280])
def test_who_has_every_role_sees_every_place(visit: Visit, site: Site, width: int) -> None:
    world, login = site.world, f"moi.vai.{width}"
    roles = ("administrator", "operator", "auditor", "senior-reviewer")
    grants = [grant_of(role, "") for role in roles]
    world.people[login], _ = world.service.manage_people.add(login, name="Mọi Vai", grants=grants, by="test")

    page = visit("/help", who=login, width=width)

    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    last = page.locator(".bar nav a").last
    last.focus()
    expect(last).to_be_in_viewport(ratio=0.98)
    # What is gone to stays clear of a bar that stays where it is.
    assert page.locator(".bar").evaluate(_COVERED) <= 0


def test_what_a_hospital_wrote_is_read_out_as_vietnamese_and_the_rest_in_the_readers_language(
    visit: Visit, site: Site, places: Mapping[str, str]
) -> None:
    page = visit(f"{places['claim']}?tab=XML2", who="dung", language="en")
    language = "one => one.closest('[lang]').lang"

    cells = page.locator("tbody td:not(:has(*))")
    assert set(cells.evaluate_all(f"all => all.map({language})")) == {"vi"}
    about = page.locator("tbody :is(.meaning, a), thead th")
    assert set(about.evaluate_all(f"all => all.map({language})")) == {"en"}
    page.goto(f"{site.url}/console/claims")
    assert page.locator("tbody [lang=vi]").count() > 1


def test_where_colours_are_forced_lines_tell_what_is_current_and_what_is_found(
    visit: Visit, site: Site, places: Mapping[str, str]
) -> None:
    page = visit(f"{places['claim']}?tab=XML2", who="dung")
    page.emulate_media(forced_colors="active")
    line = "one => getComputedStyle(one).borderBottomColor"

    for bar in (page.locator(".bar nav"), page.locator(".tabs")):
        current = bar.locator("a[aria-current]").evaluate(line)
        assert current != bar.locator("a:not([aria-current])").first.evaluate(line)
    assert (
        page.locator("td.found").first.evaluate("one => getComputedStyle(one).borderBottomStyle") == "dashed"
    )


@pytest.mark.parametrize("theme", ["auto", "dark"])
def test_what_is_printed_is_dark_on_white_and_whole(
    visit: Visit, site: Site, places: Mapping[str, str], theme: str
) -> None:
    page = visit("/help", who="dung", scheme="dark", width=800)
    page.context.add_cookies([{"name": "preferences", "value": f"vi.{theme}.on", "url": site.url}])
    page.emulate_media(media="print")
    for path in ("/claims", "{claim}?tab=XML2", "{claim}?tab=signature"):
        page.goto(f"{site.url}/console{path.format(**places)}")

        assert violations(page, COLOURS) == [], path
        assert page.locator(".wide").evaluate_all(_CUT_OFF) == [], path


def test_twelve_claims_are_seen_at_once(visit: Visit) -> None:
    page = visit("/claims", who="binh", width=1280, height=720)

    # A claim that somebody has open says so on a line of its own.
    room = page.locator("tbody").evaluate("one => innerHeight - one.getBoundingClientRect().top")
    height = page.locator("tbody tr:not(:has(th .badge))").first.evaluate(
        "one => one.getBoundingClientRect().height"
    )

    assert room / height >= 12


def _overflow(page: Page, site: Site, path: str) -> int:
    page.goto(f"{site.url}/console{path}")
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
