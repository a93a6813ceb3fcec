"""What operators look at agrees with the code: every metric exists, every alert leads to a page."""

import json
import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # no types are worth a dependency for one file
from prometheus_client import REGISTRY

from claims.runtime.telemetry import metrics

ROOT = Path(__file__).parents[2]
ALERTS = [
    rule
    for group in yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((ROOT / "deploy" / "dashboard.json").read_text("utf-8"))["panels"]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))


def _names() -> set[str]:
    """Return every name that a query may use."""
    families = [family for family in REGISTRY.collect() if family.name.startswith("claims_")]
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"], "gauge": [""]}
    return {family.name + end for family in families for end in suffixes[family.type]} | set(
        metrics.AT_SCRAPE
    )


def _asked(query: str) -> set[str]:
    return set(re.findall(r"\bclaims_\w+", query))


@pytest.mark.parametrize(
    ("place", "query"),
    [
        *((f"alert {rule['alert']}", rule["expr"]) for rule in ALERTS),
        *((f"panel {panel['title']}", target["expr"]) for panel in PANELS for target in panel["targets"]),
        *(
            (path.name, query)
            for path in RUNBOOKS
            for query in re.findall(r"`([^`]*claims_[^`]*)`", path.read_text("utf-8"))
        ),
    ],
)
def test_every_metric_that_is_asked_for_exists(place: str, query: str) -> None:
    assert _asked(query) <= _names(), place


def test_every_metric_is_shown_on_the_dashboard() -> None:
    shown = {name for panel in PANELS for target in panel["targets"] for name in _asked(target["expr"])}
    families = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in shown}

    assert families >= {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in _names()}


def test_there_are_eight_alerts_at_most_and_each_leads_to_its_own_page() -> None:
    pages = [rule["annotations"]["runbook"] for rule in ALERTS]

    assert 0 < len(ALERTS) <= 8
    assert {ROOT / page for page in pages} == set(RUNBOOKS)
    assert len(set(pages)) == len(pages)


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_says_what_to_look_at_what_to_do_and_when_it_is_over(path: Path) -> None:
    text = path.read_text("utf-8")

    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Look", "Do", "It is over when"]


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_the_links_of_a_runbook_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target
