"""Keys and clients: how a facility's own machines prove who they are, issued, changed and ended by it."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Self

from fastapi import APIRouter, Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from claims.api.access import TheService, may
from claims.api.models import PlainText
from claims.exchange.access.clients import Client
from claims.exchange.access.errors import KeyNotFound
from claims.exchange.access.keys import ApiKey, Scope, require_givable
from claims.exchange.access.principal import Principal
from claims.exchange.submission import FacilityCode
from claims.runtime.wiring import Service
from claims.validation import unfit

router = APIRouter(tags=["keys and clients"])

KeyReader = Annotated[Principal, may("key.read")]
Issuer = Annotated[Principal, may("key.issue")]
_WHOSE: Final = "Whose; without it the caller's own, or the service's."
_BOUND: Final = "Whether it gets tokens over mutual TLS only, bound to its certificate."
KeyId = Annotated[str, Path(pattern="^[0-9a-f]{12}$")]
ClientId = Annotated[str, Path(pattern="^cli_[0-9a-f]{16}$")]
Thumbprint = Annotated[str, Path(pattern="^[0-9A-Za-z_-]{43}$")]
Whose = Annotated[PlainText | None, Query(description=_WHOSE)]

_LONGEST_LABEL = 100


class KeyView(BaseModel):
    """An API key without its secret."""

    id: str
    facility: str | None = Field(description="Null: the service's own.")
    scopes: list[Scope]
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    is_live: bool

    @classmethod
    def of(cls, key: ApiKey, now: datetime) -> Self:
        """Make the view of a key."""
        return cls(
            id=key.id,
            facility=key.facility,
            scopes=sorted(key.scopes),
            label=key.label,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
            is_live=key.is_live(now),
        )


class KeysView(BaseModel):
    """A facility's keys, newest first."""

    data: list[KeyView]
    next_cursor: None = None
    has_more: bool = False


class NewKey(BaseModel, extra="forbid"):
    """What a key is to be for."""

    facility: PlainText | None = Field(None, description=_WHOSE)
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    label: PlainText = Field(min_length=1, max_length=_LONGEST_LABEL)
    days: int | None = Field(None, ge=1, le=3650, description="Days until it expires; null: it does not.")


class Rotation(BaseModel, extra="forbid"):
    """How a key is replaced."""

    overlap_hours: int = Field(24, ge=0, le=24 * 30, description="Hours in which the old key opens too.")
    days: int | None = Field(None, ge=1, le=3650, description="Days until the new one expires.")


class IssuedKey(BaseModel):
    """A new key's text: shown this once."""

    key: str


class ClientKeyView(BaseModel):
    """One public key of a client."""

    thumbprint: str = Field(description="SHA-256 thumbprint (RFC 7638).")
    added_at: datetime
    ends_at: datetime | None


class ClientView(BaseModel):
    """An OAuth client."""

    id: str = Field(description="Issuer and subject of the client's statements.")
    facility: str | None
    scopes: list[Scope]
    label: str
    created_at: datetime
    is_bound: bool = Field(description=_BOUND)
    keys: list[ClientKeyView]
    suspended_at: datetime | None = Field(description="Since when it is suspended; null: it is not.")
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, client: Client) -> Self:
        """Make the view of a client."""
        return cls(
            id=client.id,
            facility=client.facility,
            scopes=sorted(client.scopes),
            label=client.label,
            created_at=client.created_at,
            is_bound=client.is_bound,
            keys=[
                ClientKeyView(thumbprint=key.id, added_at=key.added_at, ends_at=key.ends_at)
                for key in client.keys
            ],
            suspended_at=client.suspended_at,
            revoked_at=client.revoked_at,
            last_used_at=client.last_used_at,
        )


class ClientsView(BaseModel):
    """A facility's clients, newest first."""

    data: list[ClientView]
    next_cursor: None = None
    has_more: bool = False


class PublicKey(BaseModel, extra="forbid"):
    """A public key, as PEM or as a JWK."""

    public_key: PlainText = Field(
        min_length=1,
        max_length=2_000,
        description="PEM, or a JWK as text: RSA (2048 on), P-256, P-384, Ed25519.",
    )


class NewClient(PublicKey):
    """What a client is to be for."""

    facility: PlainText | None = Field(None, description=_WHOSE)
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    label: PlainText = Field(min_length=1, max_length=_LONGEST_LABEL)
    is_bound: bool = Field(default=False, description=_BOUND)


@router.get("/v1/keys", operation_id="listKeys", summary="A facility's API keys and their last use")
def list_keys(service: TheService, caller: KeyReader, facility: Whose = None) -> KeysView:
    """Return the keys, without their secrets."""
    found = service.api_keys.of_facility(_whose(caller, facility))
    return KeysView(data=[KeyView.of(key, service.clock.now()) for key in found])


@router.post("/v1/keys", status_code=201, operation_id="issueKey", summary="Make an API key")
def issue_key(wanted: NewKey, service: TheService, caller: Issuer) -> IssuedKey:
    """Return the key's text, which is shown this once."""
    scopes = frozenset(wanted.scopes)
    facility = _whose(caller, wanted.facility)
    require_givable(scopes, by=caller)
    lives = None if wanted.days is None else timedelta(days=wanted.days)
    text = service.issue_key(
        facility=facility,
        scopes=scopes,
        label=wanted.label,
        expires_at=None if lives is None else service.clock.now() + lives,
    )
    return IssuedKey(key=text)


@router.post(
    "/v1/keys/{key_id}/rotation",
    status_code=201,
    operation_id="rotateKey",
    summary="Replace an API key by one that opens the same",
)
def rotate_key(key_id: KeyId, wanted: Rotation, service: TheService, caller: Issuer) -> IssuedKey:
    """Return the new key's text; the old key ends when the overlap is over. Two are live at most."""
    _require_key(service, caller, key_id)
    text = service.rotate_key(
        key_id,
        overlap=timedelta(hours=wanted.overlap_hours),
        lives=None if wanted.days is None else timedelta(days=wanted.days),
    )
    return IssuedKey(key=text)


@router.delete("/v1/keys/{key_id}", status_code=204, operation_id="revokeKey", summary="End an API key")
def revoke_key(key_id: KeyId, service: TheService, caller: Issuer) -> None:
    """End it for good; it opens nothing some seconds later."""
    _require_key(service, caller, key_id)
    service.api_keys.revoke(key_id, at=service.clock.now())


@router.get("/v1/clients", operation_id="listClients", summary="A facility's OAuth clients and their keys")
def list_clients(service: TheService, caller: KeyReader, facility: Whose = None) -> ClientsView:
    """Return the clients."""
    found = service.clients.of_facility(_whose(caller, facility))
    return ClientsView(data=[ClientView.of(client) for client in found])


@router.post(
    "/v1/clients",
    status_code=201,
    operation_id="registerClient",
    summary="Register a client by its key",
)
def register_client(wanted: NewClient, service: TheService, caller: Issuer) -> ClientView:
    """Return the client; its statements (RFC 7523) have its id as issuer and subject."""
    scopes = frozenset(wanted.scopes)
    facility = _whose(caller, wanted.facility)
    require_givable(scopes, by=caller)
    client = service.manage_clients.register(
        wanted.public_key, facility=facility, scopes=scopes, label=wanted.label, is_bound=wanted.is_bound
    )
    return ClientView.of(client)


@router.delete(
    "/v1/clients/{client_id}", status_code=204, operation_id="revokeClient", summary="End a client"
)
def revoke_client(client_id: ClientId, service: TheService, caller: Issuer) -> None:
    """End it for good, and every token it has."""
    _require_client(service, caller, client_id)
    service.manage_clients.revoke(client_id)


@router.post("/v1/clients/{client_id}/suspension", operation_id="suspendClient", summary="Suspend a client")
def suspend_client(client_id: ClientId, service: TheService, caller: Issuer) -> ClientView:
    """Return the client: it gets no token, and those it has open nothing, until it is resumed."""
    _require_client(service, caller, client_id)
    service.manage_clients.suspend(client_id)
    return ClientView.of(_require_client(service, caller, client_id))


@router.delete(
    "/v1/clients/{client_id}/suspension", operation_id="resumeClient", summary="Resume a suspended client"
)
def resume_client(client_id: ClientId, service: TheService, caller: Issuer) -> ClientView:
    """Return the client; one that has ended stays so."""
    _require_client(service, caller, client_id)
    service.manage_clients.resume(client_id)
    return ClientView.of(_require_client(service, caller, client_id))


@router.post(
    "/v1/clients/{client_id}/keys",
    operation_id="addClientKey",
    summary="Give a client another key",
)
def add_client_key(client_id: ClientId, wanted: PublicKey, service: TheService, caller: Issuer) -> ClientView:
    """Return the client; two keys are live at most, until the old one is ended."""
    _require_client(service, caller, client_id)
    service.manage_clients.add_key(client_id, wanted.public_key)
    return ClientView.of(_require_client(service, caller, client_id))


@router.delete(
    "/v1/clients/{client_id}/keys/{thumbprint}",
    status_code=204,
    operation_id="endClientKey",
    summary="End one key of a client",
)
def end_client_key(client_id: ClientId, thumbprint: Thumbprint, service: TheService, caller: Issuer) -> None:
    """End it; tokens that it got live on for minutes."""
    _require_client(service, caller, client_id)
    service.manage_clients.end_key(client_id, thumbprint)


def _whose(caller: Principal, facility: str | None) -> FacilityCode | None:
    """Return whose machines are meant; None: the service's own, which only the nation has to do with."""
    whose = caller.facility_within(facility)
    if whose is None and not caller.within.is_everywhere:
        raise RequestValidationError(
            [unfit(("facility",), "missing", "say whose", "hãy ghi là của cơ sở nào")]
        )
    return whose


def _require_key(service: Service, caller: Principal, key_id: str) -> ApiKey:
    key = service.api_keys.find(key_id)
    if key is None or not caller.within.reaches(key.facility):
        raise KeyNotFound(key_id)
    return key


def _require_client(service: Service, caller: Principal, client_id: str) -> Client:
    client = service.clients.find(client_id)
    if client is None or not caller.within.reaches(client.facility):
        raise KeyNotFound(client_id)
    return client
