"""Rules: what tables of a valid shape can still get wrong.

Each rule has its facts in a table (``*.toml``) and, where it is more than a plain form, a small function.
Screens beside the function tell of which claims it need not be asked (docs/decisions/0024). Beside rules
there are families, which say the same of every field of a kind: that a code is in its list, that no zeros
are lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.checking.rules.codes import find_unlisted_codes
from claims.checking.rules.spelling import find_lost_zeros, find_unseen_characters, find_words_for_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claims.bundle.findings import Finding
    from claims.checking.tables import CheckedClaim

FAMILIES: Final[tuple[Callable[[CheckedClaim], Iterator[Finding]], ...]] = (
    find_unlisted_codes,
    find_lost_zeros,
    find_unseen_characters,
    find_words_for_nothing,
)
