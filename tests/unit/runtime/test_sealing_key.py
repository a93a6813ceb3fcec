"""The sealing key is made once, and never to take the place of one that was lost."""

from pathlib import Path

import pytest

from claims.storage.sealing import UnusableSealingKey, load_or_make_key


def test_it_is_made_where_nothing_is_sealed_yet_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"

    made = load_or_make_key(path, is_in_use=lambda: False)

    assert load_or_make_key(path, is_in_use=lambda: True) == made
    assert path.stat().st_mode & 0o777 == 0o600


def test_none_is_made_where_something_is_sealed_with_the_one_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"

    with pytest.raises(UnusableSealingKey, match="is not there"):
        load_or_make_key(path, is_in_use=lambda: True)

    assert not path.exists()


def test_a_file_that_holds_something_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"
    path.write_bytes(bytes(32) + b"\n")

    with pytest.raises(UnusableSealingKey, match="33 bytes"):
        load_or_make_key(path, is_in_use=lambda: True)
