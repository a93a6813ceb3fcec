"""A claim that the service built itself tells from which items of the EMR its rows were made."""

import json
from datetime import UTC, datetime

from playwright.sync_api import expect

from claims.emr.synthetic import generate_encounters
from claims.localtime import local_date
from tests.browser.conftest import Site, Visit, violations


def test_rows_of_a_built_claim_lead_back_to_the_emr(visit: Visit, site: Site) -> None:
    world = site.world
    today = local_date(datetime.now(UTC))
    (document,) = generate_encounters(seed=99, count=1, facilities=["79001"], on=today)
    received = world.submit_encounter(json.dumps(document).encode(), facility="79001")

    page = visit(f"/claims/{received}/1?tab=XML3", who="dung")
    page.get_by_text("Nguồn trong hồ sơ bệnh án điện tử").click()

    expect(page.locator("dd code").filter(has_text="/services/0").first).to_be_visible()
    assert violations(page) == []
