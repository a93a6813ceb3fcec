"""Replays at a running service: plan, start, steer and follow them, and read what became of each item."""

from __future__ import annotations

import csv
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from claims.cli.inputs import Reason
from claims.cli.output import AsJson, Exit, emit, progress_bar, say
from claims.cli.submissions import KeyFile, Url, open_api

if TYPE_CHECKING:
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

#: Why a replay leaves some alone.
_LEFT = {
    "refused_acknowledged": "that the gateway has",
    "skipped_under_way": "that are under way",
    "skipped_superseded": "that a later version took the place of",
    "skipped_withdrawn": "that were withdrawn",
    "skipped_erased": "that were erased",
}
_RESULT_COLUMNS = ("submission_id", "outcome", "state_before", "state_now", "receipt")


@replays.command()
def plan(where: Where, url: Url = None, key_file: KeyFile = None, as_json: AsJson = False) -> int:
    """Say what a replay would do, with a sample, and change nothing."""
    with open_api(url, key_file) as api:
        planned = api.plan_replay(_selection(where))
    say(_would(planned["counts"]))
    sample = planned["sample"]
    for item in sample if isinstance(sample, list) else ():
        say(f"  {item['submission_id']}: {item['state_before']} → {item['outcome']}")
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
    as_json: AsJson = False,
) -> int:
    """Freeze a selection, set its replay going and follow it."""
    selection = _selection(where)
    with open_api(url, key_file) as api:
        say(_would(api.plan_replay(selection)["counts"]))
        if not yes:
            typer.confirm("Replay these?", abort=True, err=True)
        replay = api.start_replay(selection, reason=reason, per_minute=per_minute, idempotency_key=key)
        say(f"replay {replay['id']}: {replay['total']} submissions")
        if not detach:
            replay = follow_replay(api, str(replay["id"]))
            say(f"replay {replay['id']}: {replay['state']}: {_counts(replay['counts'])}")
        if as_json:
            emit(replay)
    return Exit.FINE


@replays.command()
def watch(replay_id: ReplayId, url: Url = None, key_file: KeyFile = None, as_json: AsJson = False) -> int:
    """Follow a replay until it ends or is paused."""
    with open_api(url, key_file) as api:
        replay = follow_replay(api, replay_id)
    say(f"replay {replay_id}: {replay['state']}: {_counts(replay['counts'])}")
    if as_json:
        emit(replay)
    return Exit.FINE


@replays.command()
def pause(replay_id: ReplayId, url: Url = None, key_file: KeyFile = None, as_json: AsJson = False) -> int:
    """Let no more submissions have their turn until it is resumed."""
    return _steer("pause", replay_id, url, key_file, as_json=as_json)


@replays.command()
def resume(replay_id: ReplayId, url: Url = None, key_file: KeyFile = None, as_json: AsJson = False) -> int:
    """Let a paused replay go on."""
    return _steer("resume", replay_id, url, key_file, as_json=as_json)


@replays.command()
def cancel(replay_id: ReplayId, url: Url = None, key_file: KeyFile = None, as_json: AsJson = False) -> int:
    """End a replay; what had its turn stays replayed."""
    return _steer("cancel", replay_id, url, key_file, as_json=as_json)


@replays.command("list")
def list_replays(url: Url = None, key_file: KeyFile = None, as_json: AsJson = False) -> int:
    """List replays, newest first."""
    with open_api(url, key_file) as api:
        for replay in api.replays():
            progress = f"{replay['state']} {replay['done']}/{replay['total']}"
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
    as_json: AsJson = False,
) -> int:
    """Write what became of each submission of a replay, as CSV or as lines of JSON."""
    with ExitStack() as stack:
        api = stack.enter_context(open_api(url, key_file))
        items = api.replay_items(replay_id)
        if as_json:
            for item in items:
                emit(item)
            return Exit.FINE
        file: TextIO = sys.stdout
        if output is not None:
            file = stack.enter_context(output.open("w", encoding="utf-8", newline=""))
        writer = csv.DictWriter(file, _RESULT_COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for item in items:
            writer.writerow(item)
    return Exit.FINE


def follow_replay(api: ApiClient, replay_id: str) -> Document:
    """Show a replay's progress until it ends or is paused; return the replay as it then is."""
    replay = api.replay(replay_id)
    with progress_bar("replaying", int(str(replay["total"]))) as bar:
        while replay["state"] == "running":
            bar.set(int(str(replay["done"])))
            time.sleep(0.3)
            replay = api.replay(replay_id)
        bar.set(int(str(replay["done"])))
    return replay


def _steer(
    step: Literal["pause", "resume", "cancel"],
    replay_id: str,
    url: str | None,
    key_file: Path | None,
    *,
    as_json: bool,
) -> int:
    with open_api(url, key_file) as api:
        replay = api.steer_replay(replay_id, step)
    say(f"replay {replay_id}: {replay['state']}: {_counts(replay['counts'])}")
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


def _would(counts: object) -> str:
    """Return what a plan says: how many would go again, and how many not, and why."""
    told = dict(counts) if isinstance(counts, dict) else {}
    again = told.pop("replayed", 0)
    left = ", ".join(f"{number} {_LEFT.get(why, why)}" for why, number in told.items() if number)
    return f"would be replayed: {again}" + (f"; would not: {left}" if left else "")


def _counts(counts: object) -> str:
    if not isinstance(counts, dict):
        return str(counts)
    some = {str(outcome).replace("_", " "): number for outcome, number in counts.items() if number}
    return ", ".join(f"{number} {outcome}" for outcome, number in some.items()) or "none"
