"""What a check knows beside the claim: when it was received, the facility's lists, and what others answered.

Values only; whoever runs a check brings them. A rule that needs what is not known is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from claims.checking.needs import CATALOGUE_KINDS, Need
from claims.localtime import local_date, write_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from claims.catalogues.catalogue import Catalogue
    from claims.catalogues.items import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known beside a claim.

    Attributes:
        received_at: When the bundle was received (aware).
        facility: The facility that sends it; empty where the envelope does not say.
        made_on: NGAYLAP of the envelope as written; empty where there is none.
        catalogue: The facility's lists; None: none are loaded.
        more: What other needs are met, by need: values whose kind the rules of that need define.
    """

    received_at: datetime
    facility: str = ""
    made_on: str = ""
    catalogue: Catalogue | None = None
    more: Mapping[Need, object] = field(default_factory=dict)

    @property
    def received_on(self) -> str:
        """The day of receipt, ``yyyyMMdd``."""
        return _day_of(self.received_at)

    def has(self, need: Need) -> bool:
        """Whether what a rule needs is known."""
        kind = CATALOGUE_KINDS.get(need)
        if kind is not None:
            return self.catalogue is not None and self.catalogue.has_list(kind)
        return need in self.more

    def says(self, kind: Kind, *names: str) -> bool:
        """Whether a list of the facility says something in one of some fields that may be empty."""
        return self.catalogue is not None and any(self.catalogue.says(kind, name) for name in names)

    @property
    def needs_met(self) -> frozenset[Need]:
        """The needs that are met."""
        more = self.more.keys() - CATALOGUE_KINDS.keys()
        listed = () if self.catalogue is None else (need for need in CATALOGUE_KINDS if self.has(need))
        return frozenset((*more, *listed))


# Every claim of a batch was received at one moment.
@lru_cache(maxsize=256)
def _day_of(moment: datetime) -> str:
    return write_day(local_date(moment))
