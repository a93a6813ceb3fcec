"""What marks in the code of a service say: that it was not performed, or done by somebody else."""

import re
from typing import Final

_NOT_PERFORMED: Final = "TB"
# What another facility or a carrier does (``VC.XXXXX``, ``….K.WWWWW``) is in no list of this facility.
_ELSEWHERE: Final = re.compile(r"VC\..*|.*\.K\.[0-9A-Z]{5}", re.ASCII)


def plain_service_code(code: str) -> str:
    """Return a code without the mark of a service that was begun and not performed."""
    return "_".join(part for part in code.split("_") if part != _NOT_PERFORMED)


def is_performed(code: str) -> bool:
    """Whether a code does not say that the service was begun and not performed."""
    return plain_service_code(code) == code


def is_done_elsewhere(code: str) -> bool:
    """Whether another facility or a carrier does what a code stands for."""
    return _ELSEWHERE.fullmatch(code) is not None
