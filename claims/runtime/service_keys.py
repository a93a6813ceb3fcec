"""The service's own keys in a folder: made at the first start, renewed by hand, never thrown away.

::

    authority.pem   the installation's certificate, which others trust, and its key
    KEY.pem         a key of the service and its certificate; the newest one signs
                    (an old one may lose its private key, never its certificate)
"""

import contextlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cachetools.func import ttl_cache
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from claims.errors import ClaimsError
from claims.exchange.ports import Clock
from claims.proof.keys import Authority, by_key_id
from claims.proof.tokens import ServiceKey

_AUTHORITY: Final = "authority.pem"
_REMEMBER_S: Final = 60
#: Archives are made one after the other, most of them under the heads of few days.
_LISTS: Final = 16
_OWNER_ONLY: Final = 0o600
_KEY_MARK: Final = b"PRIVATE KEY"


class UnusableServiceKeys(ClaimsError):
    """The folder of the service's own keys holds no key that can sign now, or something else."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    current: ServiceKey
    certificates: Mapping[str, x509.Certificate]
    chain: tuple[x509.Certificate, ...]


class FolderOfServiceKeys:
    """`claims.exchange.proofs.ServiceKeys` over PEM files; what another process adds is seen in a minute."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        is_in_use: Callable[[], bool] = lambda: False,
        signers: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """Take the folder.

        Args:
            folder: Where the keys are.
            clock: Says which of them can sign.
            is_in_use: Whether one has signed: then none is made to take its place.
            signers: The names of keys that signed what is stored: without one of them here none signs.
        """
        self.folder = folder
        self._clock = clock
        self._is_in_use = is_in_use
        self._signers = signers
        self._are_ours = False
        self._loaded = ttl_cache(maxsize=1, ttl=_REMEMBER_S)(self._load)
        self._listed = ttl_cache(maxsize=_LISTS, ttl=_REMEMBER_S)(self._list)

    def current(self) -> ServiceKey:
        """Return the key that signs now.

        Raises:
            UnusableServiceKeys: There is none, or not any more, they are another installation's, or a file
                cannot be read.
        """
        current = self._loaded().current
        self.require_ours()
        return current

    def certificates(self) -> Mapping[str, x509.Certificate]:
        """Return the certificates of all keys that ever signed, by their names."""
        return self._loaded().certificates

    def chain(self) -> Sequence[x509.Certificate]:
        """Return the certificates above them, the one that is trusted last."""
        return self._loaded().chain

    def revocation_list(self, *, at: datetime) -> x509.CertificateRevocationList | None:
        """Return the list as of a moment of which keys are revoked; None where others issue it."""
        path = self.folder / _AUTHORITY
        # An authority that is taken away, or another one put in its place, counts at once.
        return self._listed(at, path.stat().st_mtime_ns) if path.exists() else None

    def rotate(self) -> ServiceKey:
        """Make a new key, which signs from now on.

        Raises:
            UnusableServiceKeys: Another authority issues the certificates here.
        """
        self.ensure()
        authority = self._authority()
        if authority is None:
            raise UnusableServiceKeys(f"{self.folder} has no authority of its own: put a new key file there")
        key = authority.issue(at=self._clock.now().replace(microsecond=0))
        self._write(f"{key.key_id}.pem", _pem(key.private_key, key.certificate))
        self._loaded.cache_clear()
        return key

    def ensure(self) -> None:
        """Make the authority and the first key, unless there are files.

        Raises:
            UnusableServiceKeys: There were files: their keys have signed.
        """
        if any(self.folder.glob("*.pem")):
            return
        if self._is_in_use():
            raise UnusableServiceKeys(
                f"{self.folder} holds no key, and the database holds what its keys signed: restore it from "
                "its backup (docs/guides/backup.md)"
            )
        authority = Authority.create(at=self._clock.now().replace(microsecond=0))
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Of two processes that start at once, the one whose authority stands makes the first key.
        self._write(_AUTHORITY, _pem(authority.private_key, authority.certificate))
        standing = self._authority()
        if standing is not None and standing.certificate == authority.certificate:
            key = standing.issue(at=self._clock.now().replace(microsecond=0))
            self._write(f"{key.key_id}.pem", _pem(key.private_key, key.certificate))

    def require_ours(self) -> None:
        """Look, once, whether these are the keys of this installation, and not another one's.

        Raises:
            UnusableServiceKeys: None is here that signed what the database holds.
        """
        if self._are_ours:
            return
        signers = set(self._signers())
        if signers and not self.certificates().keys() & signers:
            raise UnusableServiceKeys(
                f"{self.folder} holds other keys than those that signed what the database holds: restore it "
                "from its backup, beside the files that are there (docs/guides/backup.md)"
            )
        self._are_ours = True

    def _write(self, name: str, content: bytes) -> None:
        draft = self.folder / f"{name}.{os.getpid()}.draft"
        draft.touch(mode=_OWNER_ONLY, exist_ok=False)
        draft.write_bytes(content)
        with contextlib.suppress(FileExistsError):
            (self.folder / name).hardlink_to(draft)
        draft.unlink()

    def _authority(self) -> Authority | None:
        path = self.folder / _AUTHORITY
        if not path.exists():
            return None
        key, certificates = _read(path)
        return None if key is None else Authority(certificates[0], key)

    def _list(self, at: datetime, _changed_ns: int) -> x509.CertificateRevocationList | None:
        authority = self._authority()
        return None if authority is None else authority.revocation_list(at=at)

    def _load(self) -> _Loaded:
        self.ensure()
        now = self._clock.now()
        found: list[ServiceKey] = []
        leaves: list[x509.Certificate] = []
        above: dict[bytes, x509.Certificate] = {}
        for path in sorted(self.folder.glob("*.pem")):
            key, certificates = _read(path)
            own, *others = certificates
            if path.name == _AUTHORITY:
                others = [own]
            else:
                leaves.append(own)
                if key is not None and own.not_valid_before_utc <= now <= own.not_valid_after_utc:
                    found.append(ServiceKey(own, key))
            above.update({each.public_bytes(serialization.Encoding.DER): each for each in others})
        if not found:
            raise UnusableServiceKeys(f"no key in {self.folder} can sign now: claims evidence-key rotate")
        newest = max(found, key=lambda one: one.certificate.not_valid_before_utc)
        # An issuer comes before whoever issued its certificate; roots are their own issuers.
        chain = tuple(sorted(above.values(), key=lambda each: each.issuer == each.subject))
        current = ServiceKey(newest.certificate, newest.private_key, chain)
        return _Loaded(current, by_key_id(leaves), chain)


def _read(path: Path) -> tuple[ec.EllipticCurvePrivateKey | None, Sequence[x509.Certificate]]:
    data = path.read_bytes()
    try:
        certificates = x509.load_pem_x509_certificates(data)
        key = serialization.load_pem_private_key(data, None) if _KEY_MARK in data else None
    except (ValueError, TypeError) as error:
        raise UnusableServiceKeys(f"{path} is not a key with its certificate") from error
    if key is not None and not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UnusableServiceKeys(f"{path}: only P-256 keys sign")
    return key, certificates


def _pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
