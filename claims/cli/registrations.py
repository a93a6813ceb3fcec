"""Which certificates may sign for a facility: registering, rolling over, suspending, and their history."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.admin_words import sentence, speaking
from claims.cli.inputs import Reason
from claims.cli.output import AsJson, Language, emit, say

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
    language: Language = "vi",
    as_json: AsJson = False,
) -> None:
    """Let a certificate sign for a facility. Two may be live, so that the next one is rolled in."""
    from claims.exchange.submission import FacilityCode
    from claims.runtime.start import open_service

    register_certificate = open_service().register_certificate
    with speaking(language):
        certificate = _der(file, language)
        registration = register_certificate(FacilityCode(code), certificate, _note(by, reason or ""))
    say(sentence("certificate.registered", language, sha256=registration.sha256, code=code))
    if as_json:
        emit(_to_json(registration))


@certificates.command("list")
def show(code: Code, language: Language = "vi", as_json: AsJson = False) -> None:
    """List a facility's certificates with all that happened to them."""
    from claims.exchange.submission import FacilityCode
    from claims.runtime.start import open_service

    now = datetime.now(UTC)
    for one in open_service().registrations.of_facility(FacilityCode(code)):
        days = (one.facts.info.not_after - now).days
        may_sign = sentence(
            "certificate.may_sign" if one.is_live(now) else "certificate.may_not_sign", language
        )
        left = "certificate.days_over" if days < 0 else "certificate.days_left"
        say(f"{one.sha256}  {may_sign}  {sentence(left, language, days=abs(days))}")
        for event in one.events:
            noted = f"{event.noted_at:%Y-%m-%d %H:%M}Z  {sentence(f'change.{event.change}', language)}"
            say(f"    {noted}  {sentence('certificate.by', language, by=event.note.by)}  {event.note.reason}")
        if as_json:
            emit(_to_json(one))


@certificates.command("suspend")
def suspend(
    code: Code, which: Which, reason: Reason, by: By = None, since: Since = None, language: Language = "vi"
) -> None:
    """Let a certificate sign no more for the time being."""
    _change("suspended", code, which, _note(by, reason), since, language)


@certificates.command("reinstate")
def reinstate(
    code: Code, which: Which, reason: Reason, by: By = None, since: Since = None, language: Language = "vi"
) -> None:
    """Let a suspended certificate sign again."""
    _change("reinstated", code, which, _note(by, reason), since, language)


@certificates.command("withdraw")
def withdraw(
    code: Code, which: Which, reason: Reason, by: By = None, since: Since = None, language: Language = "vi"
) -> None:
    """End a registration: the key is replaced or lost."""
    _change("withdrawn", code, which, _note(by, reason), since, language)


def _change(change: str, code: str, which: str, note: "Note", since: datetime | None, language: str) -> None:
    from claims.exchange.registrations import RegistrationChange
    from claims.exchange.submission import FacilityCode
    from claims.runtime.start import open_service

    service, facility = open_service(), FacilityCode(code)
    sha256 = _digest(which, service.registrations.of_facility(facility), language)
    with speaking(language):
        service.change_registration(facility, sha256, RegistrationChange(change), note, since)
    changed = sentence(f"change.{change}", language)
    say(sentence("certificate.changed", language, sha256=sha256, code=code, change=changed))


def _note(by: str | None, reason: str) -> "Note":
    from claims.exchange.registrations import Note

    return Note(by or getpass.getuser(), reason)


def _digest(which: str, known: "Sequence[Registration]", language: str) -> str:
    import hashlib

    path = Path(which)
    digest = hashlib.sha256(_der(path, language)).hexdigest() if path.is_file() else which.lower()
    found = [one.sha256 for one in known if one.sha256.startswith(digest)]
    if len(found) != 1:
        raise typer.BadParameter(
            sentence("certificate.unclear", language, which=which, found=len(found), known=len(known))
        )
    return found[0]


def _der(file: Path, language: str) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    from signing.certificate_files import find_own_certificate

    found = find_own_certificate(file.read_bytes())
    if found is None:
        raise typer.BadParameter(sentence("certificate.no_file", language, file=file))
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
