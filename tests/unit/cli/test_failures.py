"""The exit code of an error tells whom it is up to."""

from pkgutil import resolve_name

import pytest

from claims.cli.failures import CONFIGURATION, REFUSED, UNREACHABLE, exit_code_of
from claims.cli.output import Exit
from claims.client import ApiRefused
from claims.errors import ClaimsError


@pytest.mark.parametrize("name", sorted(CONFIGURATION | UNREACHABLE | REFUSED))
def test_an_error_that_is_named_is_there(name: str) -> None:
    found = resolve_name(name)

    assert issubclass(found, Exception)
    assert f"{found.__module__}.{found.__qualname__}" == name


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(ConnectionRefusedError(), Exit.UNREACHABLE, id="below-one-that-is-named"),
        pytest.param(ApiRefused({"code": "forbidden"}), Exit.CONFIGURATION, id="who-asks-may-not"),
        pytest.param(ApiRefused({"code": "not-found"}), Exit.BLOCKED, id="what-is-asked-is-not"),
        pytest.param(ClaimsError(), Exit.BLOCKED, id="any-other"),
    ],
)
def test_the_nearest_name_counts(error: Exception, code: Exit) -> None:
    assert exit_code_of(error) is code
