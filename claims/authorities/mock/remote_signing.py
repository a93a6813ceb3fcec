"""A remote signing service for trials: the keys of a demo folder, and a holder who always answers alike.

Nobody has a telephone here: whether a request is confirmed, and after how long, is an option.
"""

import base64
import hmac
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import uvicorn
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from claims.authorities.mock.options import Holder, MockSigningSettings
from claims.authorities.smartca import CERTIFICATES, DECLINED, DONE, LAPSED, SIGN, STATUS, WAITING
from claims.listening import Server, bind
from signing.keys import LocalSigner, PrivateKey, load_pkcs12

SP_ID: Final = "trial"

_MAX_BODY: Final = 256 * 1024
_OWNER_ONLY: Final = 0o600
_HASHES: Final[dict[int, hashes.HashAlgorithm]] = {32: hashes.SHA256(), 48: hashes.SHA384()}


class _Refused(Exception):
    """The request is not taken; the answer says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = JSONResponse({"status_code": status, "message": message}, status_code=status)


class MockSigningService:
    """The requests that were made, and what becomes of each."""

    def __init__(
        self,
        folder: Path,
        *,
        holder: Holder = Holder.CONFIRMS,
        after_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secret = (folder / "passphrase.txt").read_text("utf-8").strip()
        self._keys = {
            path.stem: load_pkcs12(path.read_bytes(), self._secret) for path in folder.glob("keys/*.p12")
        }
        self._holder = holder
        self._after_s = after_s
        self._clock = clock
        self._requests: dict[str, tuple[float, LocalSigner, Mapping[str, bytes]]] = {}

    def certificates(self, asked: Mapping[str, object]) -> dict[str, object]:
        """Return the certificates of an account."""
        certificate = self._key_of(asked).certificate
        entry = {
            "cert_id": f"{certificate.serial_number:x}",
            "serial_number": f"{certificate.serial_number:x}",
            "cert_subject": certificate.subject.rfc4514_string(),
            "cert_valid_from": f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
            "cert_valid_to": f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
            "cert_data": base64.b64encode(certificate.public_bytes(Encoding.DER)).decode(),
        }
        return _well({"user_certificates": [entry]})

    def sign(self, asked: Mapping[str, object]) -> dict[str, object]:
        """Take a request, once."""
        key, number = self._key_of(asked), str(asked.get("transaction_id") or "")
        if not number or number in self._requests:
            raise _Refused(400, "transaction_id is missing or was used before")
        self._requests[number] = (self._clock(), key, _read_digests(asked.get("sign_files")))
        return _well({"transaction_id": number, "tran_code": number}, WAITING)

    def status(self, number: str) -> dict[str, object]:
        """Return what became of a request."""
        if number not in self._requests:
            raise _Refused(400, "no such transaction")
        since, key, digests = self._requests[number]
        if self._holder is Holder.IGNORES or self._clock() < since + self._after_s:
            return _well({"transaction_id": number, "signatures": None}, WAITING)
        if self._holder is not Holder.CONFIRMS:
            return _well(None, DECLINED if self._holder is Holder.DECLINES else LAPSED)
        values = [
            {"doc_id": name, "signature_value": _sign(key.private_key, digest), "timestamp_signature": None}
            for name, digest in digests.items()
        ]
        return _well({"transaction_id": number, "signatures": values}, DONE)

    def _key_of(self, asked: Mapping[str, object]) -> LocalSigner:
        key = self._keys.get(str(asked.get("user_id")))
        secret = str(asked.get("sp_password")).encode()
        if (
            asked.get("sp_id") != SP_ID
            or not hmac.compare_digest(secret, self._secret.encode())
            or key is None
        ):
            raise _Refused(401, "SP_CREDENTIAL_INVALID")
        return key


def make_app(service: MockSigningService) -> Starlette:
    """Return the stand-in as an application."""

    def route(path: str, answer: Callable[[Mapping[str, object], Mapping[str, str]], object]) -> Route:
        async def handle(request: Request) -> JSONResponse:
            """Answer one request, or say why not."""
            try:
                asked = await _read_object(request)
                return JSONResponse(await run_in_threadpool(answer, asked, request.path_params))
            except _Refused as refused:
                return refused.answer

        return Route(path, handle, methods=["POST"])

    return Starlette(
        routes=[
            route(CERTIFICATES, lambda asked, _: service.certificates(asked)),
            route(SIGN, lambda asked, _: service.sign(asked)),
            route(STATUS, lambda _, path: service.status(path["number"])),
        ]
    )


def write_credentials(settings: MockSigningSettings) -> list[Path]:
    """Write, for each key that has none yet, the credentials with which the stand-in lets it be used."""
    secret = (settings.folder / "passphrase.txt").read_text("utf-8").strip()
    written = []
    for key in sorted(settings.folder.glob("keys/*.p12")):
        path = key.with_suffix(".remote.toml")
        # Quoted as JSON quotes, which TOML reads alike.
        lines = {"sp_id": SP_ID, "sp_password": secret, "user_id": key.stem}
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w") as file:
                file.write(text)
        written.append(path)
    return written


def serve(settings: MockSigningSettings, *, on_ready: Callable[[str], None]) -> None:
    """Serve the stand-in until SIGTERM or SIGINT; ``on_ready`` is given the address."""
    app = make_app(MockSigningService(settings.folder, holder=settings.holder, after_s=settings.after_s))
    config = uvicorn.Config(app, access_log=False, log_level="warning")
    Server(config, bind(settings.host, settings.port), on_ready).run()


async def _read_object(request: Request) -> Mapping[str, object]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise _Refused(413, "a request is shorter than that")
    try:
        found = json.loads(bytes(body))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _Refused(400, "BAD_REQUEST")
    return found


def _read_digests(files: object) -> Mapping[str, bytes]:
    entries = files if isinstance(files, list) else []
    try:
        digests = {
            str(entry["doc_id"]): bytes.fromhex(entry["data_to_be_signed"])
            for entry in entries
            if entry["sign_type"] == "hash"
        }
    except (KeyError, TypeError, ValueError):
        digests = {}
    if not entries or len(digests) != len(entries) or {len(one) for one in digests.values()} - _HASHES.keys():
        raise _Refused(400, "BAD_REQUEST: sign_files")
    return digests


def _sign(key: PrivateKey, digest: bytes) -> str:
    algorithm = Prehashed(_HASHES[len(digest)])
    if isinstance(key, rsa.RSAPrivateKey):
        value = key.sign(digest, padding.PKCS1v15(), algorithm)
    else:
        value = key.sign(digest, ec.ECDSA(algorithm))
    return base64.b64encode(value).decode()


def _well(data: object, message: str = DONE) -> dict[str, object]:
    return {"status_code": 200, "message": message, "data": data}
