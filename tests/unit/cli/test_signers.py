"""A passphrase or PIN is what people wrote into its file, whatever wrote it there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from claims.cli.signers import SignerChoice, open_signer
from signing.demo_pki import DemoPki

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SECRET = "mật khẩu"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pki = DemoPki.create(at=NOW)
    leaf = pki.leaf("79001", valid_from=NOW, valid_to=NOW + timedelta(days=1), passphrase=SECRET)
    path = tmp_path_factory.mktemp("keys") / "key.p12"
    path.write_bytes(leaf.pkcs12)
    return path


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(SECRET.encode(), id="plain"),
        pytest.param(f"{SECRET}\r\n".encode("utf-8-sig"), id="notepad"),
        pytest.param(f"{SECRET}\r\n".encode("utf-16"), id="powershell"),
    ],
)
def test_marks_and_line_ends_are_no_part_of_a_secret(written: bytes, key: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(written)

    with open_signer(SignerChoice(pkcs12=key, passphrase_file=tmp_path / "secret")) as signer:
        assert signer.algorithm.endswith("rsa-sha256")


def test_a_file_that_is_no_text_is_said(key: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SECRET.encode("cp1258", "replace") + b"\xff")

    with (
        pytest.raises(typer.BadParameter, match="no text in UTF-8"),
        open_signer(SignerChoice(pkcs12=key, passphrase_file=tmp_path / "secret")),
    ):
        pass


def test_a_key_is_chosen_among_several_alone(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="--key chooses"):
        SignerChoice(key_file=tmp_path / "key.pem", certificate_file=tmp_path / "cert.pem", key="mine")
