"""What stands beside codes and numbers in lists."""

from claims.console.naming import sentence_of


def test_what_a_code_means_begins_with_its_table() -> None:
    assert sentence_of("XML2.HAM_LUONG", "vi") == "XML2: thuốc nhóm … phải ghi hàm lượng."
    assert sentence_of("ENV.SIZE", "en") == "The file has … bytes; at most … are accepted."
