"""Secrets at rest: AES-256-GCM under a key that lies outside the database."""

import contextlib
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from claims.errors import ClaimsError

_NONCE_BYTES = 12
_KEY_BYTES = 32


class UnusableSealingKey(ClaimsError):
    """The sealing key's file is lost, or holds something else."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path} {detail}: restore it from its backup (docs/guides/backup.md)")
        self.path = path


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals short secrets; each sealed value is bound to what it belongs to."""

    key: bytes

    def close(self, secret: bytes, *, belongs_to: str) -> bytes:
        """Return the secret encrypted, with its nonce in front."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, secret, belongs_to.encode())

    def open(self, sealed: bytes, *, belongs_to: str) -> bytes:
        """Return the secret.

        Raises:
            cryptography.exceptions.InvalidTag: The key is another one, or the value belongs elsewhere.
        """
        return AESGCM(self.key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], belongs_to.encode())


def load_or_make_key(path: Path, *, is_in_use: Callable[[], bool]) -> bytes:
    """Return the 32-byte key in the file, making it (readable by its owner only) the first time.

    Args:
        path: The file.
        is_in_use: Whether there is something that the key has sealed.

    Raises:
        UnusableSealingKey: The file holds something else; or it is not there and the key is in use, which
            another key would not open.
    """
    if not path.exists():
        if is_in_use():
            raise UnusableSealingKey(path, "is not there, and the database holds what it sealed")
        _make_key(path)
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise UnusableSealingKey(path, f"holds {len(key)} bytes, and a key has {_KEY_BYTES}")
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and linked into place: of two processes that start at once, one wins whole.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(AESGCM.generate_key(bit_length=8 * _KEY_BYTES))
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def derive_key(key: bytes, purpose: str) -> bytes:
    """Return another 32-byte key that follows from this one and says nothing about it."""
    return hashlib.blake2b(purpose.encode(), key=key, digest_size=32).digest()
