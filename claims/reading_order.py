"""People read what was written in its order: marks that turn text around are shown as a box."""

import re
from typing import Final

BOX: Final = "□"
#: They turn the order of the letters around them, so that a page would say something else than the XML.
_TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def in_order(text: str) -> str:
    """Return a text with a box for each mark that would turn around what is beside it."""
    return text if text.isascii() else _TURNING.sub(BOX, text)
