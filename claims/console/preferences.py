"""What a reader has chosen for all pages: language, colour scheme, keys. Kept in one plain cookie."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from claims.console.wording import LANGUAGES

COOKIE: Final = "preferences"
THEMES: Final = ("auto", "light", "dark")
KEYS: Final = ("on", "off")


@dataclass(frozen=True, slots=True)
class Preferences:
    """A reader's choices.

    Attributes:
        theme: ``auto`` follows the device.
        keys: Whether single letters do something (``on`` or ``off``; WCAG 2.1.4).
    """

    language: str = "vi"
    theme: str = "auto"
    keys: str = "on"

    def as_cookie(self) -> str:
        """Return the text that `read_preferences` reads."""
        return f"{self.language}.{self.theme}.{self.keys}"


def read_preferences(cookies: Mapping[str, str], accepted: str = "") -> Preferences:
    """Read the cookie; what makes no sense in it is as if it were not there."""
    language, theme, keys = _three(cookies.get(COOKIE, ""))
    return Preferences(
        language if language in LANGUAGES else _accepted(accepted),
        theme if theme in THEMES else "auto",
        keys if keys in KEYS else "on",
    )


def _three(text: str) -> tuple[str, str, str]:
    language, _, rest = text.partition(".")
    theme, _, keys = rest.partition(".")
    return language, theme, keys


def _accepted(header: str) -> str:
    """Return the first language of the browser's list that there is; of a list without one, Vietnamese."""
    for part in header.split(","):
        tag = part.partition(";")[0].strip().lower().partition("-")[0]
        if tag in LANGUAGES:
            return tag
    return "vi"
