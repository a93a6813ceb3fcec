"""Whom a command trusts, as of when, and for which facility: the options, and what they mean."""

import ipaddress
import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from claims.cli.inputs import decode_text

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


# Semicolons are what spreadsheets write where decimals have a comma, as in Vietnam.
_BETWEEN_CELLS: Final = re.compile("[,;\t]")
_SHA256: Final = re.compile("[0-9a-f]{64}")
# A spreadsheet makes 1001 of 01001.
_FACILITY: Final = re.compile("[0-9A-Z]{5}")


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
    """Return the registrations in the folder's facilities.csv, or None when it has no such file.

    Raises:
        TrustStoreUnreadable: The file cannot be read, or a line is not a code and a digest.
    """
    known = read_registrations(trust)
    return None if known is None else lambda facility, sha256, _at: (facility, sha256) in known


def read_registrations(trust: Path | None) -> frozenset[tuple[str, str]] | None:
    """Return facilities' codes, each with the SHA-256 of a certificate; None when there is no such file.

    Raises:
        TrustStoreUnreadable: The file cannot be read, or a line is not a code and a digest.
    """
    # Whatever has the name and is no file must not pass for none, with which every certificate would do.
    if trust is None or not os.path.lexists(file := trust / "facilities.csv"):
        return None
    return frozenset(_read_registrations(file))


def _read_registrations(file: Path) -> Iterator[tuple[str, str]]:
    from signing.errors import TrustStoreUnreadable

    try:
        lines = decode_text(file.read_bytes()).splitlines()
    except UnicodeDecodeError:
        raise TrustStoreUnreadable(file, "it is not UTF-8") from None
    except OSError as error:
        raise TrustStoreUnreadable(file, error.strerror or str(error)) from error
    for number, line in enumerate(lines, start=1):
        code, digest, *more = (cell.strip(' "') for cell in (*_BETWEEN_CELLS.split(line), ""))
        digest = re.sub("[: ]", "", digest).lower()
        is_digest = _SHA256.fullmatch(digest) is not None
        is_heading = number == 1 and not is_digest and not code.isdigit()
        if is_digest and _FACILITY.fullmatch(code):
            yield code, digest
        elif any((code, digest, *more)) and not is_heading:
            detail = f"line {number} is not a facility's code and the SHA-256 of its certificate"
            raise TrustStoreUnreadable(file, detail)


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
