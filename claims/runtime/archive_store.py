"""Where archives are handed over to: a folder, or an S3-compatible store.

No error repeats what a store answered beyond its code: it may name who asked.
"""

import errno
import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import obstore
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore

from claims.errors import ClaimsError
from claims.proof.container import MIMETYPE
from claims.storage.objects import open_store
from claims.storage.turns import Turn

#: How S3 says what is wrong, such as NoSuchBucket.
_CODE: Final = re.compile("<Code>([A-Za-z]{1,60})</Code>")
#: How a folder's system says it.
_NUMBER: Final = re.compile(r"\(os error ([0-9]{1,4})\)")
#: What a folder's system says of all that would be written there, not of one file.
_OF_ALL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
#: Longer than making and writing any one archive takes.
_LEASE_S: Final = 900.0


class ArchiveStoreFailed(ClaimsError):
    """A store did not do what it was asked; trying again later may help."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"{address}: {why}")
        self.address = address
        self.why = why


class ArchiveNotTaken(ArchiveStoreFailed):
    """A store answered that it does not take, or give, one file; others it may."""


class ArchiveStoreTaken(ClaimsError):
    """Somebody else is writing archives there; trying again later helps."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address}: another export is writing there; try again when it has ended")
        self.address = address


class TurnToWrite(Protocol):
    """The turn to write to a store, which one process at a time has."""

    def is_mine(self) -> bool:
        """Take the turn if nobody has it; False too where nobody can be asked."""
        ...

    def give_up(self) -> None:
        """Let another have it."""
        ...


@dataclass(frozen=True, slots=True)
class ArchiveStore:
    """Archives by name. What is there is whole: a store puts a file in its place when it has all of it.

    Attributes:
        address: Where it is, for people; spelled one way, by which it is known again.
    """

    address: str
    _store: ObjectStore = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Return what tells it from other stores, and does not say where it is."""
        return hashlib.sha256(self.address.encode()).hexdigest()[:16]

    def turn(self, database_url: str) -> TurnToWrite:
        """Return the turn to write here, among all processes of an installation.

        It is a database's and not a file in the store, which whoever is killed would leave behind.
        """
        holder = f"{socket.gethostname()} {os.getpid()}"
        job = f"claims archives {self.fingerprint}"
        return Turn(database_url, job, holder=holder, lease_s=_LEASE_S)

    def names(self, *, under: str | None = None, after: str | None = None) -> Iterator[str]:
        """Return the names there are, below a folder, in any order, behind one in their order."""
        with self._asking():
            for page in obstore.list(self._store, prefix=under, offset=after):
                yield from (item["path"] for item in page)

    def read(self, name: str) -> bytes | None:
        """Return a file, or None if there is none of that name."""
        with self._asking(name):
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except (FileNotFoundError, NotFoundError):
                return None

    def write(self, name: str, data: bytes) -> None:
        """Put a file in its place, over what was there."""
        attributes = {} if isinstance(self._store, LocalStore) else {"Content-Type": MIMETYPE}
        with self._asking(name):
            obstore.put(self._store, name, data, attributes=attributes)

    @contextmanager
    def _asking(self, name: str = "") -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            why, is_answer = self._why(error)
        else:
            return
        if not name:
            raise ArchiveStoreFailed(self.address, why) from None
        failure = ArchiveNotTaken if is_answer else ArchiveStoreFailed
        raise failure(f"{self.address}/{name}", why) from None

    def _why(self, error: Exception) -> tuple[str, bool]:
        """Return what a store said, and whether it may say something else of another file."""
        if isinstance(self._store, LocalStore):
            number = _NUMBER.search(str(error))
            if number is None:
                return "the folder cannot be read or written", True
            return os.strerror(int(number[1])), int(number[1]) not in _OF_ALL
        if (code := _CODE.search(str(error))) is not None:
            return f"the store answers {code[1]}", True
        if isinstance(error, PermissionDeniedError | UnauthenticatedError):
            return "the store refuses the credentials of the AWS_… variables", True
        return "the store does not answer, or not as one; AWS_ENDPOINT says where it is", False


def open_archives(to: str) -> ArchiveStore:
    """Return the archives at an address, or in the folder of that name, which is made if need be.

    Raises:
        UnusableStoreAddress: It is no address of a store.
    """
    store = open_store(to)
    return ArchiveStore(to.rstrip("/") if "://" in to else str(Path(to).resolve()), store)
