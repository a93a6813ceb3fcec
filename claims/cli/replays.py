"""Replays at a running service: plan, start, steer and follow them, and read what became of each item."""

from __future__ import annotations

import csv
import sys
import time
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from claims.cli.inputs import Reason, write_whole
from claims.cli.output import AsJson, Exit, Language, emit, progress_bar, say
from claims.cli.submission_words import sentence, speaking, state_of, word
from claims.cli.submissions import KeyFile, Url, open_api

if TYPE_CHECKING:
    from collections.abc import Iterable

    from claims.client import ApiClient, Document

replays = typer.Typer(
    help="Send failed submissions again, unchanged. What the gateway acknowledged is never sent again.",
    no_args_is_help=True,
)
Where = Annotated[
    list[str],
    typer.Option(
        "--where",
        help="A condition NAME=VALUE; several narrow. Names: state, cause, facility, ma_lk, sha256, id, "
        "received_from, received_until.",
        show_default=False,
    ),
]
ReplayId = Annotated[str, typer.Argument(help="The replay's id, rpl_….", show_default=False)]

#: What a plan says of what would go again.
_AGAIN = "replayed"
_RESULT_COLUMNS = ("submission_id", "outcome", "state_before", "state_now", "receipt")


@replays.command()
def plan(
    where: Where,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Say what a replay would do, with a sample, and change nothing."""
    with speaking(language), open_api(url, key_file, language) as api:
        planned = api.plan_replay(_selection(where))
    say(_would(planned["counts"], language))
    sample = planned["sample"]
    for item in sample if isinstance(sample, list) else ():
        state = state_of(item["state_before"], language)
        say(f"  {item['submission_id']}: {state} → {_would_item(str(item['outcome']), language)}")
    if as_json:
        emit(planned)
    return Exit.FINE


@replays.command()
def start(
    where: Where,
    reason: Reason,
    per_minute: Annotated[
        int | None, typer.Option("--per-minute", min=1, help="Submissions set going in a minute, at most.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Your own key: the same key again is the same replay.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; needed when this is no terminal.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not follow it.")] = False,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Freeze a selection, set its replay going and follow it."""
    selection = _selection(where)
    with speaking(language), open_api(url, key_file, language) as api:
        say(_would(api.plan_replay(selection)["counts"], language))
        if not yes:
            typer.confirm(sentence("replay_these", language), abort=True, err=True)
        replay = api.start_replay(selection, reason=reason, per_minute=per_minute, idempotency_key=key)
        say(sentence("replay_started", language, **replay))
        if not detach:
            replay = follow_replay(api, str(replay["id"]), language)
            say(_standing(replay, language))
        if as_json:
            emit(replay)
    return Exit.FINE


@replays.command()
def watch(
    replay_id: ReplayId,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Follow a replay until it ends or is paused."""
    with speaking(language), open_api(url, key_file, language) as api:
        replay = follow_replay(api, replay_id, language)
    say(_standing(replay, language))
    if as_json:
        emit(replay)
    return Exit.FINE


@replays.command()
def pause(
    replay_id: ReplayId,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Let no more submissions have their turn until it is resumed."""
    with speaking(language), open_api(url, key_file, language) as api:
        return _steered(api.steer_replay(replay_id, "pause"), language, as_json=as_json)


@replays.command()
def resume(
    replay_id: ReplayId,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Let a paused replay go on."""
    with speaking(language), open_api(url, key_file, language) as api:
        return _steered(api.steer_replay(replay_id, "resume"), language, as_json=as_json)


@replays.command()
def cancel(
    replay_id: ReplayId,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """End a replay; what had its turn stays replayed."""
    with speaking(language), open_api(url, key_file, language) as api:
        return _steered(api.steer_replay(replay_id, "cancel"), language, as_json=as_json)


@replays.command("list")
def list_replays(
    url: Url = None, key_file: KeyFile = None, language: Language = "vi", as_json: AsJson = False
) -> int:
    """List replays, newest first."""
    with speaking(language), open_api(url, key_file, language) as api:
        for replay in api.replays():
            progress = f"{_state(replay, language)} {replay['done']}/{replay['total']}"
            say(f"{replay['id']}  {replay['created_at']}  {progress}  {replay['reason']}")
            if as_json:
                emit(replay)
    return Exit.FINE


@replays.command()
def results(
    replay_id: ReplayId,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="CSV file; otherwise standard output.", dir_okay=False),
    ] = None,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Write what became of each submission of a replay, as CSV or as lines of JSON."""
    with speaking(language), open_api(url, key_file, language) as api:
        api.replay(replay_id)  # where there is none, nothing is written
        items = api.replay_items(replay_id)
        if as_json:
            for item in items:
                emit(item)
        elif output is None:
            _write_results(sys.stdout, items)
        else:
            text = StringIO(newline="")
            _write_results(text, items)
            write_whole(output, text.getvalue().encode())
    return Exit.FINE


def _write_results(file: TextIO, items: Iterable[Document]) -> None:
    writer = csv.DictWriter(file, _RESULT_COLUMNS, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(items)


def follow_replay(api: ApiClient, replay_id: str, language: str = "en") -> Document:
    """Show a replay's progress until it ends or is paused; return the replay as it then is."""
    replay = api.replay(replay_id)
    with progress_bar(sentence("replaying", language), int(str(replay["total"]))) as bar:
        while replay["state"] == "running":
            bar.set(int(str(replay["done"])))
            time.sleep(0.3)
            replay = api.replay(replay_id)
        bar.set(int(str(replay["done"])))
    return replay


def _steered(replay: Document, language: str, *, as_json: bool) -> int:
    say(_standing(replay, language))
    if as_json:
        emit(replay)
    return Exit.FINE


def _selection(where: list[str]) -> dict[str, object]:
    selection: dict[str, object] = {}
    for condition in where:
        name, separator, value = condition.partition("=")
        if not separator or not value:
            raise typer.BadParameter(f"{condition!r} is not NAME=VALUE", param_hint="--where")
        if name in {"state", "id"}:
            several = selection.setdefault("ids" if name == "id" else name, [])
            if isinstance(several, list):
                several.append(value)
        elif name in {"cause", "facility", "ma_lk", "sha256", "received_from", "received_until"}:
            selection[name] = value
        else:
            raise typer.BadParameter(f"there is no condition {name!r}", param_hint="--where")
    return selection


def _would(counts: object, language: str) -> str:
    """Return what a plan says: how many would go again, and how many not, and why."""
    told = dict(counts) if isinstance(counts, dict) else {}
    if not any(told.values()):
        return sentence("would_nothing", language)
    again = told.pop(_AGAIN, 0)
    left = _counts(told, language)
    return sentence("would", language, number=again) + (
        sentence("would_not", language, left=left) if left else ""
    )


def _would_item(outcome: str, language: str) -> str:
    if outcome == _AGAIN:
        return sentence("would_item", language)
    return word(outcome, language, otherwise=outcome, number="").strip()


def _standing(replay: Document, language: str) -> str:
    counts = _counts(replay["counts"], language) or sentence("none", language)
    return sentence("replay", language, id=replay["id"], state=_state(replay, language), counts=counts)


def _state(replay: Document, language: str) -> str:
    state = str(replay["state"])
    return word("canceled_replay" if state == "canceled" else state, language, otherwise=state)


def _counts(counts: object, language: str) -> str:
    some = counts.items() if isinstance(counts, dict) else ()
    return ", ".join(_count(str(outcome), number, language) for outcome, number in some if number)


def _count(outcome: str, number: object, language: str) -> str:
    return word(outcome, language, otherwise=f"{number} {outcome}", number=number)
