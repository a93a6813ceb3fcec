"""Which of the two languages somebody reads: as ``Accept-Language`` says, and English without it."""

from typing import Annotated, Final

from fastapi import Depends, Header, Request

from claims.bundle.messages import LANGUAGES

_DEFAULT: Final = "en"


def pick_language(accepted: str) -> str:
    """Return the language that a header asks for first."""
    best, best_weight = _DEFAULT, 0.0
    for one in accepted.split(","):
        name, _, parameter = one.strip().partition(";")
        language = name.strip().lower().partition("-")[0]
        weight = _weight(parameter)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def language_of(request: Request) -> str:
    """Return the language for whoever made a request."""
    return pick_language(request.headers.get("Accept-Language", ""))


def _language(accept_language: Annotated[str, Header(max_length=200)] = "") -> str:
    return pick_language(accept_language)


Language = Annotated[str, Depends(_language)]


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
