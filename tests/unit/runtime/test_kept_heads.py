"""The newest head of the log stays outside of the database, whatever becomes of the place where it lies."""

from pathlib import Path

from claims.runtime.kept_heads import FileOfHeads


def test_what_is_lost_stays_beside_the_newest_one_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    heads = FileOfHeads(tmp_path / "heads.jws")

    for token in ("first", "lost", "third", "third"):
        heads.keep(token, is_lost=lambda each: each == "lost")

    assert heads.tokens() == ["lost", "third"]
    assert (tmp_path / "heads.jws").stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "heads.jws"]


def test_a_place_where_nothing_can_be_kept_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "heads.jws").mkdir()

    FileOfHeads(tmp_path / "heads.jws").keep("first", is_lost=bool)
    FileOfHeads(tmp_path / "nowhere" / "heads.jws").keep("first", is_lost=bool)

    assert [each.name for each in tmp_path.iterdir()] == ["heads.jws"]
