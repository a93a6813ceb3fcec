"""Diagnoses: which fields of the tables hold ICD-10 codes, and the codes in what they say."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

_FIELDS: Final = "MA_BENH"  # MA_BENH, MA_BENH_CHINH, MA_BENH_KT, MA_BENH_YHCT
_CODE: Final = re.compile(r"[A-Z][0-9]{2}(?:\.?[0-9A-Z]{1,4}\b)?", re.ASCII)


def plain_code(code: str) -> str:
    """Return an ICD-10 code as codes are compared: in capitals and without its dot."""
    return code.strip().upper().replace(".", "")


def diagnoses_of(rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Yield the codes of every diagnosis in some rows, however they are separated; one may come twice."""
    for row in rows:
        for name in diagnosis_fields(tuple(row)):
            yield from codes_in(row[name])


@lru_cache(maxsize=4096)
def codes_in(text: str) -> tuple[str, ...]:
    """Return the codes in the value of such a field."""
    return tuple(map(plain_code, _CODE.findall(text.upper())))


# The rows of a table have the same fields, nearly always those of the Decision.
@lru_cache(maxsize=256)
def diagnosis_fields(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of some fields that hold diagnoses."""
    return tuple(name for name in names if name.startswith(_FIELDS))
