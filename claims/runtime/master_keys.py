"""The master keys that wrap the keys of stored content: files in a folder beside one that needs no file.

Or they are on a token (`token_master_keys`), or in a key service (`claims.authorities.key_service`).

::

    YYYYMMDDTHHMMSSZ.key   a master key, 32 bytes, readable by its owner alone; the newest one wraps

Until somebody makes one, content is wrapped by a key that follows from the sealing key, which every process
has anyway. Every process must have the folder's files: with several hosts, a new one is copied to all
before it is used.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from cachetools.func import ttl_cache
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from claims.authorities.key_service import PREFIX as SERVICE
from claims.authorities.key_service import KeyServicePlace, ServiceMasterKeys
from claims.runtime.settings import Settings
from claims.storage.sealing import Seal, derive_key
from claims.storage.vault import MasterKeys

#: The name of the key that follows from the sealing key.
SEALED: Final = "seal"
_REMEMBER_S: Final = 60
_FILE: Final = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, slots=True)
class FolderOfMasterKeys:
    """`claims.storage.vault.MasterKeys` over files; what another process adds is seen in a minute."""

    folder: Path
    sealing_key: bytes = field(repr=False)

    def current(self) -> str:
        """Return the newest key's name."""
        return max(_names(self.folder), default=SEALED)

    def wrap(self, name: str, data_key: bytes, *, belongs_to: str) -> bytes:
        """Return a data key as only this master key opens it, bound to what it belongs to."""
        return self._seal(name).close(data_key, belongs_to=belongs_to)

    def unwrap(self, name: str, wrapped: bytes, *, belongs_to: str) -> bytes:
        """Return the data key."""
        return self._seal(name).open(wrapped, belongs_to=belongs_to)

    def make(self, *, at: datetime) -> str:
        """Make a new master key, which wraps from now on; return its name."""
        name = f"{at:%Y%m%dT%H%M%SZ}"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / f"{name}.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_bytes(AESGCM.generate_key(bit_length=256))
        draft.rename(self.folder / f"{name}.key")
        _names.cache_clear()
        return name

    def _seal(self, name: str) -> Seal:
        return _seal_of_file(self.folder, name) if name != SEALED else _seal_of_child(self.sealing_key)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """`claims.storage.vault.MasterKeys` over several places: one wraps what is new, each opens its own.

    So `claims content-key rotate` brings stored content from one place to another while the service runs.

    Attributes:
        first: What wraps.
        others: What opens keys whose names begin with a place's own word.
        files: What opens all others.
    """

    first: MasterKeys
    others: Mapping[str, MasterKeys]
    files: FolderOfMasterKeys

    def current(self) -> str:
        """Return the name of the key that wraps what is new."""
        return self.first.current()

    def wrap(self, name: str, data_key: bytes, *, belongs_to: str) -> bytes:
        """Return a data key as only this master key opens it."""
        return self._place_of(name).wrap(name, data_key, belongs_to=belongs_to)

    def unwrap(self, name: str, wrapped: bytes, *, belongs_to: str) -> bytes:
        """Return the data key."""
        return self._place_of(name).unwrap(name, wrapped, belongs_to=belongs_to)

    def make(self, *, at: datetime) -> str:
        """Make a new master key in the place that wraps; return its name."""
        return self.first.make(at=at)

    def _place_of(self, name: str) -> MasterKeys:
        return next((keys for word, keys in self.others.items() if name.startswith(word)), self.files)


def open_master_keys(settings: Settings, sealing_key: bytes) -> KeyRing:
    """Return the master keys of an installation, wherever they are."""
    files = FolderOfMasterKeys(settings.content_keys_folder, sealing_key)
    others: dict[str, MasterKeys] = {}
    if settings.content_keys_module is not None:
        from claims.runtime import token_master_keys

        place = token_master_keys.TokenPlace(
            settings.content_keys_module, settings.content_keys_token, _secret(settings.content_keys_pin)
        )
        others[token_master_keys.PREFIX] = token_master_keys.TokenMasterKeys(place)
    if settings.content_keys_url:
        service = KeyServicePlace(
            settings.content_keys_url, settings.content_keys_name, _secret(settings.content_keys_secret)
        )
        others[SERVICE] = ServiceMasterKeys(service)
    chosen = f"{settings.content_keys_in}:"
    return KeyRing(others.get(chosen, files), others, files)


def _secret(value: SecretStr | None) -> str:
    return "" if value is None else value.get_secret_value()


@ttl_cache(maxsize=8, ttl=_REMEMBER_S)
def _names(folder: Path) -> tuple[str, ...]:
    return tuple(path.stem for path in folder.glob("*.key") if _FILE.fullmatch(path.stem))


@ttl_cache(maxsize=64, ttl=_REMEMBER_S)
def _seal_of_file(folder: Path, name: str) -> Seal:
    if not _FILE.fullmatch(name):
        raise LookupError(name)
    try:
        return Seal((folder / f"{name}.key").read_bytes())
    except FileNotFoundError as error:
        raise LookupError(name) from error


@cache
def _seal_of_child(sealing_key: bytes) -> Seal:
    return Seal(derive_key(sealing_key, "keys of stored content"))
