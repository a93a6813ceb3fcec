"""What is wrong with a value that came in, as its reader (pydantic) found it and people are told."""

from collections.abc import Mapping
from typing import Any


def told(error: Mapping[str, Any]) -> str:
    """Say what is wrong with a value, without the value: it may be what must not be repeated."""
    # What a validator of ours says needs no type of Python before it.
    return str(error["msg"]).removeprefix("Value error, ")
