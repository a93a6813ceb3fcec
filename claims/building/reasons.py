"""Why an input makes no claim, as people are told: each reason with its place, in both languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from claims.building.errors import Reason
from claims.building.gaps import gap_findings
from claims.bundle.messages import LANGUAGES, describe
from claims.emr.words import in_words


@dataclass(frozen=True, slots=True)
class Told:
    """One reason: its code, where, in English with its facts, and as it is said by language."""

    code: str
    place: str | None
    detail: str
    said: Mapping[str, str]

    def sentence(self, language: str) -> str:
        """Say it with its place."""
        return f"{self.place}: {self.said[language]}" if self.place else self.said[language]

    def to_json(self) -> dict[str, object]:
        """Return it as a JSON object."""
        return {"code": self.code, "pointer": self.place, "detail": self.detail, "message": dict(self.said)}


@dataclass(frozen=True, slots=True)
class Refused:
    """What makes no claim, as the input names it, and every reason."""

    encounter: str | None
    reasons: Sequence[Told]

    def reason(self, language: str = "en") -> str:
        """All reasons in one sentence."""
        return "; ".join(one.sentence(language) for one in self.reasons)


def told_of_reading(code: str, place: str | None, detail: str) -> Told:
    """Tell what reading an input refused."""
    return Told(code, place, detail, {language: in_words(code, detail, language) for language in LANGUAGES})


def told_of_building(reason: Reason) -> Told:
    """Tell why building refused an encounter that could be read."""
    (finding,) = gap_findings([reason], claim=1, tables={})
    said = {language: describe(finding, language) for language in LANGUAGES}
    return Told(reason.code, reason.pointer or None, reason.detail, {**said, "en": reason.detail})
