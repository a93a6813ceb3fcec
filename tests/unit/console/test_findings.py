"""What is found in many rows is told once; nothing else is hidden behind it."""

from claims.console.findings import tell_once

Found = tuple[str, int | None]


def test_what_says_the_same_is_told_once_with_the_rows_of_the_others() -> None:
    found: list[Found] = [("HAM_LUONG", 2), ("MA_THUOC", 1), ("HAM_LUONG", 4), ("HAM_LUONG", None)]

    told = tell_once(found, lambda one: one[0], lambda one: one[1])

    assert [(one.first, one.more, one.rows) for one in told] == [
        (("HAM_LUONG", 2), 2, (4,)),
        (("MA_THUOC", 1), 0, ()),
    ]


def test_of_very_many_rows_the_first_are_named_and_it_is_said_that_there_are_more() -> None:
    found: list[Found] = [("HAM_LUONG", row) for row in range(1, 1_001)]

    (told,) = tell_once(found, lambda one: one[0], lambda one: one[1])

    assert told.more == 999
    assert told.rows == tuple(range(2, 42))
    assert told.is_cut
