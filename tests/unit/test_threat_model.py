"""What the threat model names as proof exists, and each of its rows names some."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "docs" / "security" / "threat-model.md").read_text("utf-8")
ROWS = [line for line in MODEL.splitlines() if re.match(r"\| [STRIDE](?:, [STRIDE])* \|", line)]


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", MODEL)

    assert len(named) > 30
    for path, test in named:
        source = ROOT / path
        assert source.is_file(), path
        assert not test or f"def {test}(" in source.read_text("utf-8"), f"{path}::{test}"


def test_every_threat_has_a_control_and_a_proof() -> None:
    assert len(ROWS) > 25
    for row in ROWS:
        _, _, threat, control, proof, _ = (cell.strip() for cell in row.split("|"))
        assert threat
        assert control
        assert "`tests/" in proof


def test_every_boundary_that_is_drawn_has_its_threats() -> None:
    drawn = set(re.findall(r'"?(B\d)\b', MODEL.partition("```mermaid")[2].partition("```")[0]))
    headed = set(re.findall(r"B\d", " ".join(re.findall(r"^## (B.*)$", MODEL, re.MULTILINE))))

    assert drawn == headed
