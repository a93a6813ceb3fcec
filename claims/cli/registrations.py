"""Which certificates may sign for a facility: registering, rolling over, suspending, and their history."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.inputs import Reason
from claims.cli.output import AsJson, emit, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claims.exchange.registrations import Note, Registration

certificates = typer.Typer(
    help="Register the certificates that may sign for a facility; suspend them; see their history.",
    no_args_is_help=True,
)

Code = Annotated[
    str, typer.Argument(help="The facility's five-character code (MACSKCB).", show_default=False)
]
Which = Annotated[
    str,
    typer.Argument(
        help="Its SHA-256, or enough of its beginning, or a file that holds it.", show_default=False
    ),
]
By = Annotated[
    str | None,
    typer.Option("--by", help="Who decides, for the history; otherwise the account you are signed in with."),
]
Since = Annotated[
    datetime | None,
    typer.Option(
        "--since",
        help="Since when it counts, such as the hour in which a key was lost; otherwise now.",
        formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"],
    ),
]


@certificates.command("register")
def register(
    code: Code,
    file: Annotated[
        Path,
        typer.Argument(
            help="PEM, DER or PKCS#7 file; those of the authorities may be in it.",
            exists=True,
            dir_okay=False,
        ),
    ],
    reason: Reason | None = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Let a certificate sign for a facility. Two may be live, so that the next one is rolled in."""
    from claims.exchange.submission import FacilityCode
    from claims.runtime.start import open_service

    register_certificate = open_service().register_certificate
    registration = register_certificate(FacilityCode(code), _der(file), _note(by, reason or ""))
    say(f"certificate {registration.sha256} may sign for {code}")
    if as_json:
        emit(_to_json(registration))


@certificates.command("list")
def show(code: Code, as_json: AsJson = False) -> None:
    """List a facility's certificates with all that happened to them."""
    from claims.exchange.submission import FacilityCode
    from claims.runtime.start import open_service

    now = datetime.now(UTC)
    for one in open_service().registrations.of_facility(FacilityCode(code)):
        days = (one.facts.info.not_after - now).days
        say(f"{one.sha256}  {'may sign' if one.is_live(now) else 'may not sign'}  {days} days left")
        for event in one.events:
            noted = f"{event.noted_at:%Y-%m-%d %H:%M}Z  {event.change}"
            say(f"    {noted}  by {event.note.by}  {event.note.reason}")
        if as_json:
            emit(_to_json(one))


@certificates.command("suspend")
def suspend(code: Code, which: Which, reason: Reason, by: By = None, since: Since = None) -> None:
    """Let a certificate sign no more for the time being."""
    _change("suspended", code, which, reason, by, since)


@certificates.command("reinstate")
def reinstate(code: Code, which: Which, reason: Reason, by: By = None, since: Since = None) -> None:
    """Let a suspended certificate sign again."""
    _change("reinstated", code, which, reason, by, since)


@certificates.command("withdraw")
def withdraw(code: Code, which: Which, reason: Reason, by: By = None, since: Since = None) -> None:
    """End a registration: the key is replaced or lost."""
    _change("withdrawn", code, which, reason, by, since)


def _change(change: str, code: str, which: str, reason: str, by: str | None, since: datetime | None) -> None:
    from claims.exchange.registrations import RegistrationChange
    from claims.exchange.submission import FacilityCode
    from claims.runtime.start import open_service

    service, facility = open_service(), FacilityCode(code)
    sha256 = _digest(which, service.registrations.of_facility(facility))
    service.change_registration(facility, sha256, RegistrationChange(change), _note(by, reason), since)
    say(f"certificate {sha256} of {code} is {change}")


def _note(by: str | None, reason: str) -> "Note":
    from claims.exchange.registrations import Note

    return Note(by or getpass.getuser(), reason)


def _digest(which: str, known: "Sequence[Registration]") -> str:
    import hashlib

    path = Path(which)
    digest = hashlib.sha256(_der(path)).hexdigest() if path.is_file() else which.lower()
    found = [one.sha256 for one in known if one.sha256.startswith(digest)]
    if len(found) != 1:
        raise typer.BadParameter(f"{which} names {len(found)} of the facility's {len(known)} certificates")
    return found[0]


def _der(file: Path) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    from signing.certificate_files import find_own_certificate

    found = find_own_certificate(file.read_bytes())
    if found is None:
        raise typer.BadParameter(f"{file} holds no certificate, or several")
    return found.public_bytes(Encoding.DER)


def _to_json(registration: "Registration") -> dict[str, object]:
    info = registration.facts.info
    return {
        "facility": registration.facility,
        "sha256": registration.sha256,
        "subject": info.subject,
        "not_before": info.not_before.isoformat(),
        "not_after": info.not_after.isoformat(),
        "may_sign": registration.is_live(datetime.now(UTC)),
        "events": [
            {
                "change": event.change.value,
                "since": event.since.isoformat(),
                "noted_at": event.noted_at.isoformat(),
                "by": event.note.by,
                "reason": event.note.reason,
            }
            for event in registration.events
        ],
    }
