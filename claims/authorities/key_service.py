"""Master keys in a key service over HTTP, which wraps and unwraps: the transit API of Vault and OpenBao.

The service keeps the versions of one key; the newest one wraps. Each wrapped key is bound to what it belongs
to (``associated_data``).
"""

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from cachetools.func import ttl_cache
from cryptography.exceptions import InvalidTag

from claims.authorities.errors import AuthorityUnreachable
from claims.authorities.posting import post
from claims.exchange.errors import KeysUnavailable

PREFIX: Final = "service:"
_WRAPPED: Final = re.compile(r"vault:v(\d{1,9}):([A-Za-z0-9+/=]+)")
_REMEMBER_S: Final = 60


@dataclass(frozen=True, slots=True)
class KeyServicePlace:
    """Where the keys are.

    Attributes:
        url: The address of the transit engine, such as ``https://keys.example/v1/transit``.
        key: The key's name there; of type ``aes256-gcm96``.
        token: What the service proves itself with.
    """

    url: str
    key: str
    token: str = field(repr=False)
    timeout_s: float = 5.0


class ServiceMasterKeys:
    """`claims.storage.vault.MasterKeys` in a key service."""

    def __init__(self, place: KeyServicePlace) -> None:
        self._place = place
        # What another process makes is seen in a minute.
        self._newest = ttl_cache(maxsize=1, ttl=_REMEMBER_S)(self._ask_newest)

    def current(self) -> str:
        """Return the newest version's name.

        Raises:
            KeysUnavailable: The service does not answer.
        """
        return f"{PREFIX}{self._place.key}:{self._newest()}"

    def wrap(self, name: str, data_key: bytes, *, belongs_to: str) -> bytes:
        """Return a data key as only this version opens it, bound to what it belongs to."""
        asked = {"plaintext": _text(data_key), "associated_data": _text(belongs_to.encode())}
        return self._wrapped({**asked, "key_version": self._version(name)}).encode()

    def unwrap(self, name: str, wrapped: bytes, *, belongs_to: str) -> bytes:
        """Return the data key.

        Raises:
            LookupError: It is no key of this service.
            InvalidTag: It is another one, or the key belongs elsewhere.
            KeysUnavailable: The service does not answer.
        """
        version, text = self._version(name), wrapped.decode("ascii", "replace")
        found = _WRAPPED.fullmatch(text)
        if found is None or int(found.group(1)) != version:
            raise InvalidTag
        asked = {"ciphertext": text, "associated_data": _text(belongs_to.encode())}
        status, said = self._post("decrypt", asked)
        if status == HTTPStatus.BAD_REQUEST:
            raise InvalidTag
        if status != HTTPStatus.OK or not isinstance(said.get("plaintext"), str):
            raise KeysUnavailable(f"the key service answers {status}")
        return base64.b64decode(said["plaintext"])

    def make(self, *, at: datetime) -> str:  # noqa: ARG002 - the service counts versions, not moments
        """Make a new version; return its name."""
        status, _ = self._post("keys", {}, after="/rotate")
        if status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            raise KeysUnavailable(f"the key service answers {status}")
        self._newest.cache_clear()
        return self.current()

    def _ask_newest(self) -> int:
        # Reading the key's description takes another right than using it; wrapping nothing tells as well.
        found = _WRAPPED.fullmatch(self._wrapped({"plaintext": _text(bytes(32))}))
        if found is None:
            raise KeysUnavailable("the key service wraps in a form of its own")
        return int(found.group(1))

    def _wrapped(self, asked: dict[str, Any]) -> str:
        status, said = self._post("encrypt", asked)
        text = said.get("ciphertext")
        if status != HTTPStatus.OK or not isinstance(text, str) or not _WRAPPED.fullmatch(text):
            raise KeysUnavailable(f"the key service answers {status}")
        return text

    def _version(self, name: str) -> int:
        key, _, version = name.removeprefix(PREFIX).rpartition(":")
        if not name.startswith(PREFIX) or key != self._place.key or not version.isdecimal():
            raise LookupError(name)
        return int(version)

    def _post(self, what: str, asked: dict[str, Any], *, after: str = "") -> tuple[int, dict[str, Any]]:
        url = f"{self._place.url.rstrip('/')}/{what}/{self._place.key}{after}"
        headers = {"X-Vault-Token": self._place.token, "Content-Type": "application/json"}
        try:
            reply = post(url, json.dumps(asked).encode(), headers=headers, timeout_s=self._place.timeout_s)
            said = json.loads(reply.body or b"{}").get("data") or {}
        except AuthorityUnreachable as error:
            raise KeysUnavailable("the key service cannot be reached") from error
        except (ValueError, AttributeError, RecursionError) as error:
            raise KeysUnavailable("the key service answers no JSON") from error
        return reply.status, said if isinstance(said, dict) else {}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
