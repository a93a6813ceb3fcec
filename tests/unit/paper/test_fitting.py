"""What is said to take one line of the form does, whatever it says."""

import json
import tomllib
import unicodedata
from collections.abc import Sequence
from importlib import resources
from typing import Literal

import pytest
import typst

from claims.paper.fitting import (
    FIELD_MM,
    HEADER_HEIGHTS_PT,
    SUM_WIDTHS_MM,
    WIDTHS_MM,
    breakable,
    takes_one_line,
    width_em,
)
from claims.paper.rendering import LANGUAGES

LETTERS = (
    "".join(chr(code) for code in range(0x20, 0x7F))
    + "àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ"
)
ALL = LETTERS + LETTERS.upper()
#: Names above the columns; the last four stand in the second row, below the name of all four.
HEADER = [
    *("item", "unit", "quantity", "price_hospital", "price_insured", "rate_service", "amount_hospital"),
    *("rate_insured", "amount_insured", "fund", "copayment", "other", "own"),
]
_MEASURING = """
#set text(font: "Libertinus Serif", size: 8.5pt, lang: "vi", hyphenate: false)
#set par(leading: 0.45em)
#let size = float(sys.inputs.size) * 1pt
#let asked = json(bytes(sys.inputs.asked))
#context [#metadata(asked.map(((said, weight, width)) => {
  let size = measure(width: width * 1pt, text(size: size, weight: weight, said))
  (size.width.pt(), size.height.pt())
})) <answer>]
"""


def measured(asked: list[tuple[str, str, float]], size: float = 8.5) -> list[tuple[float, float]]:
    """Return width and height, in points, of texts of a weight that are set in this width."""
    compiler = typst.Compiler(
        _MEASURING.encode(),
        font_paths=typst.Fonts(include_system_fonts=False),
        sys_inputs={"asked": json.dumps(asked), "size": str(size)},
    )
    return [tuple(one) for one in json.loads(compiler.query("<answer>", field="value", one=True))]


@pytest.mark.parametrize("weight", ["regular", "bold"])
def test_no_letter_is_wider_than_is_said(weight: str) -> None:
    sizes = measured([(letter, weight, 1000.0) for letter in ALL])

    wider = [letter for letter, size in zip(ALL, sizes, strict=True) if size[0] / 8.5 > width_em(letter)]
    assert wider == []
    assert all(width_em(letter) < 2 for letter in ALL)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("widths", "weight"),
    [
        pytest.param(WIDTHS_MM, "regular", id="line"),
        pytest.param(SUM_WIDTHS_MM, "bold", id="sum"),
        pytest.param((FIELD_MM,), "bold", id="field"),
    ],
)
def test_what_fits_is_one_line_high(
    form: Literal["NFC", "NFD"], widths: Sequence[float], weight: str
) -> None:
    rest = [""] * (len(widths) - 1)
    texts = [unicodedata.normalize(form, letter * 200) for letter in ALL]
    fitting = [
        next(text[:length] for length in range(200, 0, -1) if takes_one_line([text[:length], *rest], widths))
        for text in texts
    ]

    # The insets of a cell are 2.5 points on either side.
    heights = {
        round(size[1], 3)
        for size in measured([(text, weight, widths[0] * 72 / 25.4 - 5) for text in fitting])
    }
    (line,) = {round(size[1], 3) for size in measured([("X", weight, 1000.0)])}
    assert heights == {line}
    assert line + 2 * 2.2 <= 10.0


@pytest.mark.parametrize("text", ["漢", "a" * 60, "\n", "ơ" * 200, "₫"])
def test_what_is_long_or_strange_is_measured(text: str) -> None:
    assert not takes_one_line([text] + [""] * (len(WIDTHS_MM) - 1))


@pytest.mark.parametrize("weight", ["regular", "bold"])
@pytest.mark.parametrize(
    "text",
    [
        "9.876.543.210.987,123",
        "-98.765.432.109.871",
        "W" * 90,
        "a" + "\u0302\u0323" * 3 + "n" * 90,
        "漢" * 40,
    ],
)
def test_what_is_wide_does_not_run_over_other_columns(text: str, weight: str) -> None:
    points = [width * 72 / 25.4 - 5 for width in WIDTHS_MM]
    broken = [breakable(text, width) for width in WIDTHS_MM]

    sizes = measured([(one, weight, width) for one, width in zip(broken, points, strict=True)])
    assert all(size[0] <= width + 0.01 for size, width in zip(sizes, points, strict=True))
    assert {one.replace("\u200b", "") for one in broken} == {text}


def test_what_is_longer_than_a_word_is_broken_behind_some_letters_at_a_time() -> None:
    text = "W" * 5_000
    widths = [*WIDTHS_MM, FIELD_MM]
    broken = [breakable(text, width) for width in widths]

    pieces = [max(map(len, one.split("\u200b"))) for one in broken]
    assert all(number * 1.1 * 8.5 * 25.4 / 72 <= width for number, width in zip(pieces, widths, strict=True))
    assert broken[-1].count("\u200b") == 5_000 / 8 - 1
    assert breakable("e\u0323\u0302" * 200, 30).replace("\u200b", "") == "e\u0323\u0302" * 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_columns_have_room_above_them(language: str) -> None:
    words = tomllib.loads((resources.files("claims.paper") / "words.toml").read_text("utf-8"))[language]
    upper, lower = HEADER_HEIGHTS_PT[language]
    room = [upper + lower] * (len(HEADER) - 4) + [lower] * 4

    points = [width * 72 / 25.4 - 5 for width in WIDTHS_MM]
    asked = [(words[name], "bold", width) for name, width in zip(HEADER, points, strict=True)]
    sizes = measured([*asked, (words["sources"], "bold", sum(points[-4:]))], size=7.5)

    insets = 2 * 2.2
    assert all(size[1] + insets <= each for size, each in zip(sizes, [*room, upper], strict=True))
    assert all(size[0] <= width + 0.01 for size, width in zip(sizes, points, strict=False))


def test_what_fits_is_left_as_it_is() -> None:
    text = "Kim luồn tĩnh mạch 22G 500µg 1.234.567"

    assert breakable(text, 30) == text


def test_each_column_has_its_width() -> None:
    cells = [""] * len(WIDTHS_MM)
    assert takes_one_line([*cells[:1], "Viên", *cells[2:]])
    assert not takes_one_line([*cells[:1], "Viên nén", *cells[2:]])
    # A4 on its side, less the margins of 11 mm.
    assert sum(WIDTHS_MM) <= 297 - 22
