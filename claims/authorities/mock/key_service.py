"""A key service for trials: the calls of the transit API that `claims.authorities.key_service` makes.

Its keys live in memory and are gone with it: nothing that matters may be wrapped by them.
"""

import base64
import binascii
import hmac
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_NONCE_BYTES = 12


class MockKeyService:
    """Versions of one key, and who may use them."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._versions = [AESGCM(AESGCM.generate_key(256))]

    def app(self) -> Starlette:
        """Return it as an application."""
        return Starlette(
            routes=[
                Route("/v1/transit/encrypt/{key}", self._encrypt, methods=["POST"]),
                Route("/v1/transit/decrypt/{key}", self._decrypt, methods=["POST"]),
                Route("/v1/transit/keys/{key}/rotate", self._rotate, methods=["POST"]),
            ]
        )

    async def _encrypt(self, request: Request) -> Response:
        if (asked := await self._asked(request)) is None:
            return _refused(403, "permission denied")
        version = int(asked.get("key_version") or len(self._versions))
        if not 0 < version <= len(self._versions):
            return _refused(400, "no such version")
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._versions[version - 1].encrypt(
            nonce, base64.b64decode(asked["plaintext"]), base64.b64decode(asked.get("associated_data", ""))
        )
        text = base64.b64encode(nonce + sealed).decode()
        return JSONResponse({"data": {"ciphertext": f"vault:v{version}:{text}"}})

    async def _decrypt(self, request: Request) -> Response:
        if (asked := await self._asked(request)) is None:
            return _refused(403, "permission denied")
        try:
            _, version, text = str(asked["ciphertext"]).split(":")
            sealed = base64.b64decode(text)
            opened = self._versions[int(version.removeprefix("v")) - 1].decrypt(
                sealed[:_NONCE_BYTES],
                sealed[_NONCE_BYTES:],
                base64.b64decode(asked.get("associated_data", "")),
            )
        except (InvalidTag, IndexError, ValueError, binascii.Error):
            return _refused(400, "invalid ciphertext")
        return JSONResponse({"data": {"plaintext": base64.b64encode(opened).decode()}})

    async def _rotate(self, request: Request) -> Response:
        if await self._asked(request) is None:
            return _refused(403, "permission denied")
        self._versions.append(AESGCM(AESGCM.generate_key(256)))
        return JSONResponse({"data": {"latest_version": len(self._versions)}})

    async def _asked(self, request: Request) -> dict[str, Any] | None:
        shown = request.headers.get("X-Vault-Token", "")
        if not hmac.compare_digest(shown.encode(), self._token.encode()):
            return None
        found: dict[str, Any] = await request.json()
        return found


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"errors": [why]}, status_code=status)
