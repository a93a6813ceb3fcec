"""Personal data on the command line: everything held about one person, and what persons ask about it."""

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.output import AsJson, emit, say

if TYPE_CHECKING:
    from claims.exchange.access.principal import Principal
    from claims.exchange.data_requests import DataRequest
    from claims.runtime.wiring import Service

privacy = typer.Typer(
    help="What is held about one person, and persons' requests about it (Law 91/2025/QH15).",
    no_args_is_help=True,
)
requests = typer.Typer(help="Requests of persons: record, acknowledge, answer.", no_args_is_help=True)
privacy.add_typer(requests, name="request")

PersonFile = Annotated[
    Path,
    typer.Option(
        "--person-file",
        help="File with a person's numbers, one a line; `-` reads them from standard input. Not as "
        "arguments: those stand in histories and lists of processes.",
        allow_dash=True,
    ),
]
Id = Annotated[str, typer.Argument(help="Request id, dreq_….", show_default=False)]
Text = Annotated[str, typer.Option("--text", help="In words for the person.")]


@privacy.command("export")
def export(
    person_file: PersonFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The ZIP file to write.")],
    facility: Annotated[str | None, typer.Option(help="Only what this facility handed in.")] = None,
) -> None:
    """Write everything held about one person; it is noted as a reading of every claim in it."""
    from claims.runtime.start import open_service

    service = open_service()
    content = service.export_person(_officer("person.export", facility), _persons(service, person_file))
    # Never readable by others, not even for a moment.
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    say(f"{output}: hand it to the person and delete it")


@requests.command("add")
def add(
    person_file: PersonFile,
    facility: Annotated[str, typer.Option(help="Whose claims it is about.")],
    kind: Annotated[str, typer.Option(help="access or correction.")],
    text: Text,
    as_json: AsJson = False,
) -> None:
    """Record what a person asks; it is linked to the person's claims there, and its times begin."""
    from claims.exchange.data_requests import RequestKind
    from claims.runtime.start import open_service

    try:
        asked = RequestKind(kind)
    except ValueError as error:
        raise typer.BadParameter(f"a request is {' or '.join(RequestKind)}") from error
    service = open_service()
    caller, persons = _officer("person.request", facility), _persons(service, person_file)
    _tell(service.data_requests.record(caller, asked, persons, facility=facility, text=text), as_json=as_json)


@requests.command("list")
def show(
    only_open: Annotated[bool, typer.Option("--open", help="Only those that wait for an answer.")] = False,
    as_json: AsJson = False,
) -> None:
    """List requests, newest first."""
    from claims.exchange.access.places import EVERYWHERE
    from claims.runtime.start import open_service

    store = open_service().data_requests.requests
    for one in store.list_page(within=EVERYWHERE, only_open=only_open, before=None, limit=1_000):
        _tell(one, as_json=as_json)


@requests.command("acknowledge")
def acknowledge(request: Id, as_json: AsJson = False) -> None:
    """Note that the person heard that the request came, and how it goes on."""
    from claims.exchange.access.places import EVERYWHERE
    from claims.runtime.start import open_service

    _tell(open_service().data_requests.acknowledge(request, within=EVERYWHERE), as_json=as_json)


@requests.command("extend")
def extend(request: Id, text: Text, as_json: AsJson = False) -> None:
    """Put the end off, once, with a reason that the person is told."""
    from claims.exchange.access.places import EVERYWHERE
    from claims.runtime.start import open_service

    _tell(open_service().data_requests.extend(request, text, within=EVERYWHERE), as_json=as_json)


@requests.command("answer")
def answer(
    request: Id,
    outcome: Annotated[str, typer.Option(help="provided, corrected, not_wrong or refused.")],
    text: Text,
    corrected_by: Annotated[
        str | None, typer.Option(help="Of `corrected`: the later submission of the same episode.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Answer a request."""
    from claims.exchange.data_requests import Outcome
    from claims.exchange.submission import SubmissionId
    from claims.runtime.start import open_service

    try:
        came = Outcome(outcome)
    except ValueError as error:
        raise typer.BadParameter(f"an outcome is one of {', '.join(Outcome)}") from error
    by = None if corrected_by is None else SubmissionId(corrected_by)
    caller = _officer("person.request", None)
    done = open_service().data_requests.answer(caller, request, came, text, corrected_by=by)
    _tell(done, as_json=as_json)


def _officer(action: str, facility: str | None) -> "Principal":
    """Return who acts on the server itself: a data officer of the facility, or of the nation."""
    from claims.exchange.access.places import NATION, Place
    from claims.exchange.access.principal import Grant, Principal, PrincipalKind

    place = NATION if facility is None else Place(facility)
    grants = frozenset({Grant("data-officer", place)})
    return Principal(f"cli:{getpass.getuser()}", PrincipalKind.PERSON, grants).allowed(action)


def _persons(service: "Service", file: Path) -> tuple[bytes, ...]:
    text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text("utf-8")
    numbers = text.split()
    if not numbers:
        raise typer.BadParameter("no number is in the file")
    return tuple(one for number in numbers for one in service.blind_persons(number))


def _tell(one: "DataRequest", *, as_json: bool) -> None:
    from claims.exchange.data_requests import request_to_json

    if as_json:
        emit(dict(request_to_json(one)))
        return
    state = one.outcome or ("acknowledged" if one.acknowledged_at else "new")
    times = f"acknowledge by {one.acknowledge_by}, answer by {one.answer_by}"
    say(f"{one.id}  {one.facility}  {one.kind}  {state}  {times}")
