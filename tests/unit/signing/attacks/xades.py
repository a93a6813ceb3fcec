"""XAdES: the signed properties must be this signature's, whole, and there once."""

from collections.abc import Iterator

from signing.policy import SHA256, XMLDSIG, XMLDSIG_MORE
from signing.verdict import Reason
from signing.xades.names import SIGNED_PROPERTIES_TYPE, XADES
from tests.unit.signing.attacks.table import Attack, Family, Make, Workshop, edited, part_of, replaced, xades
from tests.unit.signing.documents import BUNDLE, ENVELOPED, certificate_for, transform, x509_data
from tests.unit.signing.xades_documents import (
    FORMAT,
    SIGNING_TIME,
    XadesRecipe,
    cert,
    digest_of,
    sign_xades,
)

SCOPE, TARGET, NOT_SIGNED = Reason.SIGNATURE_REFERENCE_SCOPE, Reason.XADES_TARGET, Reason.XADES_NOT_SIGNED
MALFORMED, SEVERAL = Reason.XADES_MALFORMED, Reason.XADES_PROPERTY_SEVERAL
MISSING, UNSUPPORTED = Reason.XADES_PROPERTY_MISSING, Reason.SIGNATURE_OBJECT_UNSUPPORTED

COPY = '<X:QualifyingProperties xmlns:X="urn:copy"/>'
UNSIGNED = "<X:UnsignedProperties><X:UnsignedSignatureProperties/></X:UnsignedProperties>"
POLICY_ID = (
    "<X:SignaturePolicyIdentifier><X:SignaturePolicyId><X:SigPolicyId/></X:SignaturePolicyId>"
    "</X:SignaturePolicyIdentifier>"
)
DECOY = f'<X:SignedProperties xmlns:X="{XADES}" Id="{{}}">old</X:SignedProperties>'
OLDER = (
    "<X:IssuerSerial><P:X509IssuerName>CN=any spelling</P:X509IssuerName>"
    "<P:X509SerialNumber>{}</P:X509SerialNumber></X:IssuerSerial>"
)
V2 = "<X:SigningCertificateV2>{}</X:SigningCertificateV2>"

RECIPES = {
    "another target": (XadesRecipe(target='Target="#other"'), TARGET),
    "a target without #": (XadesRecipe(target='Target="s"'), TARGET),
    "a target that is the properties": (XadesRecipe(target='Target="#p"'), TARGET),
    "no target": (XadesRecipe(target=""), TARGET),
    "a signature without Id": (XadesRecipe(signature_id=""), TARGET),
    "an empty target": (XadesRecipe(signature_id='Id=""', target='Target="#"'), TARGET),
    "properties without Id": (XadesRecipe(properties_id=""), NOT_SIGNED),
    "a reference to another Id": (XadesRecipe(uri="#q"), SCOPE),
    "a reference out of the document": (XadesRecipe(uri="p"), SCOPE),
    "a reference by XPointer": (XadesRecipe(uri="#xpointer(id('p'))"), SCOPE),
    "a reference to the signature": (XadesRecipe(uri="#s"), SCOPE),
    "a reference without type": (XadesRecipe(type=""), SCOPE),
    "a reference of an older type": (
        XadesRecipe(type='Type="http://uri.etsi.org/01903/v1.1.1#SignedProperties"'),
        SCOPE,
    ),
    "a base64 transform of the properties": (
        XadesRecipe(transforms=f"<P:Transforms>{transform(f'{XMLDSIG}base64')}</P:Transforms>"),
        Reason.SIGNATURE_TRANSFORM_FORBIDDEN,
    ),
    "an enveloped-signature transform of the properties": (
        XadesRecipe(transforms=f"<P:Transforms>{ENVELOPED}</P:Transforms>"),
        Reason.SIGNATURE_TRANSFORM_FORBIDDEN,
    ),
    "empty Transforms": (XadesRecipe(transforms="<P:Transforms/>"), Reason.SIGNATURE_MALFORMED),
    "SHA-1 of the properties": (
        XadesRecipe(digest_method=f"{XMLDSIG}sha1", digest_name="sha1"),
        Reason.SIGNATURE_SHA1,
    ),
    "no time of signing": (XadesRecipe(signing_time=""), MISSING),
    "two times of signing": (XadesRecipe(signing_time=SIGNING_TIME * 2), SEVERAL),
    "no signing certificate": (XadesRecipe(certificate=""), MISSING),
    "two formats of one reference": (
        XadesRecipe(
            data_object_properties="<X:SignedDataObjectProperties>"
            f"{FORMAT * 2}</X:SignedDataObjectProperties>"
        ),
        MALFORMED,
    ),
    "a format of nothing": (
        XadesRecipe(
            data_object_properties="<X:SignedDataObjectProperties>"
            f"{FORMAT.replace('#r', '#nothing')}</X:SignedDataObjectProperties>"
        ),
        MALFORMED,
    ),
    "an explicit policy": (XadesRecipe(more_signature_properties=POLICY_ID), Reason.XADES_POLICY_UNKNOWN),
    "an empty policy": (
        XadesRecipe(more_signature_properties="<X:SignaturePolicyIdentifier/>"),
        Reason.XADES_POLICY_UNKNOWN,
    ),
    "unsigned properties twice": (XadesRecipe(unsigned=UNSIGNED * 2), MALFORMED),
    "unsigned properties of no kind": (XadesRecipe(unsigned=UNSIGNED.replace("Signature", "")), MALFORMED),
    "257 unsigned properties": (
        XadesRecipe(unsigned=UNSIGNED.replace("/>", ">" + "<a/>" * 257 + "</X:UnsignedSignatureProperties>")),
        MALFORMED,
    ),
    "signed properties twice": (XadesRecipe(unsigned='<X:SignedProperties Id="q"/>'), MALFORMED),
    "properties outside of an Object": (XadesRecipe(object=COPY + "{}"), UNSUPPORTED),
    "another Object": (XadesRecipe(more_objects="<P:Object/>"), UNSUPPORTED),
    "two Objects of one Id": (XadesRecipe(object="{0}{0}"), Reason.SIGNATURE_DUPLICATE_ID),
    "signed properties in another Object": (
        XadesRecipe(more_objects=f"<P:Object>{DECOY.format('q')}</P:Object>"),
        UNSUPPORTED,
    ),
    "an older XAdES": (XadesRecipe(xades="http://uri.etsi.org/01903/v1.1.1#"), UNSUPPORTED),
}
CERTIFICATES = {
    "an empty SigningCertificateV2": (V2.format(""), MALFORMED),
    "a Cert without digest": (V2.format("<X:Cert/>"), MALFORMED),
    "nine certificates named": (V2.format(cert(digest_of(b"x")) * 9), MALFORMED),
    "a digest of three octets": (V2.format(cert("AAAA")), MALFORMED),
    "SHA-1 of the certificate": (
        V2.format(cert(digest_of(b"x", "sha1"), method=f"{XMLDSIG}sha1")),
        Reason.SIGNATURE_SHA1,
    ),
    "MD5 of the certificate": (
        V2.format(cert(digest_of(b"x", "md5"), method=f"{XMLDSIG_MORE}md5")),
        Reason.SIGNATURE_ALGORITHM_FORBIDDEN,
    ),
    "a serial that is no number": (
        f"<X:SigningCertificate>{cert(digest_of(b'x'), OLDER.format('1x'))}</X:SigningCertificate>",
        MALFORMED,
    ),
    "the older form inside the newer": (V2.format(cert(digest_of(b"x"), OLDER.format("1"))), MALFORMED),
    "both forms": (
        f"<X:SigningCertificate>{cert(digest_of(b'x'))}</X:SigningCertificate>{V2.format(cert(digest_of(b'x')))}",
        SEVERAL,
    ),
    "nobody's certificate": (V2.format(cert(digest_of(b"x"))), Reason.XADES_SIGNING_CERTIFICATE),
}
TIMES = (
    "", "yesterday", "2026-06-01", "2026-13-01T00:00:00Z", "2026-06-01T24:00:00Z", "0000-06-01T00:00:00Z",
    "2026-06-01T00:00:00+25:00", "0001-01-01T00:00:00+14:00", "٢026-06-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
)  # fmt: skip


def other_certificate(workshop: Workshop) -> bytes:
    """Another certificate for the same key: of another owner, perhaps, or purpose."""
    twin = certificate_for(workshop.facility.certificate.public_key(), issued_by=workshop.pki, subject="twin")
    return sign_xades(XadesRecipe(key_info=x509_data(twin)), workshop.facility)


def elsewhere(properties_id: str) -> Make:
    """The properties that were signed stand in the document, and others in their place."""
    document = BUNDLE.replace(b"<HOSO>", f"<HOSO>{DECOY.format('p')}".encode())
    return xades(XadesRecipe(properties_id=f'Id="{properties_id}"'), document)


def not_referenced(root: object) -> None:
    info = part_of(root, "SignedInfo")  # type: ignore[arg-type]
    info.remove(info[3])


def covered_twice(uri: str, kind: str = "") -> Make:
    """KeyInfo has an Id, so there may be three references; two of them are to the same."""
    transforms = "" if uri else f"<P:Transforms>{ENVELOPED}</P:Transforms>"
    more = (
        f'<P:Reference URI="{uri}"{kind}>{transforms}<P:DigestMethod Algorithm="{SHA256}"/>'
        f"<P:DigestValue>{digest_of(b'')}</P:DigestValue></P:Reference>"
    )

    def make(workshop: Workshop) -> bytes:
        key_info = x509_data(workshop.facility.certificate).replace("<P:KeyInfo>", '<P:KeyInfo Id="k">')
        return sign_xades(XadesRecipe(key_info=key_info, more_references=more), workshop.facility)

    return make


def counter_signature(workshop: Workshop) -> bytes:
    unsigned = (
        "<X:UnsignedProperties><X:UnsignedSignatureProperties><X:CounterSignature>"
        "<P:Signature/></X:CounterSignature></X:UnsignedSignatureProperties></X:UnsignedProperties>"
    )
    return sign_xades(XadesRecipe(unsigned=unsigned), workshop.facility)


def attacks() -> Iterator[Attack]:
    for name, (like, answer) in RECIPES.items():
        yield Attack(name, xades(like), answer)
    for name, (certificate, answer) in CERTIFICATES.items():
        yield Attack(name, xades(XadesRecipe(certificate=certificate)), answer)
    for text in TIMES:
        like = XadesRecipe(signing_time=f"<X:SigningTime>{text}</X:SigningTime>")
        yield Attack(f"the time “{text}”", xades(like), MALFORMED)
    yield Attack("another certificate for the same key", other_certificate, Reason.XADES_SIGNING_CERTIFICATE)
    yield Attack(
        "the signed properties moved into the document, others in their place", elsewhere("q"), SCOPE
    )
    yield Attack("the same, of the same Id", elsewhere("p"), Reason.SIGNATURE_DUPLICATE_ID)
    yield Attack("no reference to the properties", edited(not_referenced, "xades"), (NOT_SIGNED))
    yield Attack(
        "a property changed",
        replaced("SigningTime>2026", "SigningTime>2025", "xades"),
        Reason.SIGNATURE_DIGEST_MISMATCH,
    )
    yield Attack("a field changed", replaced("01001", "01002", "xades"), Reason.SIGNATURE_DIGEST_MISMATCH)
    yield Attack("the document covered twice", covered_twice(""), SCOPE)
    kind = f' Type="{SIGNED_PROPERTIES_TYPE}"'
    yield Attack("the properties covered twice", covered_twice("#p", kind), SCOPE)
    yield Attack("a counter-signature", counter_signature, Reason.SIGNATURE_SEVERAL)


FAMILY = Family("XAdES", tuple(attacks()))
