"""`claims keys`, `claims mock-tsa`, and signatures that last."""

import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from claims.cli.output import Exit
from signing.certificates import to_pem
from signing.demo_pki import DemoPki
from signing.keys import load_pem, load_pkcs12
from tests.conftest import require_tool
from tests.integration.command import claims, serving
from tests.unit.signing.documents import certificate_for

BUNDLE = "<GIAMDINHHS><THONGTINDONVI><MACSKCB>79999</MACSKCB></THONGTINDONVI><CHUKYDONVI/></GIAMDINHHS>"
#: When a demo certificate of today has ended.
LATER = (datetime.now(UTC) + timedelta(days=550)).isoformat()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "pki"
    made = claims("keys", "new-demo-pki", folder, "--facility", "79999", "--facility", "99001")
    assert made.code == Exit.FINE, made.stderr
    (folder / "bundle.xml").write_text(BUNDLE)
    return folder


@pytest.fixture(scope="module")
def tsa(pki: Path) -> Iterator[str]:
    with serving("mock-tsa", "--folder", pki) as url:
        yield url


def _key(pki: Path, code: str = "79999") -> tuple[str | Path, ...]:
    return ("--pkcs12", pki / "keys" / f"{code}.p12", "--passphrase-file", pki / "passphrase.txt")


def test_a_demo_pki_keeps_its_secrets_from_others_and_is_never_overwritten(pki: Path) -> None:
    secret = [pki / "passphrase.txt", *(pki / "keys").glob("*.p12"), *(pki / "authorities").iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}

    again = claims("keys", "new-demo-pki", pki)

    assert (again.code, "not an empty folder" in again.stderr) == (Exit.BLOCKED, True)


def test_a_key_is_shown_with_what_it_may_do(pki: Path) -> None:
    shown = claims("keys", "show", *_key(pki), "--trust", pki / "trust", "--language", "en", "--json")

    assert shown.code == Exit.FINE, shown.stderr
    (facts,) = shown.lines
    assert (facts["facilities"], facts["key"], facts["reasons"]) == (["79999"], "RSA 2048", [])
    assert 360 < facts["days_left"] <= 365
    assert "Registered for" in shown.stderr


def test_a_certificate_that_cannot_sign_says_why(pki: Path) -> None:
    shown = claims("keys", "show", pki / "trust" / "anchors" / "demo-root-ca.pem", "--json")

    assert shown.code == Exit.BLOCKED
    assert "certificate.is_ca" in shown.lines[0]["reasons"]


def test_a_certificate_is_shown_that_lies_beside_those_above_it(pki: Path, tmp_path: Path) -> None:
    key = load_pkcs12((pki / "keys" / "79999.p12").read_bytes(), (pki / "passphrase.txt").read_text().strip())
    chain = tmp_path / "chain.pem"
    chain.write_bytes((pki / "trust" / "anchors" / "demo-root-ca.pem").read_bytes() + to_pem(key.certificate))

    shown = claims("keys", "show", chain, "--json")

    assert shown.code == Exit.FINE, shown.stderr
    assert shown.lines[0]["sha256"] == key.certificate.fingerprint(hashes.SHA256()).hex()


def test_a_certificate_larger_than_any_in_use_is_refused_in_words(tmp_path: Path) -> None:
    now, endless = (
        datetime.now(UTC),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), bytes(17_000)),
    )
    issuer = DemoPki.create(at=now)
    key = issuer.issuing_key.public_key()
    certificate = certificate_for(key, issued_by=issuer, extensions=[(endless, False)])
    (tmp_path / "large.pem").write_bytes(to_pem(certificate))

    shown = claims("keys", "show", tmp_path / "large.pem")

    assert (shown.code, "certificate.malformed" in shown.stderr) == (Exit.USAGE, True), shown.stderr


@pytest.mark.parametrize(
    ("profile", "level", "later"),
    [
        ("a", "plain", "INDETERMINATE"),
        ("xades-b", "B-B", "INDETERMINATE"),
        ("xades-t", "B-T", "TOTAL-PASSED"),
        ("xades-lt", "B-LT", "TOTAL-PASSED"),
        ("xades-lta", "B-LTA", "TOTAL-PASSED"),
    ],
)
def test_what_is_stamped_outlives_its_certificate(
    pki: Path, tsa: str, tmp_path: Path, profile: str, level: str, later: str
) -> None:
    done = claims(
        "sign", pki / "bundle.xml", *_key(pki), "--profile", profile, "--tsa", tsa, "--trust", pki / "trust",
        "-o", tmp_path / "signed.xml",
    )  # fmt: skip
    assert done.code == Exit.FINE, done.stderr

    now = claims("verify", tmp_path / "signed.xml", "--trust", pki / "trust", "--json")
    then = claims("verify", tmp_path / "signed.xml", "--trust", pki / "trust", "--at", LATER, "--json")

    assert (now.lines[0]["indication"], now.lines[0]["level"]) == ("TOTAL-PASSED", level), now.stderr
    assert then.lines[0]["indication"] == later, then.stderr


def test_a_signature_is_extended_step_by_step_and_renewed(pki: Path, tsa: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.xml" for number in range(5)]
    claims("sign", pki / "bundle.xml", *_key(pki), "--profile", "xades-b", "-o", files[0])
    for (before, after), level in zip(pairwise(files), ("t", "lt", "lta", "lta"), strict=True):
        done = claims(
            "extend", before, "--level", level, "--tsa", tsa, "--trust", pki / "trust", "-o", after
        )  # fmt: skip
        assert done.code == Exit.FINE, done.stderr

    verified = claims("verify", *files, "--trust", pki / "trust", "--json")

    assert [line["level"] for line in verified.lines] == ["B-B", "B-T", "B-LT", "B-LTA", "B-LTA"]
    assert files[4].stat().st_size > files[3].stat().st_size


def test_a_plain_signature_is_not_extended(pki: Path, tsa: str, tmp_path: Path) -> None:
    claims("sign", pki / "bundle.xml", *_key(pki), "-o", tmp_path / "plain.xml")
    done = claims(
        "extend", tmp_path / "plain.xml", "--level", "t", "--tsa", tsa, "--trust", pki / "trust",
        "-o", tmp_path / "x.xml",
    )  # fmt: skip

    assert (done.code, "không có chỗ cho dấu thời gian" in done.stderr) == (Exit.BLOCKED, True)
    assert not (tmp_path / "x.xml").exists()


def test_another_facilitys_key_signs_nothing_and_its_signature_counts_for_nothing(
    pki: Path, tmp_path: Path
) -> None:
    refused = claims(
        "sign", pki / "bundle.xml", *_key(pki, "99001"), "--trust", pki / "trust", "-o", tmp_path / "x.xml"
    )
    assert (refused.code, "not registered for facility 79999" in refused.stderr) == (Exit.BLOCKED, True)
    assert not (tmp_path / "x.xml").exists()

    claims("sign", pki / "bundle.xml", *_key(pki, "99001"), "-o", tmp_path / "y.xml")
    verified = claims("verify", tmp_path / "y.xml", "--trust", pki / "trust", "--json")

    assert verified.code == Exit.BLOCKED
    assert verified.lines[0]["reasons"] == ["certificate.other_facility"]


def test_what_names_several_facilities_is_signed_for_none(pki: Path, tmp_path: Path) -> None:
    both = (pki / "bundle.xml").read_bytes().replace(b"<MACSKCB>", b"<MACSKCB>99001</MACSKCB><MACSKCB>")
    (tmp_path / "both.xml").write_bytes(both)
    made = tmp_path / "x.xml"

    done = claims("sign", tmp_path / "both.xml", *_key(pki), "--trust", pki / "trust", "-o", made)

    assert (done.code, "99001, 79999" in done.stderr, made.exists()) == (Exit.BLOCKED, True, False)


def test_an_authority_that_is_not_there_is_named(pki: Path, tmp_path: Path) -> None:
    done = claims(
        "sign", pki / "bundle.xml", *_key(pki), "--profile", "xades-t", "--tsa", "http://127.0.0.1:9/",
        "--trust", pki / "trust", "-o", tmp_path / "x.xml",
    )  # fmt: skip

    assert (done.code, "http://127.0.0.1:9/" in done.stderr) == (Exit.BLOCKED, True)


def test_openssl_believes_the_authority_for_trials(pki: Path, tsa: str, tmp_path: Path) -> None:
    require_tool("openssl")
    require_tool("curl")
    trust, query, reply = pki / "trust", tmp_path / "q.tsq", tmp_path / "r.tsr"
    _run("openssl", "ts", "-query", "-data", pki / "bundle.xml", "-sha256", "-cert", "-out", query)
    kind = "Content-Type: application/timestamp-query"
    _run("curl", "-sSf", "-H", kind, "--data-binary", f"@{query}", f"{tsa}/", "-o", reply)

    said = _run(
        "openssl", "ts", "-verify", "-data", pki / "bundle.xml", "-in", reply,
        "-CAfile", trust / "anchors" / "demo-root-ca.pem",
        "-untrusted", trust / "intermediates" / "demo-issuing-ca.pem",
    )  # fmt: skip

    assert "Verification: OK" in said


def _run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(one) for one in command], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("kind", "label"), [("rsa-3072", "RSA"), ("p-256", "EC")])
def test_a_request_for_a_certificate_goes_with_a_sealed_key(
    pki: Path, tmp_path: Path, kind: str, label: str
) -> None:
    (tmp_path / "secret").write_text("một mật khẩu\n", "utf-16")
    ask = (
        "keys", "request", "--name", "BỆNH VIỆN MẪU", "--id", "MST:0100000000", "--province", "Hà Nội",
        "--kind", kind, "--passphrase-file", tmp_path / "secret", "-o", tmp_path / "new",
    )  # fmt: skip
    done, again = claims(*ask), claims(*ask)

    assert (done.code, again.code) == (Exit.FINE, Exit.USAGE), done.stderr
    request = x509.load_pem_x509_csr((tmp_path / "new.csr.pem").read_bytes())
    assert request.is_signature_valid
    assert request.subject.get_attributes_for_oid(NameOID.USER_ID)[0].value == "MST:0100000000"
    assert request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "BỆNH VIỆN MẪU"
    key_file = tmp_path / "new.key.pem"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert b"ENCRYPTED" in key_file.read_bytes()
    assert load_pem_private_key(key_file.read_bytes(), "một mật khẩu".encode())
    assert label in type(request.public_key()).__name__.upper().replace("ELLIPTICCURVE", "EC")


def test_a_request_in_nobodys_name_is_not_made_and_leaves_no_key(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    done = claims(
        "keys", "request", "--name", "", "--id", "MST:0100000000", "--province", "Hà Nội",
        "--passphrase-file", tmp_path / "secret", "-o", tmp_path / "new",
    )  # fmt: skip

    assert (done.code, [path.name for path in tmp_path.iterdir()]) == (Exit.USAGE, ["secret"]), done.stderr


def test_a_key_in_pem_signs_with_its_certificate(pki: Path, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import pkcs12

    from signing.requests import seal_key

    passphrase = (pki / "passphrase.txt").read_text().strip()
    key, _, _ = pkcs12.load_key_and_certificates(
        (pki / "keys" / "79999.p12").read_bytes(), passphrase.encode()
    )
    (tmp_path / "key.pem").write_bytes(seal_key(key, passphrase))  # type: ignore[arg-type]
    certificate = pki / "keys" / "79999.pem"
    assert load_pem((tmp_path / "key.pem").read_bytes(), certificate.read_bytes(), passphrase).algorithm

    done = claims(
        "sign", pki / "bundle.xml", "--key-file", tmp_path / "key.pem", "--cert-file", certificate,
        "--passphrase-file", pki / "passphrase.txt", "-o", tmp_path / "signed.xml",
    )  # fmt: skip

    assert done.code == Exit.FINE, done.stderr
    assert claims("verify", tmp_path / "signed.xml", "--trust", pki / "trust").code == Exit.FINE


def test_reports_are_written_in_three_forms_and_reached_again(pki: Path, tmp_path: Path) -> None:
    signed = tmp_path / "signed.xml"
    claims("sign", pki / "bundle.xml", *_key(pki), "--profile", "xades-b", "-o", signed)
    for kind in ("html", "json", "etsi"):
        done = claims(
            "verify", signed, "--trust", pki / "trust", "--report", kind, "-o", tmp_path / kind,
            "--language", "en",
        )  # fmt: skip
        assert done.code == Exit.FINE, done.stderr
    assert "Is there a signature?" in (tmp_path / "html").read_text("utf-8")
    assert "ValidationReport" in (tmp_path / "etsi").read_text("utf-8")

    again = claims("verify", tmp_path / "json", "--recompute", "--json")
    assert (again.code, again.lines[0]["indication"]) == (Exit.FINE, "TOTAL-PASSED"), again.stderr

    forged = (tmp_path / "json").read_text("utf-8").replace('"is_registered": true', '"is_registered": false')
    (tmp_path / "forged").write_text(forged, "utf-8")
    refused = claims("verify", tmp_path / "forged", "--recompute", "--json")
    assert (refused.code, "does not follow" in refused.stderr) == (Exit.BLOCKED, True)


def test_a_list_that_is_given_counts(pki: Path, tmp_path: Path) -> None:
    signed, crl = tmp_path / "signed.xml", tmp_path / "new.crl"
    claims("sign", pki / "bundle.xml", *_key(pki), "-o", signed)
    crl.write_bytes(_list_with(pki, "79999"))

    before = claims("verify", signed, "--trust", pki / "trust", "--json")
    after = claims("verify", signed, "--trust", pki / "trust", "--crl", crl, "--json")
    none = claims("verify", signed, "--trust", pki / "trust", "--crl", pki / "README.txt")

    assert before.lines[0]["indication"] == "TOTAL-PASSED"
    assert after.lines[0]["reasons"] == ["certificate.revoked"]
    assert none.code == Exit.CONFIGURATION
    assert set(before.lines[0]) >= {
        "file", "indication", "sub_indication", "reasons", "signer", "level", "facility", "scope", "ms",
    }  # fmt: skip


def _list_with(pki: Path, code: str) -> bytes:
    passphrase = (pki / "passphrase.txt").read_text().strip()
    issuing = load_pkcs12((pki / "authorities" / "issuing-ca.p12").read_bytes(), passphrase)
    revoked = x509.load_pem_x509_certificate((pki / "keys" / f"{code}.pem").read_bytes())
    now = datetime.now(UTC)
    entry = x509.RevokedCertificateBuilder(revoked.serial_number, now - timedelta(seconds=1)).build()
    builder = x509.CertificateRevocationListBuilder(issuing.certificate.subject, now, now + timedelta(days=1))
    crl = builder.add_revoked_certificate(entry).sign(issuing.private_key, hashes.SHA256())
    return crl.public_bytes(Encoding.DER)
