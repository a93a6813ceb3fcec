"""A page shows no more than was asked for, and says where the next one begins."""

import pytest

from claims.api.paging import cut


@pytest.mark.parametrize(
    ("found", "shown", "next_cursor"),
    [
        pytest.param([], [], None, id="nothing"),
        pytest.param([1, 2], [1, 2], None, id="just-enough"),
        pytest.param([1, 2, 3], [1, 2], "-2", id="one-more"),
    ],
)
def test_a_list_is_cut(found: list[int], shown: list[int], next_cursor: str | None) -> None:
    page = cut(found, 2, cursor=lambda one: -one)

    assert (page.shown, page.next_cursor, page.has_more) == (shown, next_cursor, next_cursor is not None)
