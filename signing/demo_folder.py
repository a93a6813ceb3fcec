"""A complete demo PKI as a folder: for trying things, and for nothing else.

::

    README.txt                       that all of this is for trials
    passphrase.txt                   opens every key file here
    trust/                           what a verifier needs: anchors/ intermediates/ tsa/ crls/ facilities.csv
    keys/CODE.p12, CODE.pem          each facility's key with its certificate; its certificate alone
    authorities/root-ca.p12 …        the authorities' own keys: issuing-ca.p12, tsa.p12
"""

import csv
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from signing.certificates import to_pem
from signing.demo_pki import DemoPki
from signing.demo_tsa import DemoTsa
from signing.errors import FolderNotEmpty
from signing.keys import LocalSigner, PrivateKey, load_pkcs12

_NOTICE: Final = """\
These keys and certificates were made for trials. Nobody has checked who holds them, their passphrase lies
beside them, and the authorities' keys do too. Never use them for claims of real people, and never add
trust/ of this folder to a service that takes such claims.
"""
_FACILITY_LIFETIME: Final = timedelta(days=365)
_LIST_DAYS: Final = 365
_OWNER_ONLY: Final = 0o600


def write_demo_folder(folder: Path, facilities: Sequence[str], *, at: datetime) -> DemoPki:
    """Make a demo PKI with a key for each facility code, and lay it out in a new or empty folder.

    Raises:
        FolderNotEmpty: There is something in the folder, which stays as it is.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotEmpty(folder)
    pki = DemoPki.create(at=at)
    tsa = DemoTsa.create(
        pki, clock=lambda: at, valid_from=at - timedelta(days=1), valid_to=at + 5 * _FACILITY_LIFETIME
    )
    passphrase = secrets.token_urlsafe(12)
    trust = folder / "trust"
    pki.write(trust)
    _write(folder / "README.txt", _NOTICE.encode())
    _write(folder / "passphrase.txt", f"{passphrase}\n".encode(), mode=_OWNER_ONLY)
    _write(trust / "tsa" / "demo-root-ca.pem", to_pem(pki.root))
    for name, crl in (
        ("demo-root-ca", pki.root_revocation_list(at=at, days=_LIST_DAYS)),
        ("demo-issuing-ca", pki.revocation_list([], at=at, days=_LIST_DAYS)),
    ):
        _write(trust / "crls" / f"{name}.crl", crl.public_bytes(serialization.Encoding.DER))
    registered = []
    for code in facilities:
        key = pki.leaf(
            code, valid_from=at - timedelta(hours=1), valid_to=at + _FACILITY_LIFETIME, passphrase=passphrase
        )
        _write(folder / "keys" / f"{code}.p12", key.pkcs12, mode=_OWNER_ONLY)
        _write(folder / "keys" / f"{code}.pem", to_pem(key.certificate))
        registered.append((code, key.certificate.fingerprint(hashes.SHA256()).hex()))
    _write_facilities(trust / "facilities.csv", registered)
    for name, private_key, certificate in (
        ("root-ca", pki.root_key, pki.root),
        ("issuing-ca", pki.issuing_key, pki.issuing),
        ("tsa", tsa.key, tsa.certificate),
    ):
        file = _pkcs12(name, private_key, certificate, pki.issuing, passphrase)
        _write(folder / "authorities" / f"{name}.p12", file, mode=_OWNER_ONLY)
    return pki


def load_demo_tsa(folder: Path) -> tuple[LocalSigner, x509.Certificate]:
    """Return the key of a demo folder's time-stamping authority, and the certificate of who issued it.

    Raises:
        OSError: It is no such folder.
        UnusableKeyFile: The key file does not open.
    """
    passphrase = (folder / "passphrase.txt").read_text("utf-8").strip()
    signer = load_pkcs12((folder / "authorities" / "tsa.p12").read_bytes(), passphrase)
    issuing = (folder / "trust" / "intermediates" / "demo-issuing-ca.pem").read_bytes()
    return signer, x509.load_pem_x509_certificate(issuing)


def _pkcs12(
    name: str, key: PrivateKey, certificate: x509.Certificate, issuer: x509.Certificate, passphrase: str
) -> bytes:
    protection = serialization.BestAvailableEncryption(passphrase.encode())
    return pkcs12.serialize_key_and_certificates(name.encode(), key, certificate, [issuer], protection)


def _write_facilities(path: Path, registered: Sequence[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([("facility", "certificate_sha256"), *registered])


def _write(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=mode, exist_ok=False)
    path.write_bytes(content)
