"""Administration on the server itself: facilities and their gateway accounts, API keys."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from claims.cli.admin_words import last_use, sentence, speaking
from claims.cli.catalogues import say_problems
from claims.cli.inputs import read_text
from claims.cli.output import AsJson, Exit, Language, emit, say
from claims.exchange.access.keys import Scope
from claims.exchange.submission import FacilityCode

facilities = typer.Typer(help="Register facilities and their gateway accounts.", no_args_is_help=True)
keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)

Code = Annotated[
    str, typer.Argument(help="The facility's five-character code (MACSKCB).", show_default=False)
]


@facilities.command("add")
def add_facility(
    code: Code, name: Annotated[str, typer.Option(help="Its name.")], language: Language = "vi"
) -> None:
    """Register a facility, or rename one."""
    from claims.runtime.start import open_service

    open_service().facilities.add(_require_code(code, language), name=name, at=datetime.now(UTC))
    say(sentence("facility.added", language, code=code))


@facilities.command("import")
def import_facilities(
    file: Annotated[
        Path,
        typer.Argument(
            help="List with the columns MA_CSKCB and TEN_CSKCB (CSV or XLSX).", exists=True, dir_okay=False
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read the list and register nothing.")] = False,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Register the facilities of a list, and rename those whose names it changes.

    All of them or none: where a row cannot be used, nothing is registered and the exit code is 1.
    """
    from claims.catalogues.problems import problem_to_json
    from claims.exchange.facilities import Registered, read_facility_list
    from claims.runtime.start import open_service

    found = read_facility_list(file, file.name)
    say_problems(found.problems, language)
    done = Registered()
    if dry_run or found.has_errors:
        say(sentence("facility.read", language, read=len(found.names)))
    else:
        done = open_service().facilities.add_all(found.names, at=datetime.now(UTC))
        say(sentence("facility.imported", language, **asdict(done)))
    if as_json:
        problems = [problem_to_json(problem) for problem in found.problems]
        emit({"read": len(found.names), **asdict(done), "problems": problems})
    return Exit.BLOCKED if found.has_errors else Exit.FINE


@facilities.command("list")
def list_facilities(as_json: AsJson = False) -> None:
    """List the registered facilities."""
    from claims.runtime.start import open_service

    for code, name in open_service().facilities.all():
        say(f"{code}  {name}")
        if as_json:
            emit({"code": code, "name": name})


@facilities.command("gateway-account")
def set_gateway_account(
    code: Code,
    username: Annotated[str, typer.Option(help="The account's name at the gateway.")],
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password; otherwise it is asked for.", dir_okay=False)
    ] = None,
    language: Language = "vi",
) -> None:
    """Store how a facility signs in at the insurer's gateway; the password is kept sealed."""
    from claims.exchange.ports import Account
    from claims.runtime.start import open_service

    digest = _read_password_md5(password_file, language)
    with speaking(language):
        open_service().gateway_accounts.put(FacilityCode(code), Account(username, digest))
    say(sentence("facility.gateway_account", language, code=code, username=username))


@facilities.command("results")
def show_results(
    code: Code,
    ask: Annotated[
        datetime | None,
        typer.Option(formats=["%m/%Y", "%Y-%m"], help="A month to be looked for at the gateway now."),
    ] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> None:
    """Show the months whose assessment and settlement are looked for at the gateway, and until when.

    Each is looked for until it is settled, 400 days at most.
    """
    from claims.runtime.start import open_service

    facility = _require_code(code, language)
    with speaking(language):
        service = open_service()
        if ask is not None:
            service.results.look_soon(facility, ask.date().replace(day=1), now=service.clock.now())
        months = service.results.months_of(facility)
    for one in months:
        settled = sentence("facility.month_settled" if one.is_settled else "facility.month_open", language)
        after = sentence("facility.month_over", language)
        if one.next_look_at is not None:
            after = sentence("facility.month_next", language, at=one.next_look_at.astimezone(UTC))
        facts = {"month": one.month, "settled": settled, "looks": one.looks, "next": after}
        say(sentence("facility.month", language, **facts))
        if as_json:
            next_look_at = None if one.next_look_at is None else one.next_look_at.isoformat()
            emit({**asdict(one), "month": f"{one.month:%m/%Y}", "next_look_at": next_look_at})


@facilities.command("card-staff")
def set_card_staff(
    code: Code,
    name: Annotated[str, typer.Option(help="The member of the staff who is registered for card look-ups.")],
    citizen_id_file: Annotated[
        Path | None,
        typer.Option(help="File with their citizen number; otherwise it is asked for.", dir_okay=False),
    ] = None,
    language: Language = "vi",
) -> None:
    """Store in whose name a facility looks up cards (CLAIMS_CARD_LOOKUP); both are kept sealed."""
    from claims.exchange.ports import CardStaff
    from claims.runtime.start import open_service

    if citizen_id_file is not None:
        citizen_id = read_text(citizen_id_file).strip()
    else:
        citizen_id = str(
            typer.prompt(sentence("ask.citizen_number", language), hide_input=True, err=True)
        ).strip()
    with speaking(language):
        open_service().gateway_accounts.put_card_staff(FacilityCode(code), CardStaff(name, citizen_id))
    say(sentence("facility.card_staff", language, code=code))


@facilities.command("drop-in-account")
def set_dropin_account(
    code: Code,
    username: Annotated[str, typer.Option(help="The account's name, such as 79001_BV.")],
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password; otherwise it is asked for.", dir_okay=False)
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(help="Only from here, such as 203.0.113.7/32; may be given several times."),
    ] = None,
    language: Language = "vi",
) -> None:
    """Let hospital software sign in that speaks the gateway's protocol (CLAIMS_DROPIN).

    Not the facility's account at the gateway: take another password. A new one ends every session.
    """
    from claims.runtime.start import open_service

    digest = _read_password_md5(password_file, language)
    service = open_service()
    try:
        account = service.dropin_desk.make_account(
            FacilityCode(code), username=username, password_md5=digest, networks=network or ()
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--network") from None
    with speaking(language):
        service.dropin_accounts.put(account)
    say(sentence("facility.dropin", language, code=code, username=username))


@facilities.command("end-drop-in-account")
def end_dropin_account(code: Code, language: Language = "vi") -> None:
    """Take a facility's drop-in account away; its sessions end with it."""
    from claims.runtime.start import open_service

    found = open_service().dropin_accounts.remove(FacilityCode(code))
    say(sentence("facility.dropin_ended" if found else "facility.no_dropin", language, code=code))


@keys.command("issue")
def issue_key(
    label: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[list[Scope], typer.Option(help="May be given several times.")],
    facility: Annotated[
        str | None, typer.Option(help="Whose key; none for the service's own operators.")
    ] = None,
    days: Annotated[int | None, typer.Option(help="Days until it expires.", min=1)] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> None:
    """Make an API key. Its text is shown once, on standard output, and kept nowhere."""
    from claims.runtime.start import open_service

    with speaking(language):
        text = open_service().issue_key(
            facility=None if facility is None else FacilityCode(facility),
            scopes=frozenset(scope),
            label=label,
            expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
        )
    if as_json:
        emit({"key": text})
    else:
        typer.echo(text)


@keys.command("rotate")
def rotate_key(
    key_id: Annotated[str, typer.Argument(help="The key's id, the middle part of its text.")],
    overlap_hours: Annotated[int, typer.Option(help="Hours in which the old key opens too.", min=0)] = 24,
    days: Annotated[int | None, typer.Option(help="Days until the new one expires.", min=1)] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> None:
    """Replace a key by one that opens the same. Its text is shown once, on standard output."""
    from claims.runtime.start import open_service

    with speaking(language):
        text = open_service().rotate_key(
            key_id,
            overlap=timedelta(hours=overlap_hours),
            lives=None if days is None else timedelta(days=days),
        )
    say(sentence("key.overlaps", language, key=key_id, hours=overlap_hours))
    if as_json:
        emit({"key": text})
    else:
        typer.echo(text)


@keys.command("list")
def list_keys(
    facility: Annotated[str | None, typer.Option(help="Whose keys; none for the service's own.")] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> None:
    """List keys: their ids, scopes and last use, never their secrets."""
    from claims.runtime.start import open_service

    for key in open_service().api_keys.of_facility(None if facility is None else FacilityCode(facility)):
        is_live = key.is_live(datetime.now(UTC))
        standing = sentence("live" if is_live else "ended", language)
        say("  ".join((key.id, standing, ", ".join(sorted(key.scopes)), key.label, last_use(key, language))))
        if as_json:
            emit(
                {
                    "id": key.id,
                    "live": is_live,
                    "scopes": sorted(key.scopes),
                    "label": key.label,
                    "last_used_at": key.last_used_at,
                    "expires_at": key.expires_at,
                }
            )


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="The key's id, the middle part of its text.")],
    language: Language = "vi",
) -> None:
    """End a key; it opens nothing some seconds later."""
    from claims.runtime.start import open_service

    found = open_service().api_keys.revoke(key_id, at=datetime.now(UTC))
    say(sentence("key.revoked" if found else "key.not_revoked", language, key=key_id))


def _read_password_md5(password_file: Path | None, language: str) -> str:
    """Return what the gateway's protocol carries in a password's place."""
    from claims.gateway.protocol import hash_password

    if password_file is not None:
        password = read_text(password_file).rstrip("\r\n")
    else:
        password = str(typer.prompt(sentence("ask.password", language), hide_input=True, err=True))
    return hash_password(password)


def _require_code(text: str, language: str) -> FacilityCode:
    from claims.exchange.facilities import find_code

    code = find_code(text)
    if code is None:
        raise typer.BadParameter(sentence("facility.no_code", language))
    return code
