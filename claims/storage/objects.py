"""Stores of objects: a folder, or what speaks S3. Contents lie there by the digest of their bytes."""

import hashlib
import os
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from claims.errors import ClaimsError
from claims.exchange.errors import ContentsUnavailable
from claims.storage.store_address import UnusableStoreAddress, is_folder

if TYPE_CHECKING:
    from obstore.store import RetryConfig

_FOLDER: Final = "contents"
#: A break of the network is waited out so long, not the minutes that are usual.
_RETRY: Final["RetryConfig"] = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}


class ObjectMissing(ClaimsError):
    """An object is not in the store, or is not what was put there."""


def open_store(to: str) -> ObjectStore:
    """Return the store at an address, or the folder of that name, which is made if need be.

    Who one is to a store comes from the environment alone (``AWS_…``); plain HTTP takes
    ``AWS_ALLOW_HTTP=true``.

    Raises:
        UnusableStoreAddress: It is no address of a store, or holds credentials.
    """
    if is_folder(to):
        Path(to).mkdir(parents=True, exist_ok=True)
        return LocalStore(prefix=str(Path(to).resolve()))
    try:
        return from_url(to, retry_config=_RETRY)
    except (BaseError, ValueError):
        raise UnusableStoreAddress("no address of a store") from None


@dataclass(frozen=True)
class Objects:
    """Contents in a store, named by the SHA-256 of their bytes: who writes one twice writes the same.

    The store is opened when it is first needed, in the process that needs it.

    Attributes:
        address: A folder or ``s3://BUCKET/PREFIX``.
    """

    address: str

    def keep(self, content: bytes) -> bytes:
        """Put a content into the store so that it outlives a loss of power, and return its digest.

        Raises:
            ContentsUnavailable: It could not be written.
        """
        digest = hashlib.sha256(content).digest()
        name = name_of(digest)
        try:
            obstore.put(self._store, name, content)
            if isinstance(self._store, LocalStore):
                _make_durable(Path(self.address).resolve(), name)
        except (BaseError, OSError) as error:
            raise ContentsUnavailable(f"{name}: {type(error).__name__}") from error
        return digest

    def read(self, digest: bytes) -> bytes:
        """Return a content, which is verified.

        Raises:
            ObjectMissing: It is not there, or was changed.
            ContentsUnavailable: It could not be read.
        """
        name = name_of(digest)
        try:
            content = bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError as error:
            raise ObjectMissing(f"{name} is not in the store") from error
        except (BaseError, OSError) as error:
            raise ContentsUnavailable(f"{name}: {type(error).__name__}") from error
        if hashlib.sha256(content).digest() != digest:
            raise ObjectMissing(f"{name} was changed")
        return content

    def forget(self, digest: bytes) -> None:
        """Remove a content; one that is not there is gone already.

        Raises:
            ContentsUnavailable: It could not be removed.
        """
        try:
            obstore.delete(self._store, name_of(digest))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise ContentsUnavailable(f"{name_of(digest)}: {type(error).__name__}") from error

    @cached_property
    def _store(self) -> ObjectStore:
        return open_store(self.address)


def name_of(digest: bytes) -> str:
    """Return where a content lies: no folder holds more than some thousands of millions."""
    text = digest.hex()
    return f"{_FOLDER}/{text[:2]}/{text[2:4]}/{text}"


def _make_durable(folder: Path, name: str) -> None:
    # The file first, then each folder that names it or its folder.
    for path in (folder / name, *(folder / name).parents):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if path == folder:
            break
