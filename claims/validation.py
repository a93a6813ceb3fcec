"""What is wrong with a value that came in, as its reader (pydantic) found it and people are told.

Never the value: it may be what must not be repeated.
"""

from collections.abc import Mapping
from typing import Any, Final


class UnfitValue(ValueError):
    """What a validator of ours says of a value, in both languages."""

    def __init__(self, english: str, vietnamese: str) -> None:
        super().__init__(english)
        self.vietnamese = vietnamese


def told(error: Mapping[str, Any], language: str = "en") -> str:
    """Say what is wrong with a value, from an error as pydantic lists it."""
    # What a validator of ours says needs no type of Python before it.
    english = str(error["msg"]).removeprefix("Value error, ")
    if language != "vi":
        return english
    facts = error.get("ctx", {})
    if isinstance(facts.get("error"), UnfitValue):
        return str(facts["error"].vietnamese)
    template = _VIETNAMESE.get(error["type"])
    return f"không hợp lệ ({english})" if template is None else template.format_map(facts | _choices(facts))


def _choices(facts: Mapping[str, Any]) -> Mapping[str, str]:
    # Which pydantic has put into English words already.
    return {"expected": str(facts["expected"]).replace(" or ", " hoặc ")} if "expected" in facts else {}


def unfit(place: tuple[str, ...], kind: str, english: str, vietnamese: str) -> dict[str, Any]:
    """Return an error as pydantic lists it, of what it could not find by itself."""
    return {"loc": place, "type": kind, "msg": english, "ctx": {"error": UnfitValue(english, vietnamese)}}


#: By pydantic's own names of what is wrong, with its facts.
_VIETNAMESE: Final[Mapping[str, str]] = {
    "bool_parsing": "phải là true hoặc false",
    "bool_type": "phải là true hoặc false",
    "date_from_datetime_inexact": "phải là ngày, không kèm giờ",
    "date_from_datetime_parsing": "phải là ngày dạng YYYY-MM-DD",
    "date_parsing": "phải là ngày dạng YYYY-MM-DD",
    "date_type": "phải là ngày dạng YYYY-MM-DD",
    "datetime_from_date_parsing": "phải là thời điểm dạng YYYY-MM-DDThh:mm:ss+07:00",
    "datetime_object_invalid": "không phải thời điểm có thật",
    "datetime_parsing": "phải là thời điểm dạng YYYY-MM-DDThh:mm:ss+07:00",
    "datetime_type": "phải là thời điểm dạng YYYY-MM-DDThh:mm:ss+07:00",
    "dict_type": "phải là một đối tượng JSON",
    "enum": "phải là một trong: {expected}",
    "extra_forbidden": "không có mục này",
    "finite_number": "phải là số hữu hạn",
    "float_parsing": "phải là số",
    "float_type": "phải là số",
    "greater_than": "phải lớn hơn {gt}",
    "greater_than_equal": "phải từ {ge} trở lên",
    "int_from_float": "phải là số nguyên",
    "int_parsing": "phải là số nguyên",
    "int_parsing_size": "số có quá nhiều chữ số",
    "int_type": "phải là số nguyên",
    "json_invalid": "không phải JSON đọc được ({error})",
    "less_than": "phải nhỏ hơn {lt}",
    "less_than_equal": "không được lớn hơn {le}",
    "list_type": "phải là một danh sách",
    "literal_error": "phải là một trong: {expected}",
    "missing": "thiếu mục này",
    "model_attributes_type": "phải là một đối tượng JSON",
    "model_type": "phải là một đối tượng JSON",
    "string_pattern_mismatch": "phải đúng mẫu {pattern}",
    "string_too_long": "không được dài quá {max_length} ký tự",
    "string_too_short": "phải có ít nhất {min_length} ký tự",
    "string_type": "phải là văn bản",
    "string_unicode": "phải là văn bản Unicode hợp lệ",
    "timezone_aware": "phải ghi múi giờ, chẳng hạn +07:00",
    "too_long": "không được có quá {max_length} mục",
    "tuple_type": "phải là một danh sách",
    "too_short": "phải có ít nhất {min_length} mục",
}
