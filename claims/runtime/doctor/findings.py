"""What the doctor finds: one thing looked at, and what to do where it is not as it should be."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Examined:
    """One thing the doctor looked at."""

    name: str
    is_fine: bool
    detail: str
    remedy: str = ""


class Fault(Exception):
    """Something is not as it should be."""

    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy


def look(name: str, at: Callable[[], str]) -> Examined:
    """Look at one thing, and tell what was found."""
    try:
        return Examined(name, is_fine=True, detail=at())
    except Fault as fault:
        return Examined(name, is_fine=False, detail=fault.detail, remedy=fault.remedy)
    except OSError as error:
        remedy = "let the service's user read it (`claims doctor` must run as that user, too)"
        return Examined(name, is_fine=False, detail=f"cannot be looked at: {error}", remedy=remedy)
