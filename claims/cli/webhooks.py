"""Webhooks at a running service: make, change and test them, and see each delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.output import AsJson, Exit, Language, emit, say
from claims.cli.submission_words import sentence, speaking, word
from claims.cli.submissions import KeyFile, Url, open_api

if TYPE_CHECKING:
    from claims.client import Document

webhooks = typer.Typer(
    help="Be told of events by signed requests (Standard Webhooks) to an address of your own.",
    no_args_is_help=True,
)
WebhookId = Annotated[str, typer.Argument(help="The webhook's id, whk_….", show_default=False)]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Event type such as submission.acknowledged; may be given several times."),
]


@webhooks.command()
def add(
    address: Annotated[str, typer.Argument(help="Where to post, https://….", show_default=False)],
    event_types: Types = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Make a webhook. Its secret is shown once, on standard output."""
    with speaking(language), open_api(url, key_file, language) as api:
        made = api.make_webhook(address, types=event_types or (), description=description)
    _show_secret(made, language, as_json=as_json)
    return Exit.FINE


@webhooks.command("list")
def list_webhooks(
    url: Url = None, key_file: KeyFile = None, language: Language = "vi", as_json: AsJson = False
) -> int:
    """List the facility's webhooks."""
    with speaking(language), open_api(url, key_file, language) as api:
        found = api.webhooks()
    for one in found:
        say(f"{one['id']}  {_switch(one, language)}  {one['url']}  {one['description']}")
        if as_json:
            emit(one)
    return Exit.FINE


@webhooks.command()
def change(
    webhook_id: WebhookId,
    address: Annotated[str | None, typer.Option(help="Another address.")] = None,
    event_types: Types = None,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="Switch it on or off.")] = None,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Change what is given."""
    wanted = {"url": address, "types": event_types, "enabled": enabled}
    with speaking(language), open_api(url, key_file, language) as api:
        changed = api.change_webhook(
            webhook_id, **{name: value for name, value in wanted.items() if value is not None}
        )
    say(f"{changed['id']}  {_switch(changed, language)}  {changed['url']}")
    if as_json:
        emit(changed)
    return Exit.FINE


@webhooks.command()
def remove(
    webhook_id: WebhookId, url: Url = None, key_file: KeyFile = None, language: Language = "vi"
) -> int:
    """Forget a webhook with its deliveries."""
    with speaking(language), open_api(url, key_file, language) as api:
        api.delete_webhook(webhook_id)
    say(sentence("webhook_gone", language, id=webhook_id))
    return Exit.FINE


@webhooks.command()
def rotate(
    webhook_id: WebhookId,
    overlap_h: Annotated[int, typer.Option(min=0, max=168, help="Hours in which both secrets sign.")] = 24,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Replace the secret. The new one is shown once, on standard output."""
    with speaking(language), open_api(url, key_file, language) as api:
        changed = api.rotate_webhook_secret(webhook_id, overlap_h=overlap_h)
    _show_secret(changed, language, as_json=as_json)
    return Exit.FINE


@webhooks.command()
def ping(
    webhook_id: WebhookId,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Send a test; `deliveries` says how it was answered."""
    with speaking(language), open_api(url, key_file, language) as api:
        _show_delivery(api.ping_webhook(webhook_id), language, as_json=as_json)
    return Exit.FINE


@webhooks.command()
def deliveries(
    webhook_id: WebhookId,
    state: Annotated[str | None, typer.Option(help="waiting, delivered or failed.")] = None,
    most: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """List what was sent to a webhook, and how each attempt was answered."""
    with speaking(language), open_api(url, key_file, language) as api:
        for _, one in zip(range(most), api.webhook_deliveries(webhook_id, state=state), strict=False):
            _show_delivery(one, language, as_json=as_json)
    return Exit.FINE


@webhooks.command()
def resend(
    webhook_id: WebhookId,
    delivery_id: Annotated[str, typer.Argument(help="The delivery's id, msg_….", show_default=False)],
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Send a delivery again, under its id."""
    with speaking(language), open_api(url, key_file, language) as api:
        _show_delivery(api.resend_delivery(webhook_id, delivery_id), language, as_json=as_json)
    return Exit.FINE


def _switch(webhook: Document, language: str) -> str:
    why = webhook["disabled_why"]
    return sentence("on", language) if webhook["enabled"] else word(f"off_{why}", language, otherwise=why)


def _show_secret(made: object, language: str, *, as_json: bool) -> None:
    if not isinstance(made, dict):
        raise TypeError(type(made))
    say(sentence("webhook_secret", language, **made))
    if as_json:
        emit(made)
    else:
        typer.echo(made["secret"])


def _show_delivery(one: object, language: str, *, as_json: bool) -> None:
    if not isinstance(one, dict):
        raise TypeError(type(one))
    tries = one["tries"]
    last = str(tries[-1]["status"] or tries[-1]["error"]) if tries else sentence("untried", language)
    state = word(f"delivery_{one['state']}", language, otherwise=one["state"])
    say(f"{one['id']}  {one['type']}  {one['submission_id'] or '–'}  {state}  {last}")
    if as_json:
        emit(one)
