"""The guide to HL7 says what the code does."""

import re
from pathlib import Path

from claims.emr.hl7.places import DEFAULT_PLACES

GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "hl7.md").read_text(encoding="utf-8")


def test_the_guide_lists_every_place_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+\.\w+)` \| (.*?) \|", GUIDE, re.MULTILINE)

    assert {
        name: tuple(re.findall(r"[A-Z][A-Z0-9]{2}-[0-9.]+", places)) for name, places in rows
    } == DEFAULT_PLACES
