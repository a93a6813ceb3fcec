"""`claims sign` and `claims verify`: profiles, keys in files and on tokens, and what goes wrong with them."""

import gzip
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from claims.cli.output import Exit
from signing.demo_pki import DemoPki, FacilityKey
from tests.conftest import require_tool
from tests.integration.command import claims
from tests.unit.authorities.web import serving

NOW = datetime.now(UTC)
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
BUNDLE = "<GIAMDINHHS><THONGTINDONVI><MACSKCB>79999</MACSKCB></THONGTINDONVI><CHUKYDONVI/></GIAMDINHHS>"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trust folder, a key file with its passphrase, and two bundles to sign."""
    desk = tmp_path_factory.mktemp("desk")
    pki = DemoPki.create(at=NOW)
    pki.write(desk / "trust")
    key = pki.leaf("79999", valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=30))
    (desk / "key.p12").write_bytes(key.pkcs12)
    (desk / "passphrase").write_text(key.passphrase)
    (desk / "pin").write_text("123456\n")
    (desk / "bundles").mkdir()
    for name in ("a", "b"):
        (desk / "bundles" / f"{name}.xml").write_text(BUNDLE)
    _lay_out_token(desk, key)
    return desk


def _lay_out_token(desk: Path, key: FacilityKey) -> None:
    pem = key.signer.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (desk / "key.pem").write_bytes(pem)
    (desk / "softhsm2.conf").write_text(f"directories.tokendir = {desk / 'tokens'}\nlog.level = ERROR\n")
    (desk / "tokens").mkdir()


@pytest.mark.parametrize(("profile", "level"), [("a", "plain"), ("xades-b", "B-B")])
def test_a_folder_is_signed_and_verified_at_the_level_of_the_profile(
    desk: Path, tmp_path: Path, profile: str, level: str
) -> None:
    signed = claims(
        "sign",
        desk / "bundles",
        "--pkcs12",
        desk / "key.p12",
        "--passphrase-file",
        desk / "passphrase",
        "--profile",
        profile,
        "-o",
        tmp_path / "signed",
    )
    verified = claims("verify", tmp_path / "signed", "--trust", desk / "trust", "--json")

    assert (signed.code, verified.code) == (Exit.FINE, Exit.FINE), signed.stderr + verified.stderr
    assert [(line["indication"], line["level"]) for line in verified.lines] == [("TOTAL-PASSED", level)] * 2
    assert (verified.lines[0]["signing_time"] is not None) == (level == "B-B")


@pytest.mark.parametrize("language", ["vi", "en"])
def test_documents_without_a_signature_and_with_two_are_judged_like_the_others(
    desk: Path, tmp_path: Path, language: str
) -> None:
    signature = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'
    (tmp_path / "none.xml").write_text(BUNDLE)
    (tmp_path / "two.xml").write_text(BUNDLE.replace("<CHUKYDONVI/>", f"<X>{signature * 2}</X>"))
    given = (tmp_path / "none.xml", tmp_path / "two.xml", "--trust", desk / "trust", "--language", language)

    verified = claims("verify", *given, "--json", "--report", "html", "-o", tmp_path / "page.html")

    reasons = [line["reasons"] for line in verified.lines]
    assert (verified.code, reasons) == (Exit.BLOCKED, [["signature.missing"], ["signature.several"]])
    assert (tmp_path / "page.html").read_text().count("<section>") == 2


def test_of_an_empty_folder_nothing_is_said_to_be_signed(desk: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    verified = claims("verify", tmp_path / "empty", "--trust", desk / "trust")

    assert (verified.code, "no file" in verified.stderr) == (Exit.USAGE, True)


def test_a_pattern_names_the_bundles_that_are_verified(desk: Path) -> None:
    verified = claims("verify", desk / "bundles" / "*.xml", "--trust", desk / "trust", "--json")

    assert [line["reasons"] for line in verified.lines] == [["signature.missing"]] * 2


def test_a_wrong_pin_and_an_unknown_module_are_said(desk: Path, tmp_path: Path) -> None:
    require_tool("softhsm2-util")
    env = {"SOFTHSM2_CONF": str(desk / "softhsm2.conf")}
    for arguments in (
        ("--init-token", "--free", "--label", "clinic", "--so-pin", "87654321"),
        ("--import", str(desk / "key.pem"), "--token", "clinic", "--label", "facility", "--id", "a1"),
    ):
        command = ["softhsm2-util", *arguments, "--pin", "123456"]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **env}, timeout=30)
    (tmp_path / "pin").write_text("000000")
    bundle = desk / "bundles" / "a.xml"
    common = ("sign", bundle, "-o", tmp_path / "signed.xml", "--language", "en", "--pkcs11")

    in_vietnamese = claims(
        "sign", bundle, "-o", tmp_path / "signed.xml", "--pkcs11", "/dev/null",
        "--passphrase-file", tmp_path / "pin", env=env,
    )  # fmt: skip
    wrong_pin = claims(*common, MODULE, "--passphrase-file", tmp_path / "pin", env=env)
    no_certificate = claims(*common, MODULE, "--passphrase-file", desk / "pin", env=env)
    no_module = claims(*common, "/dev/null", "--passphrase-file", desk / "pin", env=env)

    assert (wrong_pin.code, no_certificate.code, no_module.code) == (Exit.BLOCKED,) * 3
    assert "several wrong ones lock it" in wrong_pin.stderr
    assert "no certificate of this key" in no_certificate.stderr
    assert "no PKCS#11 module" in no_module.stderr
    assert (in_vietnamese.code, "lỗi: không nạp được thư viện" in in_vietnamese.stderr) == (
        Exit.BLOCKED,
        True,
    )
    assert not (tmp_path / "signed.xml").exists()


@pytest.mark.parametrize(("language", "said"), [("vi", "lỗi: không đọc được kho tin cậy"), ("en", "error: ")])
@pytest.mark.parametrize("command", [("verify",), ("archive", "verify"), ("archive", "renew")])
def test_what_is_wrong_with_the_terms_is_said_in_the_language_asked_for(
    command: tuple[str, ...], language: str, said: str, desk: Path, tmp_path: Path
) -> None:
    done = claims(*command, desk / "bundles", "--trust", tmp_path, "--language", language)

    assert (done.code, done.stderr.startswith(said)) == (Exit.CONFIGURATION, True), done.stderr


def test_a_key_is_named_exactly_once(desk: Path) -> None:
    neither = claims("sign", desk / "bundles" / "a.xml")
    both = claims("sign", desk / "bundles" / "a.xml", "--pkcs12", desk / "key.p12", "--pkcs11", MODULE)

    assert (neither.code, both.code) == (Exit.USAGE, Exit.USAGE)


def test_authorities_are_asked_only_if_wanted_and_silence_is_not_consent(desk: Path, tmp_path: Path) -> None:
    pki = DemoPki.create(at=NOW)
    pki.write(tmp_path / "trust")
    local, kept = {"--online": "", "--allow-network": "127.0.0.0/8"}, tmp_path / "data" / "revocation"

    def verify(options: dict[str, str]) -> tuple[str, str | None]:
        given = [word for pair in options.items() for word in pair if word]
        folders: list[str | Path] = [tmp_path / "signed", "--trust", tmp_path / "trust"]
        done = claims(
            *("verify", *folders, "--json", *given),
            env={"CLAIMS_DATA_DIR": str(tmp_path / "data")},
        )
        assert done.lines, done.stderr
        return str(done.lines[0]["indication"]), done.lines[0]["sub_indication"]

    with serving() as web:
        key = pki.leaf(
            "79999",
            valid_from=NOW - timedelta(days=1),
            valid_to=NOW + timedelta(days=30),
            list_url=web.url("/revoked.crl"),
        )
        (tmp_path / "key.p12").write_bytes(key.pkcs12)
        signed = claims(
            *("sign", desk / "bundles", "--pkcs12", tmp_path / "key.p12"),
            *("--passphrase-file", desk / "passphrase", "-o", tmp_path / "signed"),
        )
        assert signed.code == Exit.FINE, signed.stderr

        assert verify({}) == ("TOTAL-PASSED", None)
        assert verify({"--online": ""}) == ("INDETERMINATE", "TRY_LATER")
        assert (web.asked, kept.exists()) == ([], False)

        assert verify(local) == ("INDETERMINATE", "TRY_LATER")
        assert web.asked == ["/revoked.crl"]

        web.offer("/revoked.crl", pki.revocation_list([], at=NOW).public_bytes(Encoding.DER))
        assert verify(local) == ("TOTAL-PASSED", None)
        web.offer("/revoked.crl", pki.revocation_list([key.certificate], at=NOW).public_bytes(Encoding.DER))
        assert verify(local) == ("TOTAL-PASSED", None), "what is fresh is not asked for again"
        for file in kept.iterdir():
            file.unlink()
        assert verify(local) == ("INDETERMINATE", "REVOKED_NO_POE")
    assert verify(local) == ("INDETERMINATE", "REVOKED_NO_POE"), "what was said is kept"


def test_what_cannot_be_read_is_told_in_the_readers_language(desk: Path, tmp_path: Path) -> None:
    packed, missing = tmp_path / "packed.xml.gz", tmp_path / "missing.xml"
    packed.write_bytes(gzip.compress(b"<a>" + bytes(21 * 2**20)))

    told = claims("verify", packed, missing, "--trust", desk / "trust", "--json")

    assert (told.code, told.lines[0]["reasons"]) == (Exit.BLOCKED, ["too-large"])
    assert "packed.xml.gz: không đọc được: tài liệu quá lớn" in told.stderr
    assert "missing.xml: không đọc hoặc không ghi được tệp" in told.stderr


def test_every_input_is_told_of_in_the_same_words(desk: Path, tmp_path: Path) -> None:
    bundle, empty = desk / "bundles" / "a.xml", tmp_path / "empty.xml"
    empty.touch()

    told = claims("verify", bundle, empty, tmp_path / "missing.xml", "--trust", desk / "trust", "--json")

    judged, unreadable, missing = told.lines
    assert told.code == Exit.BLOCKED
    assert set(judged) == set(unreadable) == set(missing) - {"error"}
    assert (unreadable["indication"], unreadable["sub_indication"]) == ("TOTAL-FAILED", "FORMAT_FAILURE")
    assert (missing["indication"], missing["sub_indication"]) == ("INDETERMINATE", "SIGNED_DATA_NOT_FOUND")
    assert (unreadable["reasons"], missing["reasons"]) == (["empty"], ["file.unreadable"])
    assert set(missing["sentence"]) == {"vi", "en"}


def test_reports_of_files_with_one_name_are_kept_beside_each_other(desk: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "claim.xml").write_text(BUNDLE)

    told = claims(
        "verify",
        *(tmp_path / each / "claim.xml" for each in "ab"),
        "--trust",
        desk / "trust",
        "--report",
        "json",
        "--output",
        tmp_path / "reports",
    )

    assert told.code == Exit.BLOCKED, told.stderr
    assert len(list((tmp_path / "reports").iterdir())) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--output", "somewhere"], "--output: says nothing without --report"),
        (["--allow-network", "10.0.0.0/8"], "--allow-network: says nothing without --online"),
        (["--recompute", "--facility", "01001"], "--recompute: a report holds its own terms"),
        (["--report", "json"], "--output: say where the reports go"),
        (["--report", "pdf"], "'--report': 'pdf' is not one of 'html', 'json', 'etsi'"),
    ],
)
def test_options_that_say_nothing_or_nonsense_are_mistakes_of_use(
    options: list[str], said: str, desk: Path
) -> None:
    told = claims("verify", "one.xml", "two.xml", *options)

    assert told.code == Exit.USAGE
    assert said in told.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"[" * 100_000, "not JSON", id="deep"),
        pytest.param(b"[%b[]]" % (b"[]," * 300_000), "more than any report", id="wide"),
    ],
)
def test_a_report_of_endless_lists_is_no_report(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(content)

    told = claims("verify", "--recompute", tmp_path / "report.json", "--json", "--language", "en")

    assert (told.code, told.lines[0]["reasons"]) == (Exit.BLOCKED, ["report.unreadable"]), told.stderr
    assert said in told.stderr
