"""People of every role for the demo's console: one password and code generator for all, new each run."""

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pyotp

from claims.cli.output import say
from claims.exchange.access.passwords import Passwords, one_time_password
from claims.exchange.access.people import grant_of
from claims.exchange.access.policy import load_policy
from claims.runtime.wiring import Service

_STEP_S: Final = 30
#: Login, name, role, place (empty: the nation). The facility's people are of the first one.
_PEOPLE: Final = (
    ("reviewer", "Nguyễn Giám Định", "reviewer", ""),
    ("senior", "Trần Giám Định Trưởng", "senior-reviewer", ""),
    ("operator", "Lê Vận Hành", "operator", ""),
    ("auditor", "Phạm Kiểm Toán", "auditor", ""),
    ("admin", "Hoàng Quản Trị", "administrator", ""),
    ("hospital", "Đặng Thanh Toán", "hospital", "facility"),
    ("hospital-admin", "Vũ Quản Lý", "hospital-admin", "facility"),
)


@dataclass(frozen=True, slots=True)
class DemoPeople:
    """Who can sign in, and with what."""

    logins: Sequence[tuple[str, str]]
    password: str = field(repr=False)
    secret: str = field(repr=False)

    def introduce(self, console_url: str) -> None:
        """Say who there is and how to sign in."""
        say(f"console           {console_url}   password of all: {self.password}")
        for login, role in self.logins:
            say(f"  {login:<15} {role}")
        say(f"the code of all comes from any authenticator app set up with {self.secret}, or from here:")

    def show_codes(self) -> None:
        """Show the code of the moment until Ctrl-C; it changes every half minute."""
        generator = pyotp.TOTP(self.secret)
        ending = "\r" if sys.stderr.isatty() else "\n"
        while True:
            now = datetime.now(UTC)
            sys.stderr.write(f"code now: {generator.at(now)}   (press Ctrl-C to stop){ending}")
            sys.stderr.flush()
            threading.Event().wait(_STEP_S - now.timestamp() % _STEP_S)


def furnish_people(service: Service, *, facility: str) -> DemoPeople:
    """Make the demo's people."""
    password, secret = one_time_password(), pyotp.random_base32()
    hashed = Passwords().hash(password)
    for login, name, role, place in _PEOPLE:
        grant = grant_of(role, facility if place else "")
        person, _ = service.manage_people.add(login, name=name, grants=[grant], by="demo")
        service.people.set_password(person.id, hashed, until=None)
        service.people.set_totp(person.id, secret)
        service.people.use_totp_step(person.id, 1)
    roles = load_policy().roles
    return DemoPeople(
        [(login, roles[role].sentence["en"]) for login, _, role, _ in _PEOPLE], password, secret
    )
