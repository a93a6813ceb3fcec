"""What the stand-ins can be told: the address they listen on, and how they behave."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Holder(StrEnum):
    """What the holder of every key does when asked."""

    CONFIRMS = "confirms"
    DECLINES = "declines"
    LETS_LAPSE = "lets-lapse"
    IGNORES = "ignores"


@dataclass(frozen=True, slots=True)
class MockSigningSettings:
    """Where the stand-in listens, whose keys it has, and what their holders do.

    Attributes:
        folder: A demo folder, as `signing.demo_folder` lays one out.
        port: 0 lets the system choose.
        after_s: How long a holder takes for an answer.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 9200
    holder: Holder = Holder.CONFIRMS
    after_s: float = 2.0
