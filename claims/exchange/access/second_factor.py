"""Codes of a generator (TOTP, RFC 6238): the second thing somebody proves."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import pyotp

STEP_S: Final = 30
_DIGITS: Final = 6
#: A phone's clock may be this many steps off.
_DRIFT: Final = 1


@dataclass(frozen=True, slots=True)
class TotpSetUp:
    """What a generator is set up with.

    Attributes:
        secret: To be typed, where no camera is at hand.
        uri: To be shown as a QR code.
    """

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def new_secret() -> str:
    """Return 160 random bits (RFC 4226, 4: R6)."""
    return pyotp.random_base32()


def set_up(secret: str, *, login: str) -> TotpSetUp:
    """Return what a generator needs to know."""
    return TotpSetUp(secret, pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="eHoSo"))


def find_step(secret: str, code: str, *, at: datetime) -> int | None:
    """Return the time step whose code it is, or None when it is none of now."""
    text = code.replace(" ", "")
    if len(text) != _DIGITS or not (text.isascii() and text.isdigit()):
        return None
    generator = pyotp.TOTP(secret)
    for drift in range(-_DRIFT, _DRIFT + 1):
        moment = at + timedelta(seconds=drift * STEP_S)
        if generator.verify(text, for_time=moment):
            return generator.timecode(moment)
    return None
