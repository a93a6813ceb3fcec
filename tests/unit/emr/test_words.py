"""What reading an input refuses or finds odd is said in Vietnamese, too."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import claims.emr
from claims.emr.words import in_words, load_words

#: Which argument of a call is the code of something said.
PLACES: Final = {
    "note": 1, "add": 2, "add_at": 1, "_refuse": 3, "Refusal": 1, "Problem": 1, "UnreadableMessage": 1,
    "PydanticCustomError": 0, "_malformed": 0,
}  # fmt: skip


def said() -> Iterator[str]:
    """Find the codes that the sources say something under."""
    for path in sorted(Path(claims.emr.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                place = PLACES.get(name)
                if place is not None and len(node.args) > max(
                    place, 1 if name == "_malformed" else 2 - place
                ):
                    code = node.args[place]
                    if isinstance(code, ast.Constant) and isinstance(code.value, str) and "-" in code.value:
                        yield code.value


CODES = sorted(set(said()))


def test_codes_are_found_in_the_sources() -> None:
    assert {"not-json", "unknown-charset", "other-currency", "visit-cancelled", "not-a-card"} <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_words_in_vietnamese(code: str) -> None:
    assert load_words()[code]


def test_the_facts_stand_behind_the_words() -> None:
    detail = "2 × CareTeam: resources of this type are not read; makes no row"

    assert in_words("not-counted", detail, "vi") == f"không tạo dòng ({detail})"
    assert in_words("not-counted", detail, "en") == detail
