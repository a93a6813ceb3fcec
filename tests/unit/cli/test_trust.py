"""As of when a command judges, and who is registered for whom."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from claims.cli.trust import moment, read_registrations, registrations
from signing.errors import TrustStoreUnreadable

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DIGEST = "0123456789abcdef" * 4


def test_a_time_without_a_zone_is_universal() -> None:
    assert moment("2031-01-01T00:00:00") == datetime(2031, 1, 1, tzinfo=UTC)
    assert moment("2031-01-01T07:00:00+07:00") == datetime(2031, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("at", ["tomorrow", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_what_is_no_time_is_a_mistake_of_use(at: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment(at)


@pytest.mark.parametrize(
    "content",
    [
        f"facility,certificate_sha256\n79024,{DIGEST}\n",
        f"79024,{DIGEST}",
        f"\ufefffacility;certificate_sha256\r\n79024;{DIGEST.upper()}\r\n\r\n",
        f"facility\tcertificate_sha256\tnote\n 79024 \t {DIGEST} \tnew\n",
        'facility,certificate_sha256\n"79024","'
        + ":".join(DIGEST[i : i + 2] for i in range(0, 64, 2))
        + '"\n',
        f'"facility";"certificate_sha256";"note"\r\n"79024";"{DIGEST}";"mới; còn hạn"\r\n;;\r\n',
        f"79024,{DIGEST}\n , \n",
    ],
)
def test_registrations_are_read_as_spreadsheets_and_openssl_write_them(tmp_path: Path, content: str) -> None:
    (tmp_path / "facilities.csv").write_text(content, "utf-8")

    registered = registrations(tmp_path)

    assert registered is not None
    assert registered("79024", DIGEST, NOW)
    assert not registered("01001", DIGEST, NOW)


def test_registrations_may_be_what_excel_calls_unicode_text(tmp_path: Path) -> None:
    (tmp_path / "facilities.csv").write_text(f"Mã cơ sở\tSHA-256\n79024\t{DIGEST}\n", "utf-16")

    assert read_registrations(tmp_path) == {("79024", DIGEST)}


def test_without_the_file_nobody_is_asked_about(tmp_path: Path) -> None:
    assert registrations(None) is None
    assert registrations(tmp_path) is None


def test_what_is_called_so_and_is_no_file_is_no_lack_of_registrations(tmp_path: Path) -> None:
    place = tmp_path / "facilities.csv"
    place.symlink_to("elsewhere")
    with pytest.raises(TrustStoreUnreadable, match="No such file"):
        registrations(tmp_path)

    place.unlink()
    place.mkdir()
    with pytest.raises(TrustStoreUnreadable, match="Is a directory"):
        registrations(tmp_path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"facility,certificate_sha256\n79024,0123\n", "line 2 is not"),
        (b"79024\n", "line 1 is not"),
        (f"certificate_sha256,facility\n{DIGEST},79024\n".encode(), "line 2 is not"),
        ("79024,é\n".encode("latin-1"), "not UTF-8"),
        ("79024,é\n".encode("utf-16"), "line 1 is not"),
        pytest.param(f"facility\n1001,{DIGEST}\n".encode(), "line 2 is not", id="a-zero-that-excel-took"),
        pytest.param(f'="01001",{DIGEST}\n'.encode(), "line 1 is not", id="a-formula"),
        pytest.param(f"facility\n79024,{DIGEST}00\n".encode(), "line 2 is not", id="a-longer-digest"),
    ],
)
def test_registrations_that_say_nothing_are_told_by_line(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "facilities.csv").write_bytes(content)

    with pytest.raises(TrustStoreUnreadable, match=what):
        registrations(tmp_path)
