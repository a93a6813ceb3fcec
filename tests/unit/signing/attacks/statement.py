"""A statement of the time beside the whole document: what is not signed, or says more than a time."""

from collections.abc import Iterator

from signing.canonical import C14N_1_0
from signing.policy import ENVELOPED_SIGNATURE, XMLDSIG
from signing.verdict import Reason
from tests.unit.signing.attacks.table import Attack, Family, Make
from tests.unit.signing.documents import BUNDLE, ENVELOPED
from tests.unit.signing.forging import (
    OBJECT,
    PROPERTY,
    SIGNING_TIME,
    STATEMENT,
    STATEMENT_REFERENCE,
    forge,
    reference,
    template,
)

SCOPE, MALFORMED = Reason.SIGNATURE_REFERENCE_SCOPE, Reason.SIGNATURE_MALFORMED
UNSUPPORTED = Reason.SIGNATURE_OBJECT_UNSUPPORTED
WHOLE = reference("", ENVELOPED.replace("P:", ""))
BOTH = WHOLE + STATEMENT_REFERENCE
WITH_ID = BUNDLE.replace(b"<GIAMDINHHS ", b'<GIAMDINHHS Id="R" ').replace(b"<HOSO>", b'<HOSO Id="HS-1">')
RECORD = reference("#HS-1")


def over(references: str = BOTH, objects: str = OBJECT, signature: str = 'Id="S"') -> Make:
    return lambda workshop: forge(
        workshop.facility, template(references, objects, signature=signature), WITH_ID
    )


def changed(old: str, new: str) -> Make:
    return lambda workshop: over()(workshop).replace(old.encode(), new.encode())


def attacks() -> Iterator[Attack]:
    for name, references in {
        "covers the document alone": WHOLE,
        "covers itself alone": STATEMENT_REFERENCE,
        "is covered twice": WHOLE + STATEMENT_REFERENCE + reference("#SP"),
        "is covered, and a part of the document in its stead": STATEMENT_REFERENCE + RECORD,
        "is covered beside the document and a part of it": BOTH + RECORD,
        "stands beside the document and a part of it": WHOLE + RECORD,
        "is covered as something else": WHOLE + reference("#O", attributes=f' Type="{XMLDSIG}Manifest"'),
        "is covered as a part of it": WHOLE
        + reference("#O", attributes=f' Type="{XMLDSIG}SignatureProperties"'),
        "stands beside the document and the signature itself": WHOLE + reference("#S"),
        "stands beside the document twice": WHOLE * 2,
    }.items():
        yield Attack(f"the signature {name}", over(references), SCOPE)
    for name, algorithm in {
        "enveloped-signature": ENVELOPED_SIGNATURE,
        "XPath": "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "base64": f"{XMLDSIG}base64",
    }.items():
        made = reference("#O", f'<Transform Algorithm="{algorithm}"/>')
        yield Attack(f"the transform {name} for it", over(WHOLE + made), Reason.SIGNATURE_TRANSFORM_FORBIDDEN)
    two = reference("#O", f'<Transform Algorithm="{C14N_1_0}"/>' * 2)
    yield Attack("two transforms for it", over(WHOLE + two), Reason.SIGNATURE_TRANSFORM_FORBIDDEN)
    for name, old, new in (
        ("another signature as target", "#S", "#T"),
        ("its own property as target", "#S", "#SP"),
        ("an XPointer as target", '"#S"', '"#xpointer(/)"'),
        ("no target", ' Target="#S"', ""),
        ("two properties", PROPERTY, PROPERTY + PROPERTY.replace("SP", "SP2")),
        ("two times", SIGNING_TIME, SIGNING_TIME * 2),
        ("no time", SIGNING_TIME, ""),
        ("something else than a time", "SigningTime>", "Amount>"),
        ("a property in another namespace", "<SignatureProperty ", '<SignatureProperty xmlns="urn:x" '),
        ("text beside the property", PROPERTY, f"x{PROPERTY}"),
        ("an element in the time", "2026-06-01T", "<b/>2026-06-01T"),
        ("a further attribute", "<SignatureProperty ", '<SignatureProperty x="y" '),
        ("a day that is in no calendar", "2026-06-01T", "2026-02-30T"),
        ("a time before all others", "2026-06-01T14:59:00", "0001-01-01T00:00:00"),
        ("a month and a day the other way round", "2026-06-01T14:59:00", "06/31/2026 14:59:00"),
        ("a day without a time", "2026-06-01T14:59:00", "01/06/2026"),
        ("a time after all others", "2026-06-01T14:59:00", "9999-12-31T23:59:59Z"),
    ):
        yield Attack(name, over(objects=OBJECT.replace(old, new)), MALFORMED)
    yield Attack("a signature without Id", over(signature=""), MALFORMED)
    for name, objects in {
        "a second Object": f'{OBJECT}<Object Id="P"/>',
        "two statements in one Object": f'<Object Id="O">{STATEMENT * 2}</Object>'.replace(
            f"{STATEMENT}</Object>", f"{STATEMENT.replace('SP', 'SP2')}</Object>"
        ),
        "a Manifest in its place": '<Object Id="O"><Manifest/></Object>',
        "a statement in another namespace": OBJECT.replace('xmlns=""', 'xmlns="urn:x"'),
    }.items():
        yield Attack(name, over(objects=objects), UNSUPPORTED)
    yield Attack(
        "the Id of the Object in the document, too",
        changed("<LOAIHOSO>", '<LOAIHOSO Id="O">'),
        Reason.SIGNATURE_DUPLICATE_ID,
    )
    mismatch = Reason.SIGNATURE_DIGEST_MISMATCH
    yield Attack("another time", changed("T14:59:00", "T14:58:00"), mismatch)
    yield Attack("a field changed", changed("01001", "01002"), mismatch)


FAMILY = Family("Statements beside the whole document", tuple(attacks()))
