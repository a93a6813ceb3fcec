"""A service that asks to wait is waited for, and whoever watches the command is told."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from claims.cli.submissions import Patience, open_api
from claims.client import ApiClient
from claims.runtime.settings import InvalidSettings


def test_a_long_wait_is_told_once_for_all_who_wait(capsys: pytest.CaptureFixture[str]) -> None:
    waited: list[float] = []
    patience = Patience(sleep=waited.append)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(patience, [37.0] * 4))
    patience(0.5)

    assert waited == [37.0] * 4 + [0.5]
    assert capsys.readouterr().err == "the service asks to wait; going on in 37 s\n"


@pytest.mark.parametrize("text", ["", "  \n", "ehs_1 ehs_2", "ehs_1\nehs_2", "khóa"])
def test_what_is_no_key_is_told_with_its_file_and_not_repeated(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(text)

    with pytest.raises(InvalidSettings) as refused, open_api("http://127.0.0.1:9", path):
        pass

    assert str(refused.value).startswith(f"{path} holds no API key: ")
    assert "ehs_" not in str(refused.value)


def test_a_client_takes_no_key_that_cannot_stand_in_a_header() -> None:
    with pytest.raises(ValueError, match="one word"):
        ApiClient("http://127.0.0.1:9", "", pause=time.sleep)
