"""What lies in a folder of trust: certificates, revocation lists and responses, each in files of its own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509 import ocsp

from signing import revocation_list
from signing.certificate_files import find_certificates
from signing.errors import TrustStoreUnreadable
from signing.extensions import UNREADABLE
from signing.revocation import RevocationSource, load_response
from signing.revocation_list import RevocationList

#: What files of certificates are called.
CERTIFICATES: Final = (".pem", ".crt", ".cer", ".der", ".p7b", ".p7c")
_SUFFIXES: Final = frozenset({*CERTIFICATES, ".crl", ".ocsp"})
_PEM: Final = b"-----BEGIN"
_Loaded = TypeVar("_Loaded")


def load_certificates(folder: Path) -> list[x509.Certificate]:
    """Load the certificates of a folder; none if there is no folder.

    Raises:
        TrustStoreUnreadable: There is a file that holds none.
    """
    return _load_folder(folder, _read_certificates, "certificate in PEM, DER or PKCS#7")


def load_lists(folder: Path) -> list[RevocationList]:
    """Load the revocation lists of a folder; none if there is no folder.

    Raises:
        TrustStoreUnreadable: There is a file that is none.
    """
    return _load_folder(folder, revocation_list.load_lists, "revocation list in PEM or DER")


def load_responses(folder: Path) -> list[ocsp.OCSPResponse]:
    """Load the OCSP responses of a folder; none if there is no folder.

    Raises:
        TrustStoreUnreadable: There is a file that is none.
    """
    return _load_folder(folder, lambda data: [load_response(data)], "OCSP response in DER")


def load_revocation_sources(path: Path) -> Sequence[RevocationSource]:
    """Load a list in DER, lists in PEM, or an OCSP response in DER.

    Raises:
        TrustStoreUnreadable: It is neither.
    """
    try:
        data = path.read_bytes()
        try:
            return revocation_list.load_lists(data)
        except ValueError:
            if _PEM in data:
                raise
            return [load_response(data)]
    except (OSError, *UNREADABLE) as error:
        what = "revocation list in PEM or DER and no OCSP response in DER"
        raise _unreadable(path, what, error) from error


def _load_folder(folder: Path, load: Callable[[bytes], list[_Loaded]], what: str) -> list[_Loaded]:
    loaded: list[_Loaded] = []
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise _unreadable(folder, what, error) from error
    for path in paths:
        if path.suffix.lower() not in _SUFFIXES:
            continue
        try:
            loaded += load(path.read_bytes())
        except (OSError, *UNREADABLE) as error:
            raise _unreadable(path, what, error) from error
    return loaded


def _read_certificates(data: bytes) -> list[x509.Certificate]:
    found = find_certificates(data)
    if not found:
        raise ValueError("there is none")
    return found


def _unreadable(path: Path, what: str, error: Exception) -> TrustStoreUnreadable:
    # What the reader of ASN.1 says helps nobody who laid a file into a folder.
    detail = error.strerror if isinstance(error, OSError) else f"it holds no {what}"
    return TrustStoreUnreadable(path, detail or str(error))
