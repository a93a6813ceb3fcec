"""Other people's tools accept what we sign, and we accept what they sign.

The command line tool of libxmlsec1 (Debian package ``xmlsec1``) and the JDK's ``javax.xml.crypto`` share
no code with us beyond libxml2, which the JDK does not use either.
"""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from signxml.verifier import SignatureConfiguration, XMLVerifier

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE, parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.policy import ECDSA_SHA256, RSA_SHA256, XMLDSIG, XMLDSIG_MORE_2007
from signing.pss import RSA_PSS
from signing.sign import Profile, sign_bundle
from signing.verify import verify
from tests.conftest import require_tool
from tests.unit.signing.documents import BUNDLE, DAY, ENVELOPED, NOW, Recipe, sign_like, transform
from tests.unit.signing.forging import ADJUSTMENTS, forge, template

JAVA_SOURCE = Path(__file__).parent / "java" / "XmlSignatures.java"

VARIANTS = {
    "profile-a": BUNDLE,
    "crlf": BUNDLE.replace(b"\n", b"\r\n"),
    "vietnamese": BUNDLE.replace(b"XML1", "Bệnh viện Đà Nẵng &lt;&amp;&gt; \"'".encode()),
    "comment": BUNDLE.replace(b"XML1", b"XM<!-- c -->L1"),
    "cdata": BUNDLE.replace(b"XML1", b"<![CDATA[<XML1>&]]>"),
    "instructions": BUNDLE.replace(b"<GIA", b"<?style x?><!-- c --><GIA") + b"<?end?>",
    "xml-lang": BUNDLE.replace(b"<GIAMDINHHS ", b'<GIAMDINHHS xml:lang="vi" '),
    "default-namespace": BUNDLE.replace(b"<HOSO>", b'<HOSO xmlns="urn:x" b="&#9;&quot;" a="&gt;">'),
}


@dataclass(frozen=True)
class Workshop:
    """A folder with the demo PKI and keys as files, as the tools want them."""

    folder: Path
    pki: DemoPki
    keys: dict[str, FacilityKey]

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("signatures")
    pki = DemoPki.create(at=NOW - 100 * DAY)
    keys = {
        "rsa": pki.leaf("01001", valid_from=NOW - DAY, valid_to=NOW + DAY),
        "ec": pki.leaf(
            "01002", valid_from=NOW - DAY, valid_to=NOW + DAY, key=ec.generate_private_key(ec.SECP256R1())
        ),
    }
    pki.write(folder)
    for name, key in keys.items():
        (folder / f"{name}.p12").write_bytes(key.pkcs12)
        (folder / f"{name}.pem").write_bytes(
            key.signer.private_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        (folder / f"{name}.crt").write_bytes(key.certificate.public_bytes(serialization.Encoding.PEM))
    return Workshop(folder, pki, keys)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
    )


@pytest.fixture(scope="module")
def xmlsec1() -> str:
    return require_tool("xmlsec1")


@pytest.fixture(scope="module")
def jdk() -> list[str]:
    require_tool("javac")  # the source is compiled as it is run
    return [require_tool("java"), "-XX:TieredStopAtLevel=1", str(JAVA_SOURCE)]


def accepted_by_xmlsec1(
    xmlsec1: str, workshop: Workshop, path: Path, *references: str
) -> subprocess.CompletedProcess[str]:
    return run(
        xmlsec1,
        "--verify",
        "--enabled-key-data",
        "x509",
        *(references or ("--enabled-reference-uris", "empty")),
        "--verification-time",
        f"{NOW:%Y-%m-%d %H:%M:%S}",
        "--trusted-pem",
        workshop.folder / "anchors" / "demo-root-ca.pem",
        "--untrusted-pem",
        workshop.folder / "intermediates" / "demo-issuing-ca.pem",
        path,
    )


def accepted_by_us(workshop: Workshop, data: bytes) -> tuple[str, ...]:
    return verify(parse(data), trust=workshop.pki.trust_store(), at=NOW).reasons


def recipes() -> Iterator[tuple[str, Recipe]]:
    names = {"1.0": C14N_1_0, "1.1": C14N_1_1, "exclusive": C14N_EXCLUSIVE}
    for prefix in ("", "ds"):
        for name, algorithm in names.items():
            yield (
                f"{prefix or 'unprefixed'}-{name}",
                Recipe(
                    prefix=prefix,
                    signed_info_c14n=algorithm,
                    document_c14n=algorithm,
                    transforms=ENVELOPED + transform(algorithm),
                ),
            )


# Ours, judged by others.


@pytest.mark.parametrize("key", ["rsa", "ec"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_xmlsec1_accepts_what_we_sign(key: str, variant: str, xmlsec1: str, workshop: Workshop) -> None:
    path = workshop.write(
        f"ours-{key}-{variant}.xml", sign_bundle(VARIANTS[variant], workshop.keys[key].signer)
    )

    outcome = accepted_by_xmlsec1(xmlsec1, workshop, path)

    assert outcome.returncode == 0, outcome.stderr


def test_xmlsec1_refuses_what_was_changed(xmlsec1: str, workshop: Workshop) -> None:
    signed = sign_bundle(BUNDLE, workshop.keys["rsa"].signer)
    path = workshop.write("changed.xml", signed.replace(b"01001", b"01002"))

    assert accepted_by_xmlsec1(xmlsec1, workshop, path).returncode != 0


@pytest.mark.parametrize(
    ("name", "recipe"), [pytest.param(name, recipe, id=name) for name, recipe in recipes()]
)
def test_xmlsec1_agrees_on_every_canonicalisation(
    name: str, recipe: Recipe, xmlsec1: str, workshop: Workshop
) -> None:
    signed = sign_like(recipe, workshop.keys["rsa"], VARIANTS["xml-lang"])
    path = workshop.write(f"recipe-{name}.xml", signed)

    outcome = accepted_by_xmlsec1(xmlsec1, workshop, path)

    assert outcome.returncode == 0, outcome.stderr
    assert accepted_by_us(workshop, signed) == ()


@pytest.mark.slow
def test_the_jdk_accepts_what_we_sign(jdk: list[str], workshop: Workshop) -> None:
    documents = {
        f"jdk-{key}-{variant}": sign_bundle(document, workshop.keys[key].signer)
        for key in ("rsa", "ec")
        for variant, document in VARIANTS.items()
    }
    documents |= {
        f"jdk-{name}": sign_like(recipe, workshop.keys["rsa"], VARIANTS["xml-lang"])
        for name, recipe in recipes()
    }
    documents["changed"] = documents["jdk-rsa-profile-a"].replace(b"01001", b"01002")
    paths = [workshop.write(f"{name}.xml", document) for name, document in documents.items()]

    outcome = run(*jdk, "verify", *paths)

    answers = dict(zip(documents, outcome.stdout.splitlines(), strict=True))
    assert answers.pop("changed") == "false"
    assert set(answers.values()) == {"true"}, answers


# One element and a statement of the time.

OBJECT_IDS = ("--id-attr:Id", f"{XMLDSIG}:Object", "--id-attr:Id", "TT_HOSO")
ELEMENT_VARIANTS = {
    "element": ADJUSTMENTS,
    "crlf": ADJUSTMENTS.replace(b"\n", b"\r\n"),
    "vietnamese": ADJUSTMENTS.replace(b"A1", "Bệnh viện Đà Nẵng &lt;&amp;&gt; \"'".encode()),
    "comment": ADJUSTMENTS.replace(b"A1", b"A<!-- c -->1"),
    "cdata": ADJUSTMENTS.replace(b"A1", b"<![CDATA[<A>&]]>"),
    "xml-lang": ADJUSTMENTS.replace(b"<HOSO_DIEUCHINH_GD ", b'<HOSO_DIEUCHINH_GD xml:lang="vi" '),
    "namespaces": ADJUSTMENTS.replace(b"<DSACH>", b'<DSACH xmlns="urn:x" b="&#9;&quot;" a="&gt;">'),
    "without-id": ADJUSTMENTS.replace(b' Id="HS-1"', b""),
}


def sign_element(workshop: Workshop, key: str, variant: str) -> bytes:
    signer = workshop.keys[key].signer
    return sign_bundle(ELEMENT_VARIANTS[variant], signer, profile=Profile.ELEMENT, at=NOW)


@pytest.mark.parametrize("key", ["rsa", "ec"])
@pytest.mark.parametrize("variant", ELEMENT_VARIANTS)
def test_xmlsec1_accepts_what_we_sign_of_one_element(
    key: str, variant: str, xmlsec1: str, workshop: Workshop
) -> None:
    path = workshop.write(f"element-{key}-{variant}.xml", sign_element(workshop, key, variant))

    outcome = accepted_by_xmlsec1(
        xmlsec1, workshop, path, "--enabled-reference-uris", "same-doc", *OBJECT_IDS
    )

    assert outcome.returncode == 0, outcome.stderr
    assert "References (ok/all): 2/2" in outcome.stderr
    assert accepted_by_us(workshop, path.read_bytes()) == ()


@pytest.mark.parametrize(
    "change", [(b"01001", b"01002"), (b"T15:00:00", b"T15:00:01")], ids=["element", "time"]
)
def test_xmlsec1_refuses_a_changed_element_or_time(
    change: tuple[bytes, bytes], xmlsec1: str, workshop: Workshop
) -> None:
    path = workshop.write("element-changed.xml", sign_element(workshop, "rsa", "element").replace(*change))

    outcome = accepted_by_xmlsec1(
        xmlsec1, workshop, path, "--enabled-reference-uris", "same-doc", *OBJECT_IDS
    )

    assert outcome.returncode != 0
    assert accepted_by_us(workshop, path.read_bytes()) == ("signature.digest_mismatch",)


# signxml 5.2 writes the inclusive form of an unprefixed SignedInfo wrongly, so it is exclusive here;
# with namespaces that are inherited it writes the element wrongly too.
@pytest.mark.parametrize("variant", ["element", "crlf", "vietnamese", "comment", "cdata"])
def test_signxml_digests_the_same_element_and_statement(variant: str, workshop: Workshop) -> None:
    key = workshop.keys["rsa"]
    signed = forge(key, template(c14n=C14N_EXCLUSIVE), ELEMENT_VARIANTS[variant])

    verified = XMLVerifier().verify(
        signed,
        x509_cert=key.certificate,
        id_attribute="Id",
        expect_config=SignatureConfiguration(expect_references=2, verification_time=NOW),
    )

    assert isinstance(verified, list)
    tags = [None if result.signed_xml is None else result.signed_xml.tag for result in verified]
    assert tags == [f"{{{XMLDSIG}}}Object", "TT_HOSO"]
    assert accepted_by_us(workshop, signed) == ()


ELEMENT_TEMPLATE = (
    f'<CHUKYDONVI><Signature xmlns="{XMLDSIG}" Id="S"><SignedInfo>'
    f'<CanonicalizationMethod Algorithm="{C14N_1_0}"/><SignatureMethod Algorithm="{RSA_SHA256}"/>'
    '<Reference URI="#O"><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue/>'
    '</Reference><Reference URI="#HS-1"><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    "<DigestValue/></Reference></SignedInfo><SignatureValue/>"
    "<KeyInfo><X509Data><X509SubjectName/><X509Certificate/></X509Data></KeyInfo>"
    '<Object Id="O"><SignatureProperties xmlns=""><SignatureProperty Target="#S">'
    "<SigningTime>2026-06-01T14:59:00</SigningTime></SignatureProperty></SignatureProperties></Object>"
    "</Signature></CHUKYDONVI>"
)


@pytest.mark.parametrize("variant", [name for name in ELEMENT_VARIANTS if name != "without-id"])
def test_we_accept_what_xmlsec1_signs_of_one_element(variant: str, xmlsec1: str, workshop: Workshop) -> None:
    document = ELEMENT_VARIANTS[variant].replace(b"<CHUKYDONVI/>", ELEMENT_TEMPLATE.encode())
    template = workshop.write("element-template.xml", document)
    pair = f"{workshop.folder / 'rsa'}.pem,{workshop.folder / 'rsa'}.crt"
    theirs = workshop.folder / "their-element.xml"

    outcome = run(xmlsec1, "--sign", *OBJECT_IDS, "--privkey-pem", pair, "--output", theirs, template)

    assert outcome.returncode == 0, outcome.stderr
    assert accepted_by_us(workshop, theirs.read_bytes()) == ()


# Theirs, judged by us.

TEMPLATE = (
    f'<CHUKYDONVI><P:Signature xmlns:P="{XMLDSIG}"><P:SignedInfo>'
    '<P:CanonicalizationMethod Algorithm="{c14n}"/><P:SignatureMethod Algorithm="{algorithm}"/>'
    '<P:Reference URI=""><P:Transforms>{transforms}</P:Transforms>'
    '<P:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><P:DigestValue/></P:Reference>'
    "</P:SignedInfo><P:SignatureValue/><P:KeyInfo><P:X509Data>{data}</P:X509Data></P:KeyInfo>"
    "</P:Signature></CHUKYDONVI>"
)
HINTS = "<P:X509SubjectName/><P:X509IssuerSerial/><P:X509Certificate/>"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("key", "algorithm", "c14n", "transforms", "data", "prefix"),
    [
        pytest.param("rsa", RSA_SHA256, C14N_1_0, ENVELOPED, "", "", id="as-dotnet-does"),
        pytest.param("rsa", RSA_SHA256, C14N_1_1, ENVELOPED, HINTS, "", id="c14n-1.1-with-hints"),
        pytest.param(
            "rsa",
            RSA_SHA256,
            C14N_EXCLUSIVE,
            ENVELOPED + transform(C14N_EXCLUSIVE),
            HINTS,
            "ds",
            id="exclusive",
        ),
        pytest.param("ec", ECDSA_SHA256, C14N_1_0, ENVELOPED + transform(C14N_1_0), "", "", id="elliptic"),
        pytest.param("ec", ECDSA_SHA256, C14N_EXCLUSIVE, ENVELOPED, "", "ds", id="elliptic-exclusive"),
    ],
)
def test_we_accept_what_xmlsec1_signs(
    key: str,
    algorithm: str,
    c14n: str,
    transforms: str,
    data: str,
    prefix: str,
    variant: str,
    xmlsec1: str,
    workshop: Workshop,
) -> None:
    signature = TEMPLATE.format(c14n=c14n, algorithm=algorithm, transforms=transforms, data=data)
    signature = signature.replace("xmlns:P=", f"xmlns:{prefix}=" if prefix else "xmlns=")
    signature = signature.replace("P:", f"{prefix}:" if prefix else "")
    template = workshop.write("template.xml", VARIANTS[variant].replace(b"<CHUKYDONVI/>", signature.encode()))
    pair = f"{workshop.folder / key}.pem,{workshop.folder / key}.crt"

    outcome = run(
        xmlsec1, "--sign", "--privkey-pem", pair, "--output", workshop.folder / "theirs.xml", template
    )

    assert outcome.returncode == 0, outcome.stderr
    assert accepted_by_us(workshop, (workshop.folder / "theirs.xml").read_bytes()) == ()


@pytest.mark.slow
def test_we_accept_what_the_jdk_signs(jdk: list[str], workshop: Workshop) -> None:
    arguments: list[str | Path] = []
    signed: dict[str, Path] = {}
    for key, algorithm in (
        ("rsa", RSA_SHA256),
        ("rsa", f"{XMLDSIG_MORE_2007}sha256-rsa-MGF1"),
        ("rsa", f"{RSA_PSS} SHA-256"),
        ("rsa", f"{RSA_PSS} SHA-512"),
        ("ec", ECDSA_SHA256),
    ):
        for c14n in (C14N_1_0, C14N_1_1, C14N_EXCLUSIVE):
            for transforms in ("-", c14n):
                for prefix in ("-", "ds"):
                    for variant in ("profile-a", "vietnamese", "xml-lang"):
                        name = f"theirs-{len(signed)}.xml"
                        given = workshop.write(f"unsigned-{variant}.xml", VARIANTS[variant])
                        signed[f"{algorithm} {c14n} {transforms} {prefix} {variant}"] = workshop.folder / name
                        arguments += [workshop.folder / f"{key}.p12", "demo", given, workshop.folder / name]
                        arguments += [algorithm, c14n, transforms, prefix]

    outcome = run(*jdk, "sign", *arguments)

    assert outcome.returncode == 0, outcome.stderr
    refused = {name: accepted_by_us(workshop, path.read_bytes()) for name, path in signed.items()}
    assert {name: reasons for name, reasons in refused.items() if reasons} == {}
