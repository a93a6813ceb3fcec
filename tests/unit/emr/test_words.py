"""What reading an input refuses or finds odd is said in Vietnamese, too."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import claims.emr
from claims.emr.errors import MalformedEncounter
from claims.emr.recognizing import parse_document
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
    assert load_words().codes[code]


def test_the_facts_stand_behind_the_words() -> None:
    detail = "2 × CareTeam: resources of this type are not read; makes no row"

    assert in_words("not-counted", detail, "vi") == f"không tạo dòng ({detail})"
    assert in_words("not-counted", detail, "en") == detail


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("", id="empty"),
        pytest.param("<a/>", id="xml"),
        pytest.param("[]", id="no-object"),
        pytest.param("[" * 100_000, id="nested"),
        pytest.param(b"PK\x03\x04\xff", id="zip"),
        pytest.param("{}".encode("utf-16"), id="utf-16"),
        pytest.param(b"\xff", id="no-utf-8"),
        pytest.param('{"resourceType": "Bundle"}', id="fhir"),
        pytest.param("MSH|^~", id="hl7"),
        pytest.param('{"a": "\\u0000"}', id="control-character"),
        pytest.param('{"schema": "encounter/2", "facility": 99001, "facility": "x", "foo": 1}', id="keys"),
        pytest.param('{"facility": "x y", "encounter": [], "coverage": {}, "medications": 1}', id="types"),
    ],
)
def test_what_an_encounter_document_lacks_is_said_without_english(document: bytes | str) -> None:
    data = document.encode() if isinstance(document, str) else document

    with pytest.raises(MalformedEncounter) as caught:
        parse_document(data)

    said = [in_words(one.code, one.detail, "vi") for one in caught.value.problems]
    assert said
    assert [one for one in said if one.isascii() or "needed" in one or "it is" in one] == []


def test_every_sentence_of_the_scalars_is_whole_in_vietnamese() -> None:
    sources = [
        Path(claims.emr.__path__[0], name).read_text("utf-8") for name in ("scalars.py", "encounter.py")
    ]
    constants = {
        node.value
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    sentences = {one for one in constants if re.search(r"\b(is|are) (needed|there|not|at most|none)", one)}

    said = {one for one in sentences if "." not in one}  # docstrings end with one
    assert len(said) > 15
    assert said <= set(load_words().sentences)
