"""Names without diacritics, as `claims.exchange.review.searching.fold` makes them, in tables of few rows."""

from typing import Final, LiteralString

#: Of the one column called ``name`` in the query's tables.
FOLDED_NAME: Final[LiteralString] = (
    "lower(translate(regexp_replace(normalize(name, NFD), '[\\u0300-\\u036f]', '', 'g'), 'đĐ', 'dd'))"
)
