"""Whom a command trusts, as of when, and for which facility: the options, and what they mean."""

import csv
import ipaddress
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from claims.authorities.revocation import OnlineTrust
    from signing.trust import TrustStore

Trust = Annotated[
    Path | None,
    typer.Option(
        "--trust",
        help="Folder with anchors/, intermediates/, tsa/, service/, crls/, ocsp/ and facilities.csv.",
        exists=True,
        file_okay=False,
    ),
]
At = Annotated[
    str | None,
    typer.Option("--at", help="Judge as of this ISO 8601 time instead of now.", show_default=False),
]
Facility = Annotated[str | None, typer.Option("--facility", help="The facility whose bundle it must be.")]

Policy = Annotated[
    Path | None,
    typer.Option(
        "--policy", help="Signature policy (TOML) instead of the default.", exists=True, dir_okay=False
    ),
]

Online = Annotated[
    bool,
    typer.Option(
        "--online",
        help="Ask the authorities that the certificates name who is revoked (OCSP, CRL). Answers are kept.",
    ),
]
AllowedNetworks = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-network",
        help="With --online: a network (CIDR) that may be asked although it is not public.",
    ),
]


def moment(at: str | None) -> datetime:
    """Read the time of ``--at``; without it, now."""
    if at is None:
        return datetime.now(UTC)
    try:
        given = datetime.fromisoformat(at)
        # In its zone it may lie before the first day there is, or behind the last.
        return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter("not an ISO 8601 time", param_hint="--at") from error


def registrations(trust: Path | None) -> Callable[[str, str, datetime], bool] | None:
    """Return the registrations in the folder's facilities.csv, or None when it has no such file."""
    file = None if trust is None else trust / "facilities.csv"
    if file is None or not file.is_file():
        return None
    with file.open(encoding="utf-8-sig", newline="") as lines:
        known = {(row[0].strip(), row[1].strip().lower()) for row in csv.reader(lines) if len(row) > 1}
    return lambda facility, sha256, _at: (facility, sha256) in known


def trust_folder(trust: Path | None) -> Path:
    """Return the folder that was given, or the one of this installation."""
    from claims.runtime.settings import load_settings

    return trust or load_settings().trust_folder


def online_trust(trust: "TrustStore", networks: Sequence[str]) -> "OnlineTrust":
    """Return the store that asks the authorities, and keeps their answers in the data folder."""
    from claims.authorities.revocation import OnlineTrust
    from claims.outbound.guard import Guard
    from claims.runtime.settings import load_settings

    try:
        allowed = [ipaddress.ip_network(network) for network in networks]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--allow-network") from error
    return OnlineTrust(trust, Guard(allowed), load_settings().data_dir / "revocation")
