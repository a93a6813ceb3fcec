"""A plain table holds nothing that is odd; what holds something odd is not taken for plain."""

import pytest

from claims.bundle.notation import find_damage, find_marks, is_plain, may_have_unseen_characters
from signing.canonical import parse

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_TABLE = "<CHITIEU_CHITIET_THUOC>\n<CHI_TIET_THUOC><DON_VI_TINH>Viên, 2 µg; ½</DON_VI_TINH></CHI_TIET_THUOC>"
_PLAIN = f"{_DECLARATION}{_TABLE}\n</CHITIEU_CHITIET_THUOC>"


def test_a_table_of_vietnamese_text_is_plain_and_has_nothing_odd() -> None:
    data = _PLAIN.encode()

    assert is_plain(data)
    assert not [*find_marks(data), *find_damage(parse(data), data)]
    assert not may_have_unseen_characters(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("\ufeff" + _PLAIN, id="byte-order-mark"),
        pytest.param(_PLAIN.removeprefix(_DECLARATION), id="no-declaration"),
        pytest.param(_PLAIN.replace("\n<CHI_TIET", "\n  <CHI_TIET"), id="indented"),
        pytest.param(_PLAIN.replace("\n<CHI_TIET", "\n\t<CHI_TIET"), id="indented-by-tabs"),
        pytest.param(_PLAIN.replace("Viên", "<![CDATA[Viên]]>"), id="cdata"),
        pytest.param(_PLAIN.replace("Viên", "Vi<!-- -->ên"), id="comment"),
        pytest.param(_PLAIN.replace("Viên", "Vi<?x y?>ên"), id="instruction"),
        pytest.param(_PLAIN.replace(_DECLARATION, "<?x y?>"), id="instruction-for-a-declaration"),
        pytest.param(_PLAIN.replace("THUOC>\n", 'THUOC xmlns:xsi="urn:x">\n', 1), id="namespace"),
        pytest.param(_PLAIN.replace("Viên", "Vie\u0302n"), id="decomposed"),
        pytest.param(_PLAIN.replace("Viên", "Vi\x85n"), id="control-character"),
        pytest.param(_PLAIN.replace("Viên", "Vi\x7fn"), id="delete"),
        pytest.param(_PLAIN.replace("Viên", "Vi\ufffdn"), id="lost-letter"),
        pytest.param(_PLAIN.replace("Viên", "Viên &amp;lt; 2"), id="escaped-twice"),
        pytest.param(_PLAIN.replace("Viên", "Viên&#160;"), id="reference"),
        pytest.param(_PLAIN.replace("Viên", "Viên\u00a0"), id="no-break-space"),
        pytest.param(_PLAIN.replace("Viên", "Vi\u00adên"), id="soft-hyphen"),
        pytest.param(_PLAIN.replace("Viên", "Vi\u034fên"), id="grapheme-joiner"),
        pytest.param(_PLAIN.replace("Viên", "Vi\u061cên"), id="arabic-mark"),
        pytest.param(_PLAIN.replace("Viên", "Vi\u200bên"), id="without-width"),
        pytest.param(_PLAIN.replace("Viên", "Viên\u3000"), id="wide-blank"),
        pytest.param(_PLAIN.replace("Viên", "Viên\ufe0f"), id="variation"),
        pytest.param(_PLAIN.replace("Viên", "Viên\n  nén"), id="text-on-a-second-line"),
        pytest.param(_PLAIN.replace("Viên", " Viên"), id="blank-in-front"),
        pytest.param(_PLAIN.replace("½", "½  "), id="blanks-at-the-end"),
        pytest.param(_PLAIN.replace("½", f"½{' ' * 99}"), id="many-blanks-at-the-end"),
    ],
)
def test_what_is_odd_is_not_taken_for_plain(data: str) -> None:
    assert not is_plain(data.encode())
