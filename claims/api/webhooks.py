"""Webhooks: a facility says where it wants to be told, and sees each delivery."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, WithJsonSchema

from claims.api.access import TheService, may
from claims.api.limits import MOST_LISTED
from claims.api.models import PlainText
from claims.api.paging import cut
from claims.exchange.access.principal import Principal
from claims.exchange.webhooks import EVERY_TYPE, SETTLED_TYPES, DeliveryState, Webhook, WebhookDelivery
from claims.validation import UnfitValue

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

Reader = Annotated[Principal, may("webhook.read")]
Manager = Annotated[Principal, may("webhook.manage")]
WebhookKey = Annotated[str, Path(pattern="^whk_[0-9a-f]{24}$")]
DeliveryKey = Annotated[str, Path(pattern="^msg_[0-9a-f]{32}$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[\x21-\x7e]+$", max_length=1000)]


def _known_type(text: str) -> str:
    if text not in EVERY_TYPE:
        every = ", ".join(EVERY_TYPE)
        raise UnfitValue(f"not one of {every}", f"phải là một trong: {every}")
    return text


EventType = Annotated[
    str, AfterValidator(_known_type), WithJsonSchema({"type": "string", "enum": list(EVERY_TYPE)})
]


class WebhookView(BaseModel):
    """Where a facility is told, and of what."""

    id: str
    url: str
    types: list[str]
    description: str
    created_at: datetime
    enabled: bool
    disabled_why: str | None = Field(description="`gone`: the receiver answered 410.")
    overlap_until: datetime | None = Field(
        description="Until when deliveries are signed with the secret before the last rotation too."
    )

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        """Make the view of a webhook."""
        return cls(
            id=webhook.id,
            url=webhook.url,
            types=list(webhook.types),
            description=webhook.description,
            created_at=webhook.created_at,
            enabled=webhook.disabled_why is None,
            disabled_why=webhook.disabled_why,
            overlap_until=webhook.overlap_until,
        )


class WebhookWithSecret(WebhookView):
    """A webhook with its newest secret, which is shown this once."""

    secret: str = Field(description="`whsec_` and base64: what a Standard Webhooks library takes.")

    @classmethod
    def showing(cls, webhook: Webhook, secret: str) -> Self:
        """Make the view of a webhook whose secret is new."""
        return cls(**WebhookView.of(webhook).model_dump(), secret=secret)


class NewWebhook(BaseModel, extra="forbid"):
    """A webhook to be made."""

    url: Address = Field(examples=["https://his.example.vn/ehoso"])
    types: list[EventType] = Field(
        default=list(SETTLED_TYPES),
        min_length=1,
        description="Of what to be told. Default: how a submission ended.",
    )
    description: PlainText = ""


class WebhookChange(BaseModel, extra="forbid"):
    """What is to be changed; what is absent stays."""

    url: Address | None = None
    types: Annotated[list[EventType], Field(min_length=1)] | None = None
    description: PlainText | None = None
    enabled: bool | None = Field(
        default=None, description="Switched on again, it is told from now on; the feed has what was before."
    )


class Rotation(BaseModel, extra="forbid"):
    """How a secret is replaced."""

    overlap_h: int = Field(
        24,
        ge=0,
        le=168,
        description="Hours in which deliveries are signed with the secret before too; 0: the new one alone "
        "signs from now on. While two secrets are live only 0 is taken.",
    )


class TryView(BaseModel):
    """One attempt to post."""

    at: datetime
    took_ms: int
    status: int | None = Field(description="HTTP status; null when nobody answered.")
    error: str | None


class DeliveryView(BaseModel):
    """One event on its way to one webhook."""

    id: str = Field(description="The `webhook-id` header, the same with every attempt.")
    type: str
    event_at: datetime
    submission_id: str | None
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None = Field(
        description="Not before then; null while the webhook is switched off, too."
    )
    tries: list[TryView]

    @classmethod
    def of(cls, delivery: WebhookDelivery) -> Self:
        """Make the view of a delivery."""
        return cls(
            id=delivery.id,
            type=delivery.type,
            event_at=delivery.event_at,
            submission_id=delivery.submission_id,
            state=delivery.state,
            attempts=delivery.attempts,
            next_attempt_at=delivery.next_attempt_at,
            tries=[
                TryView(at=one.at, took_ms=one.took_ms, status=one.status, error=one.error)
                for one in delivery.tries
            ],
        )


class WebhookList(BaseModel):
    """A facility's webhooks, all of them."""

    data: list[WebhookView]
    next_cursor: None = None
    has_more: Literal[False] = False


class DeliveryPage(BaseModel):
    """Deliveries, newest first."""

    data: list[DeliveryView]
    next_cursor: str | None = Field(description="Give this as `cursor` for older ones.")
    has_more: bool


@router.post("", status_code=201, operation_id="createWebhook", summary="Be told of events by webhook")
def create_webhook(wanted: NewWebhook, service: TheService, caller: Manager) -> WebhookWithSecret:
    """Make a webhook; the answer holds its secret, which is not shown again."""
    webhook, secret = service.keep_webhooks.make(
        caller.own_facility(),
        url=wanted.url,
        types=wanted.types,
        description=wanted.description,
    )
    return WebhookWithSecret.showing(webhook, secret)


@router.get("", operation_id="listWebhooks", summary="A facility's webhooks")
def list_webhooks(service: TheService, caller: Reader) -> WebhookList:
    """Return the caller's own webhooks, oldest first."""
    found = service.webhooks.of_facility(caller.own_facility())
    return WebhookList(data=[WebhookView.of(one) for one in found])


@router.get("/{webhook_id}", operation_id="getWebhook", summary="One webhook")
def get_webhook(webhook_id: WebhookKey, service: TheService, caller: Reader) -> WebhookView:
    """Return the webhook."""
    return WebhookView.of(service.webhooks.get(webhook_id, facility=caller.own_facility()))


@router.patch("/{webhook_id}", operation_id="changeWebhook", summary="Change a webhook, switch it on or off")
def change_webhook(
    webhook_id: WebhookKey, wanted: WebhookChange, service: TheService, caller: Manager
) -> WebhookView:
    """Change what is given."""
    webhook = service.webhooks.get(webhook_id, facility=caller.own_facility())
    changed = service.keep_webhooks.change(
        webhook,
        url=wanted.url,
        types=wanted.types,
        description=wanted.description,
        is_enabled=wanted.enabled,
    )
    return WebhookView.of(changed)


@router.delete("/{webhook_id}", status_code=204, operation_id="deleteWebhook", summary="Forget a webhook")
def delete_webhook(webhook_id: WebhookKey, service: TheService, caller: Manager) -> None:
    """Forget it with its deliveries."""
    service.webhooks.remove(service.webhooks.get(webhook_id, facility=caller.own_facility()).id)


@router.post("/{webhook_id}/secret", operation_id="rotateWebhookSecret", summary="Replace the secret")
def rotate_secret(
    webhook_id: WebhookKey, service: TheService, caller: Manager, wanted: Rotation | None = None
) -> WebhookWithSecret:
    """Make a new secret, shown this once; until the overlap ends both sign."""
    webhook = service.webhooks.get(webhook_id, facility=caller.own_facility())
    overlap = timedelta(hours=(wanted or Rotation()).overlap_h)
    return WebhookWithSecret.showing(*service.keep_webhooks.rotate(webhook, overlap=overlap))


@router.post("/{webhook_id}/ping", status_code=202, operation_id="pingWebhook", summary="Send a test")
def ping_webhook(webhook_id: WebhookKey, service: TheService, caller: Manager) -> DeliveryView:
    """Send `webhook.ping`; the delivery says how it was answered."""
    webhook = service.webhooks.get(webhook_id, facility=caller.own_facility())
    delivery = service.keep_webhooks.ping(webhook)
    service.jobs.wake_webhook(webhook.id)
    return DeliveryView.of(delivery)


@router.get("/{webhook_id}/deliveries", operation_id="listDeliveries", summary="What was sent to a webhook")
def list_deliveries(
    webhook_id: WebhookKey,
    service: TheService,
    caller: Reader,
    state: DeliveryState | None = None,
    cursor: Annotated[str | None, Query(pattern="^[1-9][0-9]{0,17}$")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> DeliveryPage:
    """Return deliveries with every attempt, newest first. Settled ones are kept for 30 days."""
    webhook = service.webhooks.get(webhook_id, facility=caller.own_facility())
    before = None if cursor is None else int(cursor)
    found = service.webhooks.deliveries(webhook.id, state=state, before=before, limit=limit + 1)
    page = cut(found, limit, cursor=lambda numbered: numbered[0])
    return DeliveryPage(
        data=[DeliveryView.of(one) for _, one in page.shown],
        next_cursor=page.next_cursor,
        has_more=page.has_more,
    )


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/resend",
    status_code=202,
    operation_id="resendDelivery",
    summary="Send a delivery again",
)
def resend_delivery(
    webhook_id: WebhookKey, delivery_id: DeliveryKey, service: TheService, caller: Manager
) -> DeliveryView:
    """Let it begin anew, under its id."""
    webhook = service.webhooks.get(webhook_id, facility=caller.own_facility())
    delivery = service.keep_webhooks.send_again(webhook, delivery_id)
    service.jobs.wake_webhook(webhook.id)
    return DeliveryView.of(delivery)
