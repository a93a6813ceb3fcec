"""Amounts are spelled as a Vietnamese bill has them."""

from decimal import Decimal

import pytest

from claims.paper.spelling import spell_amount


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "Không đồng"),
        ("5", "Năm đồng"),
        ("10", "Mười đồng"),
        ("15", "Mười lăm đồng"),
        ("21", "Hai mươi mốt đồng"),
        ("105", "Một trăm lẻ năm đồng"),
        ("1005", "Một nghìn không trăm lẻ năm đồng"),
        ("1000001", "Một triệu không trăm lẻ một đồng"),
        ("12450000", "Mười hai triệu bốn trăm năm mươi nghìn đồng"),
        ("55500021", "Năm mươi lăm triệu năm trăm nghìn không trăm hai mươi mốt đồng"),
        ("3000000000", "Ba tỷ đồng"),
        ("5044716.5", "Năm triệu không trăm bốn mươi bốn nghìn bảy trăm mười bảy đồng"),
        ("-7", "Âm bảy đồng"),
    ],
)
def test_an_amount_in_words(amount: str, words: str) -> None:
    assert spell_amount(Decimal(amount)) == words
