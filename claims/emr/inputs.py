"""What reading an input gives: encounters, what was refused, and what was odd."""

from dataclasses import dataclass

from claims.emr.encounter import Encounter


@dataclass(frozen=True, slots=True)
class Refusal:
    """An encounter, or a part of an input, that could not be read.

    Attributes:
        encounter: How the input names it: a visit number, a resource, a message control id.
        code: A stable code.
        detail: What is wrong, in words; nothing of a person.
        pointer: Where: a JSON pointer, a line, or message, segment and field; empty for the whole.
    """

    encounter: str
    code: str
    detail: str
    pointer: str = ""

    @property
    def reason(self) -> str:
        """What is wrong and where."""
        return f"{self.pointer}: {self.detail}" if self.pointer else self.detail


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in an input that was read past: said, and no reason to refuse.

    Attributes:
        pointer: Where: a JSON pointer, or message, segment and field.
        code: A stable code.
        detail: What was odd, in words; nothing of a person.
    """

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class ReadEncounters:
    """Everything that one input holds."""

    encounters: tuple[Encounter, ...]
    refused: tuple[Refusal, ...] = ()
    oddities: tuple[Oddity, ...] = ()
