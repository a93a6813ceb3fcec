"""The paper form of a submission: what the service knows of it, put beside what its bundle says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claims.paper.rendering import CannotRender, Copy, render_pdf
from signing.errors import Unparsable

if TYPE_CHECKING:
    from collections.abc import Callable

    from claims.exchange.submission import FacilityCode, Submission
    from signing.report.report import Report
    from signing.verdict import Verdict


@dataclass(frozen=True, slots=True)
class PaperForms:
    """`claims.exchange.proofs.Rendering`: a form says the same whenever it is made.

    The signature is judged at the moment of receipt, as the check did.

    Attributes:
        name_of: What a facility is called; None where that is not known.
        public_url: Where QR codes lead; empty: forms have none.
    """

    name_of: Callable[[FacilityCode], str | None]
    report_on: Callable[[bytes, Submission], Report]
    public_url: str = ""

    def __call__(
        self, bundle: bytes, *, submission: Submission, verdict: Verdict | None = None, language: str = "vi"
    ) -> bytes | None:
        """Return the PDF, or None when there is nothing to render; a verdict is reached unless it is told."""
        copy = Copy(
            at=submission.received_at,
            verdict=verdict or self._verdict(bundle, submission),
            checked_at=submission.received_at,
            submission_id=submission.id,
            receipt=submission.receipt or "",
            facility_name=self.name_of(submission.facility) or "",
            public_url=self.public_url,
            language=language,
        )
        try:
            return render_pdf(bundle, copy)
        except CannotRender:
            return None

    def _verdict(self, bundle: bytes, submission: Submission) -> Verdict | None:
        try:
            return self.report_on(bundle, submission).verdict
        except Unparsable:
            return None
