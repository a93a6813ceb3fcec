"""How a bundle is built where the facts leave a choice."""

from dataclasses import dataclass, field

from claims.bundle.money import MoneySettings, default_settings


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """How the questions are answered that the facts leave open.

    Attributes:
        money: The dated answers of the money rules.
        decision: The Decision whose tables and formulas a claim follows, such as ``4750``; None for the
            one in force on the day the visit ends.
    """

    money: MoneySettings = field(default_factory=default_settings)
    decision: str | None = None
