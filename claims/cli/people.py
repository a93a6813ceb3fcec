"""Administration on the server itself: people who sign in, and their roles."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.admin_words import sentence, speaking
from claims.cli.output import AsJson, Language, emit, say

if TYPE_CHECKING:
    from claims.exchange.access.people import Person

people = typer.Typer(help="Add, disable and reset people who sign in.", no_args_is_help=True)
roles = typer.Typer(help="Give and take roles, each for a facility, a province or the nation.")
people.add_typer(roles, name="role", no_args_is_help=True)

Login = Annotated[str, typer.Argument(help="What the person signs in with.", show_default=False)]
Role = Annotated[str, typer.Argument(help="As in the table of rights (docs/reference/access.md).")]
Place = Annotated[
    str,
    typer.Option(
        "--for", help="A facility's code, a province's two characters, or `nation`.", metavar="PLACE"
    ),
]


@people.command("add")
def add(
    login: Login,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[str | None, typer.Option(help="A first role; others by `user role add`.")] = None,
    place: Place = "nation",
    language: Language = "vi",
    as_json: AsJson = False,
) -> None:
    """Add somebody. The one-time password is shown once, on standard output, and kept nowhere."""
    from claims.exchange.access.people import grant_of
    from claims.runtime.start import open_service

    try:
        with speaking(language):
            grants = [] if role is None else [grant_of(role, _code(place))]
            person, password = open_service().manage_people.add(
                login, name=name, grants=grants, by=_account()
            )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    _hand_over(person.login, password, language, as_json=as_json)


@people.command("list")
def show(language: Language = "vi", as_json: AsJson = False) -> None:
    """List people: how they sign in and their roles, never a secret."""
    from claims.runtime.start import open_service

    for person in open_service().people.all():
        if as_json:
            emit(_to_json(person))
        else:
            say("  ".join((person.login, *_conditions(person, language), *_roles_of(person))))


@people.command("disable")
def disable(login: Login, language: Language = "vi") -> None:
    """Close an account; its sessions end at once."""
    from claims.runtime.start import open_service

    with speaking(language):
        open_service().manage_people.disable(login)
    say(sentence("user.disabled", language, login=login))


@people.command("enable")
def enable(login: Login, language: Language = "vi") -> None:
    """Open a closed account."""
    from claims.runtime.start import open_service

    with speaking(language):
        open_service().manage_people.enable(login)
    say(sentence("user.enabled", language, login=login))


@people.command("reset")
def reset(login: Login, language: Language = "vi", as_json: AsJson = False) -> None:
    """Forget password and second factor, end every session, and hand over a one-time password."""
    from claims.runtime.start import open_service

    with speaking(language):
        password = open_service().manage_people.reset(login)
    _hand_over(login, password, language, as_json=as_json)


@roles.command("add")
def add_role(login: Login, role: Role, place: Place = "nation", language: Language = "vi") -> None:
    """Give a role; sessions end, so that it counts from the next sign-in on."""
    from claims.exchange.access.people import grant_of
    from claims.runtime.start import open_service

    with speaking(language):
        open_service().manage_people.grant(login, grant_of(role, _code(place)), by=_account())
    say(sentence("user.has_role", language, login=login, role=role, place=place))


@roles.command("remove")
def remove_role(login: Login, role: Role, place: Place = "nation", language: Language = "vi") -> None:
    """Take a role; sessions end at once."""
    from claims.exchange.access.people import grant_of
    from claims.runtime.start import open_service

    with speaking(language):
        had = open_service().manage_people.revoke(login, grant_of(role, _code(place)), by=_account())
    code = "user.lost_role" if had else "user.never_had_role"
    say(sentence(code, language, login=login, role=role, place=place))


def _code(place: str) -> str:
    return "" if place == "nation" else place


def _account() -> str:
    return f"cli:{getpass.getuser()}"


def _hand_over(login: str, password: str, language: str, *, as_json: bool) -> None:
    from claims.exchange.access.people import ONE_TIME_PASSWORD_FOR

    if as_json:
        emit({"login": login, "password": password})
    else:
        typer.echo(password)
    say(sentence("user.hand_over", language, login=login, hours=ONE_TIME_PASSWORD_FOR.days * 24))


def _conditions(person: "Person", language: str) -> list[str]:
    facts = {
        "user.through": person.issuer is not None,
        "user.is_disabled": person.disabled_at is not None,
        "user.one_time": person.must_change_password,
        "user.no_second_factor": not person.has_second_factor,
    }
    return [sentence(fact, language, issuer=person.issuer) for fact, holds in facts.items() if holds]


def _roles_of(person: "Person") -> list[str]:
    return [f"{grant.role}@{grant.place.code or 'nation'}" for grant in sorted(person.grants)]


def _to_json(person: "Person") -> dict[str, object]:
    return {
        "id": person.id,
        "login": person.login,
        "name": person.name,
        "issuer": person.issuer,
        "disabled": person.disabled_at is not None,
        "must_change_password": person.must_change_password,
        "has_second_factor": person.has_second_factor,
        "roles": _roles_of(person),
    }
