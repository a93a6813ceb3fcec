"""What the items of an encounter share: their strictness, source codes, and where they came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import ConfigDict, with_config

from claims.emr.scalars import OptionalText, Text

STRICT: Final = ConfigDict(extra="forbid")
"""A key that nobody knows is an error: a misspelling must not vanish."""


class Sex(StrEnum):
    """The sex of a person."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """What one source system calls something: a code, the system it belongs to, and its words."""

    system: OptionalText = None
    code: Text
    display: OptionalText = None


Codings = Mapping[str, tuple[Coding, ...]]
"""For fields of an item that hold no national code yet (``code``, ``prescriber``, ``performers/0``): the
source system's names for it, any of which may be mapped. The field itself holds the first of their codes."""

Origin = tuple[Text, ...]
"""Which items of the EMR something was made from, by the EMR's own ids, the deciding one first."""
