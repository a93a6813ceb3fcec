"""What an audit finds: rows that are not as the log says."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

#: By how much a row's time may differ from its record's, and an event's from what came before it.
TOLERANCE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that is not as the log says.

    Attributes:
        code: What is wrong, stable.
        table: Of which kind of row.
        key: Which one.
    """

    code: str
    table: str
    key: str
