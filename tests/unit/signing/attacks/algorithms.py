"""Algorithms, and values that were not made by the one that is named."""

import hashlib
from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE
from signing.demo_pki import FacilityKey
from signing.policy import ECDSA_SHA256, RSA_SHA256, SHA256, XMLDSIG, XMLDSIG_MORE, XMLDSIG_MORE_2007, XMLENC
from signing.pss import RSA_PSS
from signing.verdict import Reason
from tests.unit.signing.attacks.table import Attack, Family, Make, Workshop, recipe, replaced
from tests.unit.signing.documents import Recipe, ecdsa_signing, pss_parameters, rsa_signing, sign_like

FORBIDDEN, SHA_1 = Reason.SIGNATURE_ALGORITHM_FORBIDDEN, Reason.SIGNATURE_SHA1
WRONG, MISMATCH, MALFORMED = (
    Reason.SIGNATURE_VALUE_WRONG,
    Reason.SIGNATURE_KEY_MISMATCH,
    Reason.SIGNATURE_MALFORMED,
)

SIGNATURES = {
    f"{XMLDSIG}rsa-sha1": SHA_1,
    f"{XMLDSIG}dsa-sha1": SHA_1,
    f"{XMLDSIG}hmac-sha1": SHA_1,
    f"{XMLDSIG_MORE}ecdsa-sha1": SHA_1,
    f"{XMLDSIG_MORE_2007}sha1-rsa-MGF1": SHA_1,
    f"{XMLDSIG_MORE}rsa-md5": FORBIDDEN,
    f"{XMLDSIG_MORE}rsa-ripemd160": FORBIDDEN,
    f"{XMLDSIG_MORE}rsa-sha224": FORBIDDEN,
    f"{XMLDSIG_MORE}ecdsa-sha224": FORBIDDEN,
    "http://www.w3.org/2009/xmldsig11#dsa-sha256": FORBIDDEN,
    f"{XMLDSIG_MORE}hmac-sha256": FORBIDDEN,
    f"{XMLDSIG_MORE}hmac-sha512": FORBIDDEN,
    f"{XMLDSIG_MORE}hmac-md5": FORBIDDEN,
    RSA_PSS: WRONG,  # SHA-256, which PKCS#1 v1.5 does not make it
    f"{XMLDSIG_MORE_2007}sha3-256-rsa-MGF1": FORBIDDEN,
    "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519": FORBIDDEN,
    "": FORBIDDEN,
    f"{RSA_SHA256} ": FORBIDDEN,
    RSA_SHA256.upper(): FORBIDDEN,
    RSA_SHA256.replace("http:", "https:"): FORBIDDEN,
    "rsa-sha256": FORBIDDEN,
    "none": FORBIDDEN,
}
DIGESTS = {
    f"{XMLDSIG}sha1": ("sha1", SHA_1),
    f"{XMLDSIG_MORE}md5": ("md5", FORBIDDEN),
    f"{XMLDSIG_MORE}sha224": ("sha224", FORBIDDEN),
    f"{XMLENC}ripemd160": ("sha256", FORBIDDEN),
    f"{XMLDSIG_MORE_2007}sha3-256": ("sha3_256", FORBIDDEN),
    "": ("sha256", FORBIDDEN),
    "sha256": ("sha256", FORBIDDEN),
    f"{SHA256} ": ("sha256", FORBIDDEN),
    "http://www.w3.org/2000/09/xmldsig#sha256": ("sha256", FORBIDDEN),
}
# RFC 8017, 9.2: what stands before a digest in the padded form.
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def rsa_numbers(key: FacilityKey) -> rsa.RSAPrivateNumbers:
    private = key.signer.private_key
    assert isinstance(private, rsa.RSAPrivateKey)
    return private.private_numbers()


def raw_rsa(key: FacilityKey, padded: bytes) -> bytes:
    """Return the RSA signature of octets that are padded already, rightly or not."""
    numbers = rsa_numbers(key)
    modulus = numbers.public_numbers.n
    return pow(int.from_bytes(padded, "big"), numbers.d, modulus).to_bytes(256, "big")


def padded(digest_info: bytes, *, start: bytes = b"\0\1", fill: int = 0xFF, room: int = 0) -> bytes:
    """Return PKCS#1 v1.5 padding around a DigestInfo, and room after it for what does not belong there."""
    count = 256 - len(start) - 1 - len(digest_info) - room
    return start + bytes([fill]) * count + b"\0" + digest_info + b"\xaa" * room


def with_padding(pad: Callable[[bytes], bytes]) -> Make:
    def make(workshop: Workshop) -> bytes:
        def sign(data: bytes) -> bytes:
            return raw_rsa(workshop.facility, pad(hashlib.sha256(data).digest()))

        return sign_like(Recipe(sign=sign), workshop.facility)

    return make


def with_value(change: Callable[[bytes, int], bytes]) -> Make:
    """Change a right RSA value, knowing the modulus."""

    def make(workshop: Workshop) -> bytes:
        right = rsa_signing(workshop.facility, hashes.SHA256())
        modulus = rsa_numbers(workshop.facility).public_numbers.n
        return sign_like(Recipe(sign=lambda data: change(right(data), modulus)), workshop.facility)

    return make


def with_pss(algorithm: str, pss: padding.PSS, hash_algorithm: hashes.HashAlgorithm) -> Make:
    def make(workshop: Workshop) -> bytes:
        private = workshop.facility.signer.private_key
        assert isinstance(private, rsa.RSAPrivateKey)
        like = Recipe(algorithm=algorithm, sign=lambda data: private.sign(data, pss, hash_algorithm))
        return sign_like(like, workshop.facility)

    return make


def with_ecdsa(
    sign: Callable[[FacilityKey], Callable[[bytes], bytes]], algorithm: str = ECDSA_SHA256
) -> Make:
    return lambda workshop: sign_like(
        Recipe(algorithm=algorithm, sign=sign(workshop.ec_facility)), workshop.ec_facility
    )


def ecdsa_der(key: FacilityKey) -> Callable[[bytes], bytes]:
    private = key.signer.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return lambda data: private.sign(data, ec.ECDSA(hashes.SHA256()))


def ecdsa_changed(change: Callable[[bytes], bytes]) -> Callable[[FacilityKey], Callable[[bytes], bytes]]:
    def sign(key: FacilityKey) -> Callable[[bytes], bytes]:
        right = ecdsa_signing(key, hashes.SHA256(), octets=32)
        return lambda data: change(right(data))

    return sign


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
EC_VALUES = {
    "both integers zero": lambda _: bytes(64),
    "r zero": lambda value: bytes(32) + value[32:],
    "s zero": lambda value: value[:32] + bytes(32),
    "both integers too great": lambda _: b"\xff" * 64,
    "both the order of the curve": lambda _: ORDER.to_bytes(32, "big") * 2,
    "r swapped with s": lambda value: value[32:] + value[:32],
    "s plus the order": lambda value: (
        value[:32] + (int.from_bytes(value[32:], "big") + ORDER).to_bytes(33, "big")
    ),
    "one octet": lambda _: b"\0",
    "an octet before": lambda value: b"\0" + value,
    "an octet after": lambda value: value + b"\0",
    "one octet short": lambda value: value[:-1],
}


def attacks() -> Iterator[Attack]:
    for uri, reason in SIGNATURES.items():
        yield Attack(f"SignatureMethod “{uri}”", recipe(Recipe(algorithm=uri)), reason)
    for length in ("0", "8", "256"):
        truncated = Recipe(
            algorithm=f"{XMLDSIG_MORE}hmac-sha256",
            method_inside=f"<P:HMACOutputLength>{length}</P:HMACOutputLength>",
            sign=lambda _: b"\0",
        )
        yield Attack(f"an HMAC of {length} bits", recipe(truncated), FORBIDDEN)
    beside = Recipe(method_inside="<P:HMACOutputLength>8</P:HMACOutputLength>")
    yield Attack("an HMAC length beside RSA", recipe(beside), FORBIDDEN)
    for uri, (name, reason) in DIGESTS.items():
        like = Recipe(digest_method=uri, digest_name=name)
        yield Attack(f"DigestMethod “{uri}”", recipe(like), reason)
    for uri, name in ((f"{XMLENC}sha512", "sha256"), (SHA256, "sha512"), (f"{XMLDSIG_MORE}sha384", "sha512")):
        like = Recipe(digest_method=uri, digest_name=name)
        yield Attack(f"{name} under the name of {uri.rpartition('#')[2]}", recipe(like), MALFORMED)
    other = Recipe(digest_method=SHA256, digest_name="sha3_256")
    yield Attack("SHA3-256 under the name of sha256", recipe(other), Reason.SIGNATURE_DIGEST_MISMATCH)
    for uri in (
        f"{C14N_1_0}#WithComments", f"{C14N_1_1}#WithComments", f"{C14N_EXCLUSIVE}WithComments",
        "http://www.w3.org/2010/xml-c14n2", "urn:none", "", f"{C14N_1_0} ",
    ):  # fmt: skip
        make = replaced(
            f'CanonicalizationMethod Algorithm="{C14N_1_0}"', f'CanonicalizationMethod Algorithm="{uri}"'
        )
        yield Attack(f"CanonicalizationMethod “{uri}”", make, FORBIDDEN)
    yield from confusions()
    yield from pss_in_other_words()
    yield from rsa_values()
    for name, change in EC_VALUES.items():
        yield Attack(f"an ECDSA value: {name}", with_ecdsa(ecdsa_changed(change)), WRONG)
    yield Attack("an ECDSA value: in DER", with_ecdsa(ecdsa_der), WRONG)
    for octets in (33, 40, 48, 64, 66):
        name = f"an ECDSA value: padded to {octets} octets each"
        sign = lambda key, octets=octets: ecdsa_signing(key, hashes.SHA256(), octets=octets)  # noqa: E731
        yield Attack(name, with_ecdsa(sign), WRONG)


def confusions() -> Iterator[Attack]:
    yield Attack(
        "an RSA name over an elliptic key",
        lambda workshop: sign_like(Recipe(algorithm=RSA_SHA256), workshop.ec_facility),
        MISMATCH,
    )
    yield Attack("an ECDSA name over an RSA key", recipe(Recipe(algorithm=ECDSA_SHA256)), MISMATCH)
    sha512 = Recipe(algorithm=f"{XMLDSIG_MORE}rsa-sha512")
    yield Attack("RSA with SHA-256 under the name of SHA-512", recipe(sha512), WRONG)
    yield Attack(
        "ECDSA with SHA-256 under the name of SHA-384",
        with_ecdsa(lambda key: ecdsa_signing(key, hashes.SHA256(), octets=32), f"{XMLDSIG_MORE}ecdsa-sha384"),
        WRONG,
    )
    mgf = padding.MGF1
    pss_name = f"{XMLDSIG_MORE_2007}sha256-rsa-MGF1"
    sha256, sha512_hash = hashes.SHA256(), hashes.SHA512()
    right = padding.PSS(mgf(sha256), 32)
    yield Attack("PSS under the name of PKCS#1 v1.5", with_pss(RSA_SHA256, right, sha256), WRONG)
    yield Attack("PKCS#1 v1.5 under the name of PSS", recipe(Recipe(algorithm=pss_name)), WRONG)
    for salt in (0, 20, 64, 222):
        yield Attack(
            f"PSS with a salt of {salt}", with_pss(pss_name, padding.PSS(mgf(sha256), salt), sha256), WRONG
        )
    yield Attack(
        "PSS with another mask", with_pss(pss_name, padding.PSS(mgf(sha512_hash), 32), sha256), WRONG
    )


def pss_in_other_words() -> Iterator[Attack]:
    """What is said of RSASSA-PSS is what is meant; a hash that nobody accepts hides nowhere in it."""
    sha512 = f"{XMLENC}sha512"
    twice = "<X:SaltLength>32</X:SaltLength>"
    names = {
        "a salt of 20": pss_parameters(salt=20),
        "a salt of 032": pss_parameters(salt="032"),
        "a salt of SHA-512": pss_parameters(None, None, 64),
        "two salts": pss_parameters(more=twice),
        "another mask": pss_parameters(mask=sha512),
        "another mask than is usual": pss_parameters(None, sha512, None),
        "another trailer": pss_parameters(trailer=2),
        "something more": pss_parameters(more="<X:Other/>"),
        "the salt before the mask": pss_parameters(mask=None).replace(
            "</X:SaltLength>", "</X:SaltLength><X:MaskGenerationFunction/>"
        ),
        "another mask generation function": pss_parameters().replace(
            "<X:MaskGenerationFunction>", '<X:MaskGenerationFunction Algorithm="urn:none">'
        ),
        "parameters twice": pss_parameters() * 2,
        "another element": pss_parameters().replace("RSAPSSParams", "Params"),
        "MD5": pss_parameters(f"{XMLDSIG_MORE}md5", None, None),
    }
    for name, inside in names.items():
        yield Attack(
            f"RSASSA-PSS with parameters: {name}",
            recipe(Recipe(algorithm=RSA_PSS, method_inside=inside)),
            FORBIDDEN,
        )
    for where in ("digest", "mask"):
        inside = pss_parameters(**{where: f"{XMLDSIG}sha1"})
        yield Attack(
            f"RSASSA-PSS with parameters: SHA-1 for the {where}",
            recipe(Recipe(algorithm=RSA_PSS, method_inside=inside)),
            SHA_1,
        )
    right = recipe(Recipe(algorithm=RSA_PSS, method_inside=pss_parameters()))
    yield Attack("RSASSA-PSS with parameters over PKCS#1 v1.5", right, WRONG)
    beside = recipe(Recipe(method_inside=pss_parameters()))
    yield Attack("parameters of RSASSA-PSS beside another name", beside, FORBIDDEN)


def rsa_values() -> Iterator[Attack]:
    """Forgeries that worked on somebody: an RSA value must be one exact number."""
    info = DIGEST_INFO
    without_null = bytes.fromhex("302f300b06096086480165030402010420")
    sha1 = bytes.fromhex("3021300906052b0e03021a05000414")
    long_form = bytes.fromhex("308131300d060960864801650304020105000420")
    shapes: dict[str, Callable[[bytes], bytes]] = {
        "garbage after the digest (Bleichenbacher 2006)": lambda digest: padded(info + digest, room=150),
        "garbage in the parameters": lambda digest: padded(
            bytes.fromhex("3041301d06096086480165030402010410") + b"\xaa" * 16 + b"\4\x20" + digest
        ),
        "no parameters": lambda digest: padded(without_null + digest),
        "a BER length": lambda digest: padded(long_form + digest),
        "another padding byte": lambda digest: padded(info + digest, fill=0),
        "padding of type 2": lambda digest: padded(info + digest, start=b"\0\2", fill=0x77),
        "the digest alone": padded,
        "no padding at all": lambda digest: digest.rjust(256, b"\0"),
        "the name of SHA-1 inside": lambda digest: padded(sha1 + digest[:20]),
    }
    for name, pad in shapes.items():
        yield Attack(f"an RSA value: {name}", with_padding(pad), WRONG)
    changes: dict[str, Callable[[bytes, int], bytes]] = {
        "an octet before": lambda value, _: b"\0" + value,
        "an octet after": lambda value, _: value + b"\0",
        "cut": lambda value, _: value[:-1],
        "plus the modulus": lambda value, n: (int.from_bytes(value, "big") + n).to_bytes(257, "big"),
        "the modulus less it": lambda value, n: (n - int.from_bytes(value, "big")).to_bytes(256, "big"),
        "zero": lambda _, __: bytes(256),
        "one": lambda _, __: bytes(255) + b"\1",
        "the modulus": lambda _, n: n.to_bytes(256, "big"),
        "in DER": lambda value, _: b"\4\x82\1\0" + value,
        "backwards, as CryptoAPI keeps it": lambda value, _: value[::-1],
        "in hexadecimal": lambda value, _: value.hex().encode(),
        "twice": lambda value, _: value * 2,
    }
    for name, change in changes.items():
        yield Attack(f"an RSA value: {name}", with_value(change), WRONG)


FAMILY = Family("Algorithms and signature values", tuple(attacks()))
