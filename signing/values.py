"""Whether a signature value was made by a public key: the only place that does public-key arithmetic."""

import hashlib
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signing.policy import Scheme

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

#: How digests are made, by what :mod:`hashlib` calls them. To look the name up there takes longer than to
#: digest a short text.
DIGESTS: Final = MappingProxyType(
    {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
)

#: By what :mod:`hashlib` calls them.
HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def has_signed(
    key: PublicKey | None, scheme: Scheme, algorithm: hashes.HashAlgorithm, *, value: bytes, data: bytes
) -> bool:
    """Whether the key made this value over the data; that of ECDSA is in DER."""
    try:
        match scheme, key:
            case Scheme.RSA_PKCS1, rsa.RSAPublicKey() as rsa_key:
                rsa_key.verify(value, data, padding.PKCS1v15(), algorithm)
            case Scheme.RSA_PSS, rsa.RSAPublicKey() as rsa_key:
                pss = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
                rsa_key.verify(value, data, pss, algorithm)
            case Scheme.ECDSA, ec.EllipticCurvePublicKey() as ec_key:
                ec_key.verify(value, data, ec.ECDSA(algorithm))
            case _:
                return False
    except (InvalidSignature, ValueError):
        return False
    return True
