"""Submitting to a running service and following what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from claims.cli.inputs import Inputs, read_input
from claims.cli.output import AsJson, Exit, console, emit, progress_bar, say

if TYPE_CHECKING:
    from claims.client import ApiClient, Document

Url = Annotated[str | None, typer.Option("--url", help="The API's address; otherwise CLAIMS_API_URL.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file", help="File with the API key; otherwise CLAIMS_API_KEY.", dir_okay=False, exists=True
    ),
]


def submit(
    inputs: Inputs,
    url: Url = None,
    key_file: KeyFile = None,
    parallel: Annotated[int, typer.Option(help="Requests at once.", min=1, max=64)] = 4,
    as_json: AsJson = False,
) -> int:
    """Submit signed bundles (XML) or encounter documents (JSON) to the service.

    Submitting the same file again is harmless: it gives the same submission.
    """
    refused = 0
    with (
        _api(url, key_file) as api,
        ThreadPoolExecutor(parallel) as pool,
        progress_bar("submitting", len(inputs)) as bar,
    ):
        for path, entry in zip(inputs, pool.map(lambda path: _submit_one(api, path), inputs), strict=True):
            refused += "error" in entry
            say(f"{path}: {entry.get('id') or entry['error']}")
            if as_json:
                emit(entry)
            bar.advance()
    return Exit.BLOCKED if refused else Exit.FINE


def status(
    ids: Annotated[list[str], typer.Argument(help="Submission ids, sub_….", show_default=False)],
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow until nothing more happens by itself.")
    ] = False,
    url: Url = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Show where submissions stand, with their history.

    Exit code 1 if one of them was rejected, refused or has failed.
    """
    from claims.client import SETTLED

    failed = 0
    with _api(url, key_file) as api:
        for submission_id in ids:
            submission = _watch(api, submission_id) if watch else api.submission(submission_id)
            failed += submission["state"] in SETTLED - {"acknowledged"}
            _show(api, submission)
            if as_json:
                emit(submission)
    return Exit.BLOCKED if failed else Exit.FINE


def replay(
    where: Annotated[
        list[str],
        typer.Option(
            "--where",
            help="A condition NAME=VALUE; several narrow. Names: state, cause, facility, ma_lk, sha256, id, "
            "received_from, received_until.",
            show_default=False,
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in every submission's history.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; needed when this is no terminal.")] = False,
    url: Url = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Send failed submissions again, unchanged. What the gateway acknowledged is never sent again."""
    selection = _selection(where)
    with _api(url, key_file) as api:
        plan = api.plan_replay(selection)
        counts = plan["counts"]
        say(f"would be replayed: {_counts(counts)}")
        if dry_run:
            if as_json:
                emit(plan)
            return Exit.FINE
        if not reason:
            raise typer.BadParameter("say why", param_hint="--reason")
        if not yes:
            typer.confirm("Replay these?", abort=True, err=True)
        started = api.start_replay(selection, reason=reason)
        finished = follow_replay(api, str(started["id"]))
        for item in api.replay_items(str(started["id"])):
            say(f"  {item['submission_id']}: {item['outcome']}")
            if as_json:
                emit(item)
    say(f"replay {finished['id']}: {_counts(finished['counts'])}")
    return Exit.FINE


@contextmanager
def _api(url: str | None, key_file: Path | None) -> Iterator[ApiClient]:
    from claims.client import ApiClient
    from claims.runtime.settings import InvalidSettings, load_settings

    settings = load_settings()
    if key_file is not None:
        key = key_file.read_text("utf-8").strip()
    elif settings.api_key is not None:
        key = settings.api_key.get_secret_value()
    else:
        raise InvalidSettings(("give an API key: --key-file, or CLAIMS_API_KEY",))
    with ApiClient(url or settings.api_url, key) as api:
        yield api


def _submit_one(api: ApiClient, path: Path) -> Document:
    from claims.client import ApiRefused

    try:
        body = read_input(path)
        # An encounter is a JSON object; a bundle is XML, after a byte order mark or blanks at most.
        is_encounter = body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
        submission = api.submit_encounter(body) if is_encounter else api.submit_bundle(body)
    except ApiRefused as refusal:
        return {"file": str(path), "error": str(refusal), "problem": refusal.problem}
    except OSError as error:
        return {"file": str(path), "error": str(error)}
    return {"file": str(path), **submission}


#: The service answers as soon as there is news; otherwise the state is shown anew.
_LOOK_AGAIN_S: Final = 2.0


def _watch(api: ApiClient, submission_id: str) -> Document:
    from claims.client import SETTLED

    with console.status("") as spinner:
        while True:
            submission = api.submission(submission_id, wait_s=_LOOK_AGAIN_S)
            if submission["state"] in SETTLED:
                return submission
            spinner.update(f"{submission_id}: {submission['state']}")


def _show(api: ApiClient, submission: Document) -> None:
    receipt = f", receipt {submission['receipt']}" if submission["receipt"] else ""
    say(f"{submission['id']}: {submission['state']}{receipt}")
    for event in api.events(str(submission["id"])):
        say(f"  {event['at']}  {event['kind']}" + (f"  {event['cause']}" if event["cause"] else ""))


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


def follow_replay(api: ApiClient, replay_id: str) -> Document:
    """Show a replay's progress until every item has had its turn; return the replay as it then is."""
    replay = api.replay(replay_id)
    with progress_bar("replaying", int(str(replay["total"]))) as bar:
        while replay["finished_at"] is None:
            bar.set(int(str(replay["done"])))
            time.sleep(0.3)
            replay = api.replay(replay_id)
    return replay


def _counts(counts: object) -> str:
    if not isinstance(counts, dict):
        return str(counts)
    return ", ".join(f"{number} {str(outcome).replace('_', ' ')}" for outcome, number in counts.items())
