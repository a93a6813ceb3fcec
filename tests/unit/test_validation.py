"""What is wrong with a value is told in Vietnamese and English, and the value is not."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter, ValidationError

from claims.validation import UnfitValue, told


class Kind(StrEnum):
    IN = "in"
    OUT = "out"


def never(value: str) -> str:
    raise UnfitValue("not this one", "không phải giá trị này")


def of_python(value: str) -> str:
    raise ValueError("cannot be")


@pytest.mark.parametrize(
    ("kind", "vietnamese"),
    [
        (int, "phải là số nguyên"),
        (bool, "phải là true hoặc false"),
        (date, "phải là ngày dạng YYYY-MM-DD"),
        (AwareDatetime, "phải là thời điểm dạng YYYY-MM-DDThh:mm:ss+07:00"),
        (Kind, "phải là một trong: 'in' hoặc 'out'"),
        (Literal["a", "b", "c"], "phải là một trong: 'a', 'b' hoặc 'c'"),
        (Annotated[str, Field(min_length=9)], "phải có ít nhất 9 ký tự"),
        (Annotated[str, Field(pattern="^a{2}$")], "phải đúng mẫu ^a{2}$"),
        (Annotated[list[int], Field(max_length=9)], "phải là một danh sách"),
        (Annotated[str, AfterValidator(never)], "không phải giá trị này"),
        (Annotated[str, AfterValidator(of_python)], "không hợp lệ (cannot be)"),
        (set[int], "không hợp lệ (Input should be a valid set)"),
    ],
)
def test_it_is_told_in_both_languages(kind: Any, vietnamese: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python("x1")
    (error,) = caught.value.errors()

    assert told(error, "vi") == vietnamese
    assert "x1" not in told(error) + told(error, "vi")


def test_a_validator_of_ours_speaks_for_itself() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Annotated[str, AfterValidator(never)]).validate_python("x1")

    assert told(caught.value.errors()[0]) == "not this one"
