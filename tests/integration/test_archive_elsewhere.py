"""An archive is verified without our package, by the very commands of the guide."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from claims.proof.container import MANIFEST, SIGNATURES, read_container, write_container
from signing.canonical import C14N_EXCLUSIVE
from signing.certificates import to_pem
from signing.policy import RSA_SHA256, XMLDSIG
from tests.archives import an_archive, later
from tests.conftest import require_tool
from tests.integration.command import claims

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "archive.md"


def _blocks(language: str) -> list[str]:
    text = GUIDE.read_text("utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for tool in ("unzip", "sha256sum", "xmlsec1", "openssl"):
        require_tool(tool)
    made = an_archive()
    (tmp_path / "archive.asice").write_bytes(made.data)
    (tmp_path / "service.pem").write_bytes(to_pem(made.authority.certificate))
    (tmp_path / "tsa.pem").write_bytes(to_pem(made.pki.root))
    return tmp_path


def _run(folder: Path) -> list[int]:
    """Run the guide's blocks one after the other, each in the unpacked folder; return their exit codes."""
    unpack, *others = _blocks("sh")
    (python,) = _blocks("python")
    # As the guide is run at the time at which the archive was made, so is what asks for the time; the last
    # one says itself as of when.
    others[0] = others[0].replace("--verify", '--verify --verification-time "2026-11-02 05:30:00"')
    others[2] = others[2].replace("-verify", "-verify -attime 1793596200", 1)
    codes = [subprocess.run(["sh", "-ec", unpack], cwd=folder, check=False).returncode]
    inside = folder / "archive"
    codes += [
        subprocess.run(["bash", "-ec", block], cwd=inside, check=False, capture_output=True).returncode
        for block in others
    ]
    command = [sys.executable, "-I", "-c", python]
    return [*codes, subprocess.run(command, cwd=inside, check=False, capture_output=True).returncode]


def test_the_guides_commands_verify_an_archive(folder: Path) -> None:
    assert _run(folder) == [0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("bundle.xml", [0, 1, 1, 0, 1, 0]),
        ("log/head.jws", [0, 1, 0, 1, 1, 1]),
        ("evidence/records.jws", [0, 1, 0, 0, 1, 1]),
    ],
)
def test_they_see_what_was_changed(folder: Path, entry: str, expected: list[int]) -> None:
    entries = read_container(an_archive().data)
    content = bytearray(entries[entry])
    content[len(content) // 2] ^= 1
    (folder / "archive.asice").write_bytes(write_container({**entries, entry: bytes(content)}))

    assert [min(code, 1) for code in _run(folder)] == expected


def test_another_certificate_is_not_taken_for_the_services(folder: Path) -> None:
    (folder / "service.pem").write_bytes((folder / "tsa.pem").read_bytes())

    assert _run(folder)[1] == 1


def test_a_key_that_the_signature_brings_along_is_not_believed(folder: Path) -> None:
    """Whoever signs with a bare key of his own is not taken for the service."""
    key = rsa.generate_private_key(65537, 2048)
    entries = {name: data for name, data in read_container(an_archive().data).items() if name != SIGNATURES}
    template = folder / "template.xml"
    references = "".join(
        f'<Reference URI="{name}"><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        "<DigestValue/></Reference>"
        for name in entries
        if name != MANIFEST
    )
    template.write_text(
        f'<a><Signature xmlns="{XMLDSIG}"><SignedInfo>'
        f'<CanonicalizationMethod Algorithm="{C14N_EXCLUSIVE}"/><SignatureMethod Algorithm="{RSA_SHA256}"/>'
        f"{references}</SignedInfo><SignatureValue/><KeyInfo><KeyValue/></KeyInfo></Signature></a>"
    )
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "theirs.pem").write_bytes(key.private_bytes(*pem))
    inside = folder / "files"
    for name, data in entries.items():
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).write_bytes(data)
    options = ["--privkey-pem", str(folder / "theirs.pem"), "--output", str(folder / "forged.xml")]
    sign = ["xmlsec1", "--sign", *options, str(template)]
    subprocess.run(sign, cwd=inside, check=True, capture_output=True)
    forged = (folder / "forged.xml").read_bytes()
    (folder / "archive.asice").write_bytes(write_container({**entries, SIGNATURES: forged}))

    assert _run(folder)[1] == 1


def test_a_file_that_nobody_signed_is_seen(folder: Path) -> None:
    entries = read_container(an_archive().data)
    (folder / "archive.asice").write_bytes(write_container({**entries, "claim.pdf": b"%PDF-"}))

    assert _run(folder) == [0, 1, 0, 0, 0, 0]


def test_the_python_of_the_guide_is_short_and_plain() -> None:
    (python,) = _blocks("python")

    assert len([line for line in python.splitlines() if line.strip()]) <= 50
    assert "claims" not in python


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"TZ": "Pacific/Kiritimati"}, id="a-day-ahead"),
        pytest.param({"TZ": "America/Los_Angeles", "LC_ALL": "C", "PYTHONUTF8": "0"}, id="plain-c"),
        pytest.param({"PYTHONOPTIMIZE": "2"}, id="without-asserts"),
    ],
)
def test_the_verdict_is_the_same_wherever_it_is_reached(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    made = an_archive()
    archive, broken = tmp_path / "whole.asice", tmp_path / "broken.asice"
    archive.write_bytes(made.data)
    broken.write_bytes(made.data.replace(b"GD1", b"GD2"))
    for folder, certificate in (
        ("service", made.authority.certificate),
        ("anchors", made.pki.root),
        ("intermediates", made.pki.issuing),
        ("tsa", made.pki.root),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.pem").write_bytes(to_pem(certificate))
    at = later().isoformat()

    here, there = (
        claims("archive", "verify", archive, broken, "--trust", tmp_path, "--at", at, "--json", env=each)
        for each in ({}, environment)
    )

    assert [line["holds"] for line in here.lines] == [True, False]
    assert (there.code, there.stdout) == (here.code, here.stdout)
