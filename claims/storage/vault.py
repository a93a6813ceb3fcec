"""The vault: what submissions say lies encrypted in the database, each under a data key of its own.

A data key (AES-256-GCM) encrypts a submission's bundle, the encounter that it was built from and the trace,
each compressed first. The key is kept beside them wrapped by a master key, which lies outside the database
and comes through a port. So another master key means new wrapping and untouched bodies, and without its
wrapped key a content is gone, whatever copies of its row there are. What has moved to a store of objects
(`claims.storage.moving`) lies there as it lay here, and is read from there.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from cramjam import DecompressionError, lz4
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from claims.errors import ClaimsError
from claims.storage.objects import ObjectMissing, Objects

_KEY_BITS: Final = 256
_NONCE_BYTES: Final = 12
#: Stands before an LZ4 block, which begins with its length. What was encrypted without being compressed is
#: XML, JSON or HL7 and begins otherwise.
_COMPRESSED: Final = b"\0LZ4"


class UnreadableContent(ClaimsError):
    """What a submission says cannot be decrypted: somebody changed it, or its master key is not here."""

    def __init__(self, submission_id: str, detail: str) -> None:
        super().__init__(f"the content of {submission_id} cannot be read: {detail}")
        self.submission_id = submission_id


class MasterKeys(Protocol):
    """Where data keys are wrapped and unwrapped: a folder, a token, a service."""

    def current(self) -> str:
        """Return the name of the master key that wraps what is new."""
        ...

    def wrap(self, name: str, data_key: bytes, *, belongs_to: str) -> bytes:
        """Return a data key as only this master key opens it, bound to what it belongs to."""
        ...

    def unwrap(self, name: str, wrapped: bytes, *, belongs_to: str) -> bytes:
        """Return the data key.

        Raises:
            LookupError: There is no such master key here.
            cryptography.exceptions.InvalidTag: It is another one, or the key belongs elsewhere.
            KeysUnavailable: The token or the service does not answer now.
        """
        ...

    def make(self, *, at: datetime) -> str:
        """Make a new master key, which wraps from now on; return its name."""
        ...


class Part(StrEnum):
    """What of a submission is encrypted; a part cannot stand for another one."""

    BODY = "body"
    DOCUMENT = "document"
    TRACE = "trace"


@dataclass(frozen=True, slots=True)
class Lock:
    """A wrapped data key as it is stored, and the name of the master key that opens it."""

    wrapped: bytes
    master: str


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one submission, open."""

    submission_id: str
    lock: Lock
    _cipher: AESGCM

    def close(self, part: Part, content: bytes) -> bytes:
        """Return a part compressed and encrypted, with its nonce in front."""
        nonce = os.urandom(_NONCE_BYTES)
        compressed = _COMPRESSED + bytes(lz4.compress_block(content))
        return nonce + self._cipher.encrypt(nonce, compressed, self._place(part))

    def open(self, part: Part, stored: bytes) -> bytes:
        """Return what was handed over; it may have been encrypted without being compressed.

        Raises:
            UnreadableContent: It is not what was stored, or not here.
        """
        try:
            content = self._cipher.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], self._place(part))
            if not content.startswith(_COMPRESSED):
                return content
            return bytes(lz4.decompress_block(memoryview(content)[len(_COMPRESSED) :]))
        except (InvalidTag, ValueError, DecompressionError) as error:
            raise UnreadableContent(self.submission_id, f"its {part} was changed") from error

    def _place(self, part: Part) -> bytes:
        return f"{self.submission_id} {part}".encode()


@dataclass(frozen=True, slots=True)
class Vault:
    """Encrypts what is new, and reads whatever is there.

    Attributes:
        keys: The master keys; None: what is new stays in the clear, and only that can be read.
        objects: Where contents lie that have moved; None: nothing has.
    """

    keys: MasterKeys | None = None
    objects: Objects | None = None

    def new_key(self, submission_id: str) -> DataKey | None:
        """Make the key of a new submission; None where nothing is encrypted."""
        if self.keys is None:
            return None
        key, name = AESGCM.generate_key(_KEY_BITS), self.keys.current()
        wrapped = self.keys.wrap(name, key, belongs_to=submission_id)
        return DataKey(submission_id, Lock(wrapped, name), AESGCM(key))

    def open(self, submission_id: str, lock: Lock) -> DataKey:
        """Return the key of a submission.

        Raises:
            UnreadableContent: Its master key is not here, or the wrapped key was changed.
        """
        if self.keys is None:
            raise UnreadableContent(submission_id, "there are no master keys")
        try:
            key = self.keys.unwrap(lock.master, lock.wrapped, belongs_to=submission_id)
        except LookupError as error:
            raise UnreadableContent(submission_id, f"there is no master key {lock.master}") from error
        except (InvalidTag, ValueError) as error:
            raise UnreadableContent(submission_id, "its wrapped key was changed") from error
        return DataKey(submission_id, lock, AESGCM(key))

    def read(
        self,
        submission_id: str,
        part: Part,
        stored: bytes | None,
        lock: Lock | None,
        moved: bytes | None = None,
    ) -> bytes:
        """Return a part as it was handed over; what was stored without a lock lies in the clear.

        Args:
            submission_id: Whose it is.
            part: Which part.
            stored: What lies in the database; None: it has moved.
            lock: Its key.
            moved: The digest by which it lies in the store of objects.

        Raises:
            UnreadableContent: It cannot be decrypted, or is not where it should be.
            ContentsUnavailable: The store cannot be asked.
        """
        content = self._fetch(submission_id, part, moved) if stored is None else bytes(stored)
        return content if lock is None else self.open(submission_id, lock).open(part, content)

    def _fetch(self, submission_id: str, part: Part, moved: bytes | None) -> bytes:
        if self.objects is None or moved is None:
            raise UnreadableContent(submission_id, f"its {part} has moved, and no store is configured")
        try:
            return self.objects.read(bytes(moved))
        except ObjectMissing as error:
            raise UnreadableContent(submission_id, str(error)) from error

    def rewrap(self, submission_id: str, lock: Lock) -> Lock:
        """Return the same key as the current master key wraps it.

        Raises:
            UnreadableContent: It cannot be unwrapped.
        """
        if self.keys is None:
            raise UnreadableContent(submission_id, "there are no master keys")
        try:
            key = self.keys.unwrap(lock.master, lock.wrapped, belongs_to=submission_id)
        except (LookupError, InvalidTag, ValueError) as error:
            raise UnreadableContent(submission_id, f"master key {lock.master} does not open it") from error
        name = self.keys.current()
        return Lock(self.keys.wrap(name, key, belongs_to=submission_id), name)


#: Where nothing is encrypted.
IN_THE_CLEAR: Final = Vault()


def lock_of(wrapped: bytes | None, master: str | None) -> Lock | None:
    """Return the lock in a row of `data_key`; None where a join found none."""
    return None if wrapped is None or master is None else Lock(bytes(wrapped), master)
