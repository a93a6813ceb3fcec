"""Certificates that no library would write, rightly signed by the trusted authority."""

import base64
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from signing import der
from signing.demo_pki import FacilityKey
from signing.der import Reader, encode, integer, object_identifier, octet_string, sequence
from signing.keys import LocalSigner
from signing.policy import ECDSA_SHA256
from signing.verdict import Reason
from tests.unit.signing.attacks.certificates import KEY, key_usage
from tests.unit.signing.attacks.table import Attack, Family, Make, Workshop
from tests.unit.signing.documents import DAY, NOW, Recipe, certificate_for, ecdsa_signing, sign_like

#: What a certificate says, part by part: change it and hand it back.
Parts = dict[str, bytes]
Change = Callable[[Parts], Parts]

NAMES = ("version", "serial", "algorithm", "issuer", "validity", "subject", "key", "extensions")
SHA256_WITH_RSA = sequence(object_identifier("1.2.840.113549.1.1.11"), encode(der.NULL))
SHA1_WITH_RSA = sequence(object_identifier("1.2.840.113549.1.1.5"), encode(der.NULL))
MALFORMED, UNTRUSTED = Reason.CERTIFICATE_MALFORMED, Reason.CERTIFICATE_UNTRUSTED
FORBIDDEN, MISMATCH = Reason.CERTIFICATE_KEY_FORBIDDEN, Reason.SIGNATURE_KEY_MISMATCH

EC_KEY, PRIME_FIELD = object_identifier("1.2.840.10045.2.1"), object_identifier("1.2.840.10045.1.1")
P_256 = object_identifier("1.2.840.10045.3.1.7")
FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CURVE_B = bytes.fromhex("5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B")


def point() -> bytes:
    return KEY.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def key_of(parameters: bytes, octets: bytes) -> bytes:
    return sequence(sequence(EC_KEY, parameters), encode(der.BIT_STRING, b"\0" + octets))


def explicit(generator: bytes) -> bytes:
    """P-256 with its parameters written out, and a generator of the attacker's choice (CVE-2020-0601)."""
    return sequence(
        integer(1),
        sequence(PRIME_FIELD, integer(FIELD)),
        sequence(octet_string((FIELD - 3).to_bytes(32, "big")), octet_string(CURVE_B)),
        octet_string(generator),
        integer(ORDER),
        integer(1),
    )


def crafted(change: Change, *, outer: bytes = SHA256_WITH_RSA, sha1: bool = False) -> Make:
    """Sign with a certificate whose parts were changed before the authority signed it."""

    def make(workshop: Workshop) -> bytes:
        usual = certificate_for(
            KEY.public_key(), issued_by=workshop.pki, extensions=[(key_usage("digital_signature"), True)]
        )
        reader, wholes = Reader.of(usual.tbs_certificate_bytes), []
        while reader.tag is not None:
            wholes.append(reader.take_whole())
        signed = sequence(*change(dict(zip(NAMES, wholes, strict=True))).values())
        algorithm = hashes.SHA1() if sha1 else hashes.SHA256()  # noqa: S303 - what must be refused
        value = workshop.pki.issuing_key.sign(signed, padding.PKCS1v15(), algorithm)
        text = base64.b64encode(sequence(signed, outer, encode(der.BIT_STRING, b"\0" + value))).decode()
        key_info = (
            f"<P:KeyInfo><P:X509Data><P:X509Certificate>{text}</P:X509Certificate></P:X509Data></P:KeyInfo>"
        )
        like = Recipe(
            algorithm=ECDSA_SHA256,
            key_info=key_info,
            sign=ecdsa_signing(
                FacilityKey(b"", "", usual, LocalSigner(usual, KEY)), hashes.SHA256(), octets=32
            ),
        )
        return sign_like(like, workshop.ec_facility)

    return make


def with_part(name: str, value: bytes | Callable[[bytes], bytes]) -> Change:
    def change(parts: Parts) -> Parts:
        return {**parts, name: value(parts[name]) if callable(value) else value}

    return change


def without(*names: str) -> Change:
    return lambda parts: {name: part for name, part in parts.items() if name not in names}


def doubled_extension(extensions: bytes) -> bytes:
    inside = Reader.of(extensions, der.context(3)).take(der.SEQUENCE)
    return encode(der.context(3), encode(der.SEQUENCE, inside, inside))


def validity(first: str, last: str) -> bytes:
    return sequence(encode(0x17, first.encode()), encode(0x17, last.encode()))


def attacks() -> Iterator[Attack]:
    changes: dict[str, tuple[Change, Reason | tuple[Reason, ...]]] = {
        "a serial number of zero": (with_part("serial", integer(0)), MALFORMED),
        "a negative serial number": (with_part("serial", encode(der.INTEGER, b"\x80")), MALFORMED),
        "a serial number that is padded": (with_part("serial", encode(der.INTEGER, b"\0\1")), MALFORMED),
        "a serial number of 40 octets": (with_part("serial", encode(der.INTEGER, b"\1" * 40)), MALFORMED),
        "version 1 with extensions": (without("version"), Reason.CERTIFICATE_PATH),
        "version 1": (without("version", "extensions"), Reason.CERTIFICATE_PATH),
        "version 9": (with_part("version", encode(der.context(0), integer(8))), MALFORMED),
        "an extension twice": (with_part("extensions", doubled_extension), MALFORMED),
        "a validity that ends before it begins": (
            with_part("validity", validity(f"{NOW + DAY:%y%m%d%H%M%SZ}", f"{NOW - DAY:%y%m%d%H%M%SZ}")),
            (Reason.CERTIFICATE_NOT_YET_VALID, Reason.CERTIFICATE_EXPIRED),
        ),
        "a day that is in no calendar": (
            with_part("validity", validity("260230000000Z", "270101000000Z")),
            MALFORMED,
        ),
        "SHA-1 named inside alone": (with_part("algorithm", SHA1_WITH_RSA), UNTRUSTED),
        "explicit parameters of its curve": (
            with_part("key", key_of(explicit(b"\4" + b"\1" * 64), point())),
            (MISMATCH, FORBIDDEN),
        ),
        "its own point as the generator of its curve": (
            with_part("key", key_of(explicit(point()), point())),
            (MISMATCH, FORBIDDEN),
        ),
        "no parameters of its curve": (with_part("key", key_of(b"", point())), MALFORMED),
        "a point beside its curve": (
            with_part("key", key_of(P_256, point()[:-1] + bytes([point()[-1] ^ 1]))),
            (MISMATCH, FORBIDDEN),
        ),
        "the point at infinity": (with_part("key", key_of(P_256, b"\0")), (MISMATCH, FORBIDDEN)),
        "half a point": (with_part("key", key_of(P_256, point()[:33])), (MISMATCH, FORBIDDEN)),
        "octets after its key": (with_part("key", lambda key: key + encode(der.NULL)), MALFORMED),
        "a key of a kind that nobody knows": (
            with_part(
                "key", sequence(sequence(object_identifier("1.2.3.4")), encode(der.BIT_STRING, b"\0\1"))
            ),
            (MISMATCH, FORBIDDEN),
        ),
    }
    for name, (change, answer) in changes.items():
        yield Attack(name, crafted(change), answer)
    yield Attack(
        "signed with SHA-1",
        crafted(with_part("algorithm", SHA1_WITH_RSA), outer=SHA1_WITH_RSA, sha1=True),
        UNTRUSTED,
    )
    yield Attack("signed with SHA-1 under the name of SHA-256", crafted(dict, sha1=True), UNTRUSTED)
    yield Attack("SHA-1 named outside alone", crafted(dict, outer=SHA1_WITH_RSA), UNTRUSTED)


FAMILY = Family("Certificates that no tool writes", tuple(attacks()))
