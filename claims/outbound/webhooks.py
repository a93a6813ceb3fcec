"""The facilities' receivers: signed by the Standard Webhooks convention, posted through the guard."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook as Signing

from claims.exchange.webhooks import Try
from claims.outbound.errors import TargetUnreachable, UnusableAddress
from claims.outbound.guard import Guard


@dataclass(frozen=True, slots=True)
class GuardedReceivers:
    """`claims.exchange.webhooks.Receivers` over HTTP."""

    guard: Guard

    def check(self, url: str) -> None:
        """Pass if webhooks may go there.

        Raises:
            UnusableAddress: They may not.
            TargetUnreachable: Its name has no address.
        """
        self.guard.check(url)

    def post(self, url: str, message_id: str, body: bytes, *, keys: Sequence[bytes], at: datetime) -> Try:
        """Post once, signed with every key; whatever goes wrong is part of the answer."""
        text, second = body.decode(), at.astimezone(UTC)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "eHoSo-Webhooks/1",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(second.timestamp())),
            "webhook-signature": " ".join(Signing(key).sign(message_id, second, text) for key in keys),
        }
        began = time.monotonic()
        status: int | None = None
        error: str | None = None
        try:
            status = self.guard.tell(url, body, headers=headers)
        except (TargetUnreachable, UnusableAddress) as failure:
            error = failure.detail
        return Try(at, int((time.monotonic() - began) * 1000), status, error)
