"""Nobody writes into the room that XML Signature leaves unsigned, nor sends what cannot be read."""

import base64
import json
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from claims.proof import archive
from claims.proof.container import MANIFEST, SIGNATURES, manifest_of, read_container, write_container
from claims.proof.errors import BrokenArchive
from claims.proof.material import SERVICE_LIST
from claims.proof.renewal import RenewArchive
from claims.proof.verdict import Answer, ArchiveVerdict, Question
from claims.proof.verification import verify_archive
from tests.archives import Made, an_archive, later
from tests.fakes import NOON

pytestmark = pytest.mark.attack

UNSIGNED = (
    b"<xades:UnsignedProperties><xades:UnsignedSignatureProperties>%b"
    b"</xades:UnsignedSignatureProperties></xades:UnsignedProperties></xades:QualifyingProperties>"
)
END = b"</xades:QualifyingProperties>"
Change = tuple[bytes, bytes]

INSERTIONS: dict[str, Change] = {
    "an unknown unsigned property": (END, UNSIGNED % b"<a>hidden</a>"),
    "no unsigned property": (END, UNSIGNED % b""),
    "unsigned certificates": (END, UNSIGNED % b"<xades:CertificateValues></xades:CertificateValues>"),
    "properties of the data": (
        END,
        b"<xades:UnsignedProperties><xades:UnsignedDataObjectProperties>hidden"
        b"</xades:UnsignedDataObjectProperties></xades:UnsignedProperties>" + END,
    ),
    "a name of a key": (b"</ds:KeyInfo>", b"<ds:KeyName>hidden</ds:KeyName></ds:KeyInfo>"),
    "a hint in X509Data": (b"</ds:X509Data>", b"<ds:X509SKI>hidden</ds:X509SKI></ds:X509Data>"),
    "an Id of the Object": (b"<ds:Object>", b'<ds:Object Id="hidden">'),
    "an attribute of the root": (b"<asic:XAdESSignatures ", b'<asic:XAdESSignatures a="hidden" '),
    "a namespace": (b"<ds:KeyInfo>", b'<ds:KeyInfo xmlns:hidden="hidden">'),
    "a relative namespace": (b"<ds:KeyInfo>", b'<ds:KeyInfo xmlns:h="h"><h:a/>'),
    "no default namespace": (b"<ds:SignedInfo>", b'<ds:SignedInfo xmlns="">'),
    "a comment at the end": (b"</asic:XAdESSignatures>", b"</asic:XAdESSignatures><!--hidden-->"),
    "an instruction": (b"</ds:Signature>", b"</ds:Signature><?a hidden?>"),
    "white space in a value": (b"<ds:SignatureValue>", b"<ds:SignatureValue> "),
    "text behind the signature": (b"</ds:Signature>", b"</ds:Signature>hidden"),
    "white space between elements": (b"<ds:X509Data>", b"<ds:X509Data>\n"),
    "a second certificate": (
        b"<ds:X509Certificate>",
        b"<ds:X509Certificate>AAAA</ds:X509Certificate><ds:X509Certificate>",
    ),
}


@pytest.fixture
def made() -> Made:
    return an_archive()


def _with(made: Made, data: bytes, **changed: bytes) -> bytes:
    names = {"signatures": SIGNATURES, "keys": archive.KEYS}
    names |= {"report": archive.SIGNATURE_REPORT, "revoked": SERVICE_LIST}
    entries = {**read_container(data), **{names[name]: content for name, content in changed.items()}}
    files = {name: each for name, each in entries.items() if name not in {SIGNATURES, MANIFEST}}
    return write_container({**files, MANIFEST: manifest_of(files), SIGNATURES: entries[SIGNATURES]})


def _code(verdict: ArchiveVerdict, question: Question) -> str | None:
    return next(
        (
            each.code
            for each in verdict.statements
            if each.question is question and each.answer is Answer.BROKEN
        ),
        None,
    )


def _verified(made: Made, data: bytes) -> ArchiveVerdict:
    return verify_archive(data, trust=made.trust, at=later())


@pytest.fixture
def renewed(made: Made) -> bytes:
    lists = [made.authority.revocation_list(at=later())]
    return RenewArchive(made.tsa.answer, made.trust, lists)(made.data, at=later())


@pytest.mark.parametrize("change", INSERTIONS.values(), ids=INSERTIONS)
def test_nothing_is_put_beside_what_the_service_signed(made: Made, change: Change) -> None:
    signatures = read_container(made.data)[SIGNATURES]
    assert signatures.count(change[0]) == 1 or change[0].startswith(b"<ds:X509")

    verdict = _verified(made, _with(made, made.data, signatures=signatures.replace(*change, 1)))

    assert _code(verdict, Question.SIGNATURE) == "signature.not_canonical"


@pytest.mark.parametrize("kind", [b"xades:CertificateValues", b"xades:Any"])
def test_nothing_follows_the_last_timestamp(made: Made, renewed: bytes, kind: bytes) -> None:
    signatures = read_container(renewed)[SIGNATURES]
    end = b"</xades:UnsignedSignatureProperties>"
    more = signatures.replace(end, b"<%b>hidden</%b>%b" % (kind, kind, end))

    assert _verified(made, renewed).holds
    assert _code(_verified(made, _with(made, renewed, signatures=more)), Question.SIGNATURE)


@pytest.mark.parametrize("tag", [b"<xades141:ArchiveTimeStamp", b"<xades:EncapsulatedTimeStamp"])
def test_the_last_timestamp_has_no_attribute_that_nobody_signed(
    made: Made, renewed: bytes, tag: bytes
) -> None:
    signatures = read_container(renewed)[SIGNATURES]
    end = signatures.index(b">", signatures.rindex(tag))
    named = signatures[:end] + b' Id="hidden"' + signatures[end:]

    verdict = _verified(made, _with(made, renewed, signatures=named))

    assert _code(verdict, Question.SIGNATURE) == "signature.not_canonical"


def test_a_signature_that_is_no_xml_is_not_renewed_and_says_so(made: Made) -> None:
    with pytest.raises(BrokenArchive, match=r"signature\.unreadable"):
        RenewArchive(made.tsa.answer, made.trust)(_with(made, made.data, signatures=b"<a"), at=later())


def _of_version_9(made: Made) -> bytes:
    own = made.key.certificate.public_bytes(serialization.Encoding.DER)
    return own.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1)


def _keys(made: Made) -> bytes:
    return json.dumps(
        {"keys": [{"kid": "a", "x5c": [base64.b64encode(_of_version_9(made)).decode()]}]}
    ).encode()


def _list(made: Made) -> bytes:
    made_list = made.authority.revocation_list(at=NOON).public_bytes(serialization.Encoding.DER)
    return made_list.replace(b"\x02\x01\x01", b"\x02\x01\x07", 1)


def _list_of_a_long_name(made: Made) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")] * 2000)
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(NOON)
    signed = builder.next_update(later()).sign(made.authority.private_key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def _report(made: Made, **trust: list[str]) -> bytes:
    report = json.loads(read_container(made.data)[archive.SIGNATURE_REPORT])
    report["diagnostic"]["trust"].update(trust)
    return json.dumps(report).encode()


def _report_of_version_9(made: Made) -> bytes:
    return _report(made, intermediates=[base64.b64encode(_of_version_9(made)).decode()])


def _report_of_a_list(made: Made) -> bytes:
    return _report(made, crls=[base64.b64encode(_list(made)).decode()])


@pytest.mark.parametrize(
    ("name", "make", "question", "code"),
    [
        pytest.param("keys", _keys, Question.KEYS, "keys.broken", id="a-key-of-version-9"),
        pytest.param("revoked", _list, Question.KEYS, "keys.list", id="a-list-of-version-8"),
        pytest.param("revoked", _list_of_a_long_name, Question.KEYS, "keys.list", id="a-long-name"),
        pytest.param("report", _report_of_version_9, Question.BUNDLE, "bundle.report", id="a-report-of-one"),
        pytest.param("report", _report_of_a_list, Question.BUNDLE, "bundle.report", id="a-report-of-a-list"),
    ],
)
def test_what_cannot_be_read_is_an_answer_and_not_an_error(
    made: Made, name: str, make: Callable[[Made], bytes], question: Question, code: str
) -> None:
    verdict = _verified(made, _with(made, made.data, **{name: make(made)}))

    assert _code(verdict, question) == code
