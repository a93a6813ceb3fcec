"""Master keys on a PKCS#11 token or HSM: they never leave it, it wraps and unwraps (AES-256-GCM).

Keys are named by when they were made, as files are; the newest one wraps. Importing this module needs the
extra ``tokens``. A session is opened when it is first needed: after a fork it is another process's.
"""

import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final

import pkcs11
from cryptography.exceptions import InvalidTag
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass

from claims.exchange.errors import KeysUnavailable

PREFIX: Final = "token:"
_LABEL: Final = re.compile(r"ehoso-\d{8}T\d{6}Z")
_NONCE_BYTES: Final = 12
_KEY_BITS: Final = 256
#: What a token says of a wrapped key that is another's, or was changed.
_WRONG: Final = (pkcs11.EncryptedDataInvalid, pkcs11.EncryptedDataLenRange, pkcs11.GeneralError)


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Where the keys are.

    Attributes:
        module: The PKCS#11 module of the token's maker.
        token: The token's label.
    """

    module: Path
    token: str
    pin: str = field(repr=False)


class TokenMasterKeys:
    """`claims.storage.vault.MasterKeys` on a token; one thing at a time goes through its session."""

    def __init__(self, place: TokenPlace) -> None:
        self._place = place
        self._lock = Lock()
        self._session: Any = None
        self._opened_in = 0

    def current(self) -> str:
        """Return the newest key's name.

        Raises:
            KeysUnavailable: The token holds none, or does not answer.
        """
        with self._lock:
            labels = self._labels()
        if not labels:
            raise KeysUnavailable("the token holds no key of ours: `claims content-key make`")
        return PREFIX + max(labels)

    def wrap(self, name: str, data_key: bytes, *, belongs_to: str) -> bytes:
        """Return a data key as only this master key opens it, bound to what it belongs to."""
        nonce = os.urandom(_NONCE_BYTES)
        with self._lock:
            key = self._key(name)
            try:
                wrapped = key.encrypt(
                    data_key,
                    mechanism=Mechanism.AES_GCM,
                    mechanism_param=GCMParams(nonce, belongs_to.encode()),
                )
            except pkcs11.PKCS11Error as error:
                raise self._failed(error) from error
        return nonce + bytes(wrapped)

    def unwrap(self, name: str, wrapped: bytes, *, belongs_to: str) -> bytes:
        """Return the data key.

        Raises:
            LookupError: The token holds no such key.
            InvalidTag: It is another one, or the key belongs elsewhere.
            KeysUnavailable: The token does not answer.
        """
        params = GCMParams(wrapped[:_NONCE_BYTES], belongs_to.encode())
        with self._lock:
            key = self._key(name)
            try:
                opened = key.decrypt(
                    wrapped[_NONCE_BYTES:], mechanism=Mechanism.AES_GCM, mechanism_param=params
                )
            except _WRONG as error:
                raise InvalidTag from error
            except pkcs11.PKCS11Error as error:
                raise self._failed(error) from error
        return bytes(opened)

    def make(self, *, at: datetime) -> str:
        """Make a new key on the token, which cannot be taken out of it; return its name."""
        label = f"ehoso-{at:%Y%m%dT%H%M%SZ}"
        with self._lock:
            if label in self._labels():
                return PREFIX + label  # somebody made it in this second; two of one name would be none
            try:
                self._open().generate_key(
                    KeyType.AES,
                    _KEY_BITS,
                    label=label,
                    store=True,
                    template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
                )
            except pkcs11.PKCS11Error as error:
                raise self._failed(error) from error
        return PREFIX + label

    def _labels(self) -> list[str]:
        try:
            found = self._open().get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY})
            labels = [str(each[Attribute.LABEL]) for each in found]
        except pkcs11.PKCS11Error as error:
            raise self._failed(error) from error
        return [label for label in labels if _LABEL.fullmatch(label)]

    def _key(self, name: str) -> Any:  # noqa: ANN401 - the library's keys have no type of their own
        label = name.removeprefix(PREFIX)
        if not _LABEL.fullmatch(label):
            raise LookupError(name)
        try:
            return self._open().get_key(object_class=ObjectClass.SECRET_KEY, label=label)
        except pkcs11.NoSuchKey as error:
            raise LookupError(name) from error
        except pkcs11.PKCS11Error as error:
            raise self._failed(error) from error

    def _open(self) -> Any:  # noqa: ANN401 - the same
        if self._session is not None and self._opened_in == os.getpid():
            return self._session
        try:
            module = pkcs11.lib(str(self._place.module))
            if self._opened_in not in {0, os.getpid()}:
                module.reinitialize()  # PKCS#11, 6.7.1: a child must not go on in its parent's state
            token = module.get_token(token_label=self._place.token)
            try:
                self._session = token.open(rw=True, user_pin=self._place.pin)
            except pkcs11.UserAlreadyLoggedIn:  # one log-in holds for all sessions of a process
                self._session = token.open(rw=True)
        except (RuntimeError, pkcs11.PKCS11Error) as error:
            raise KeysUnavailable(f"the token cannot be opened: {type(error).__name__}") from error
        self._opened_in = os.getpid()
        return self._session

    def _failed(self, error: pkcs11.PKCS11Error) -> KeysUnavailable:
        self._session = None  # pulled out, or logged out: the next use opens it again
        return KeysUnavailable(f"the token says {type(error).__name__}")
