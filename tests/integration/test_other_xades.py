"""Other people's tools accept our XAdES signatures, at every level, and we accept theirs.

libxmlsec1 verifies the XML Signature in them; signxml, where it is installed, XAdES B-B too. OpenSSL's
time-stamps are tried where ours are, among the unit tests.
"""

import importlib
import os
import subprocess
from collections.abc import Callable
from types import ModuleType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from signing.canonical import parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.demo_tsa import DemoTsa
from signing.policy import XMLDSIG
from signing.sign import Profile, sign_bundle
from signing.trust import TrustStore
from signing.verdict import Level, Verdict
from signing.verify import verify
from signing.xades import names
from signing.xades.extend import Extender
from tests.conftest import require_tool
from tests.unit.signing.documents import BUNDLE, DAY, NOW

Xmlsec1 = Callable[[bytes], subprocess.CompletedProcess[str]]

DOCUMENTS = {
    "bundle": BUNDLE,
    "crlf": BUNDLE.replace(b"\n", b"\r\n"),
    "vietnamese": BUNDLE.replace(b"XML1", "Bệnh viện Đà Nẵng &lt;&amp;&gt;".encode()),
    "default-namespace": BUNDLE.replace(b"<HOSO>", b'<HOSO xmlns="urn:x" b="&#9;" a="&gt;">'),
    "xml-lang": BUNDLE.replace(b"<GIAMDINHHS ", b'<GIAMDINHHS xml:lang="vi" '),
}


@pytest.fixture(scope="module")
def pki() -> DemoPki:
    return DemoPki.create(at=NOW - 100 * DAY)


@pytest.fixture(scope="module")
def keys(pki: DemoPki) -> dict[str, FacilityKey]:
    begin, end = NOW - DAY, NOW + DAY
    curve_key = ec.generate_private_key(ec.SECP256R1())
    return {
        "rsa": pki.leaf("01001", valid_from=begin, valid_to=end),
        "ec": pki.leaf("01002", valid_from=begin, valid_to=end, key=curve_key),
    }


@pytest.fixture(scope="module")
def extender(pki: DemoPki) -> Extender:
    tsa = DemoTsa.create(pki, clock=lambda: NOW, valid_from=NOW - DAY, valid_to=NOW + DAY)
    root_list = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.root.subject)
        .last_update(NOW)
        .next_update(NOW + DAY)
        .sign(pki.root_key, hashes.SHA256())
    )
    trust = TrustStore(
        anchors=[pki.root],
        tsa_anchors=[pki.root],
        intermediates=[pki.issuing],
        crls=[pki.revocation_list([], at=NOW), root_list],
    )
    return Extender(tsa.answer, trust)


def judged(pki: DemoPki, data: bytes) -> Verdict:
    return verify(parse(data), trust=pki.trust_store(), at=NOW)


# libxmlsec1


@pytest.fixture(scope="module")
def xmlsec1(tmp_path_factory: pytest.TempPathFactory, pki: DemoPki) -> Xmlsec1:
    found = require_tool("xmlsec1")
    folder = tmp_path_factory.mktemp("xmlsec1")
    pki.write(folder)

    def run(data: bytes) -> subprocess.CompletedProcess[str]:
        (folder / "signed.xml").write_bytes(data)
        return subprocess.run(
            [
                found, "--verify", "--enabled-key-data", "x509",
                "--enabled-reference-uris", "empty,same-doc", "--id-attr:Id", "SignedProperties",
                "--verification-time", f"{NOW:%Y-%m-%d %H:%M:%S}",
                "--trusted-pem", folder / "anchors" / "demo-root-ca.pem",
                "--untrusted-pem", folder / "intermediates" / "demo-issuing-ca.pem",
                folder / "signed.xml",
            ],
            capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
        )  # fmt: skip

    return run


@pytest.mark.parametrize("key", ["rsa", "ec"])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_xmlsec1_accepts_what_we_sign(
    key: str, document: str, xmlsec1: Xmlsec1, keys: dict[str, FacilityKey]
) -> None:
    signed = sign_bundle(DOCUMENTS[document], keys[key].signer, profile=Profile.XADES, at=NOW)

    outcome = xmlsec1(signed)

    assert outcome.returncode == 0, outcome.stderr
    assert "SignedInfo References (ok/all): 2/2" in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LT, Level.B_LTA])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_xmlsec1_accepts_what_we_extend(
    level: Level, document: str, xmlsec1: Xmlsec1, keys: dict[str, FacilityKey], extender: Extender
) -> None:
    signed = sign_bundle(DOCUMENTS[document], keys["rsa"].signer, profile=Profile.XADES, at=NOW)

    extended = extender.extend(signed, level=level, at=NOW)

    outcome = xmlsec1(extended)
    assert outcome.returncode == 0, outcome.stderr
    assert verify(parse(extended), trust=extender.trust, at=NOW).level is level


def test_xmlsec1_refuses_properties_that_were_changed(xmlsec1: Xmlsec1, keys: dict[str, FacilityKey]) -> None:
    signed = sign_bundle(BUNDLE, keys["rsa"].signer, profile=Profile.XADES, at=NOW)

    assert xmlsec1(signed.replace(b"SigningTime>2026", b"SigningTime>2025")).returncode != 0


# signxml


@pytest.fixture(scope="module")
def signxml() -> ModuleType:
    pytest.importorskip("signxml", reason="needs signxml")
    return importlib.import_module("signxml.xades.xades")


def pem_of(key: FacilityKey) -> str:
    return key.certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_signxml_accepts_what_we_sign(
    document: str, signxml: ModuleType, keys: dict[str, FacilityKey], extender: Extender
) -> None:
    signed = sign_bundle(DOCUMENTS[document], keys["rsa"].signer, profile=Profile.XADES, at=NOW)
    expected = signxml.XAdESSignatureConfiguration(expect_references=2, location=".//", verification_time=NOW)

    for data in (signed, extender.extend(signed, level=Level.B_LTA, at=NOW)):
        found = signxml.XAdESVerifier().verify(data, x509_cert=pem_of(keys["rsa"]), expect_config=expected)
        assert found[0].signed_xml.tag == "GIAMDINHHS"


@pytest.fixture(scope="module")
def schema(signxml: ModuleType) -> etree.XMLSchema:
    """ETSI's schema of XAdES 1.4.1, which draws in that of 1.3.2: signxml brings both."""
    found: etree.XMLSchema = importlib.import_module("signxml.processor").get_schema(
        "XAdES01903v141-201601.xsd"
    )
    return found


@pytest.mark.parametrize("level", [Level.B_B, Level.B_T, Level.B_LT, Level.B_LTA])
def test_the_schema_of_etsi_takes_every_level_and_its_renewal(
    level: Level, schema: etree.XMLSchema, keys: dict[str, FacilityKey], extender: Extender
) -> None:
    signed = sign_bundle(BUNDLE, keys["rsa"].signer, profile=Profile.XADES, at=NOW)
    if level is not Level.B_B:
        signed = extender.extend(signed, level=level, at=NOW)
    if level is Level.B_LTA:
        signed = extender.extend(signed, level=level, at=NOW)

    properties = next(etree.fromstring(signed).iter(names.QUALIFYING_PROPERTIES))

    schema.assertValid(etree.fromstring(etree.tostring(properties)))


@pytest.mark.parametrize("canonicalisation", ["CANONICAL_XML_1_0", "CANONICAL_XML_1_1"])
# Not with xml:lang on the root: its inclusive forms lack what a part inherits, and xmlsec1 refuses them too.
@pytest.mark.parametrize("document", ["bundle", "vietnamese"])
def test_we_accept_what_signxml_signs(
    document: str,
    canonicalisation: str,
    signxml: ModuleType,
    pki: DemoPki,
    keys: dict[str, FacilityKey],
) -> None:
    # Its exclusive forms are left out: what it signs with them, it refuses itself.
    algorithms = importlib.import_module("signxml")
    root = etree.fromstring(DOCUMENTS[document])
    place = root.find("CHUKYDONVI")
    assert place is not None
    etree.SubElement(place, f"{{{XMLDSIG}}}Signature", nsmap={"ds": XMLDSIG}).set("Id", "placeholder")
    signer = signxml.XAdESSigner(
        c14n_algorithm=algorithms.CanonicalizationMethod[canonicalisation],
        method=algorithms.methods.enveloped,
    )
    private = keys["rsa"].signer.private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    theirs = etree.tostring(
        signer.sign(root, key=private, cert=pem_of(keys["rsa"]), always_add_key_value=False)
    )

    verdict = judged(pki, theirs)
    assert (verdict.reasons, verdict.level) == ((), Level.B_B)
