"""As of when a command judges."""

from datetime import UTC, datetime

import pytest
import typer

from claims.cli.trust import moment


def test_a_time_without_a_zone_is_universal() -> None:
    assert moment("2031-01-01T00:00:00") == datetime(2031, 1, 1, tzinfo=UTC)
    assert moment("2031-01-01T07:00:00+07:00") == datetime(2031, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("at", ["tomorrow", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_what_is_no_time_is_a_mistake_of_use(at: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment(at)
