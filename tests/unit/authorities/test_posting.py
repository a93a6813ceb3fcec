"""A configured authority may stand in a private network, but nowhere on the machine's own link."""

import pytest

from claims.authorities.errors import AuthorityUnreachable
from claims.authorities.posting import post


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest/meta-data", "http://[fe80::1]/tsa", "http://user:secret@127.0.0.1/tsa"],
)
def test_such_an_address_is_not_asked(url: str) -> None:
    with pytest.raises(AuthorityUnreachable, match="not asked") as caught:
        post(url, b"", headers={}, timeout_s=1)

    assert "secret" not in str(caught.value).replace(url, "")
