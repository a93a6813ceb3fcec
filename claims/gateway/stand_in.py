"""The stand-in's fault switches (`claims.gateway.mock`), from outside: for test installations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from claims.exchange.errors import GatewayUnavailable

#: The faults that are offered, in the order in which they are.
FAULTS: Final = (
    "error_500", "error_503_html", "refuse:205", "refuse:401", "timeout_before", "timeout_after", "reset",
    "slow:3", "garbage", "no_receipt", "expire_token",
)  # fmt: skip
_PATH: Final = "/mock/faults"
_PATIENCE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class StandInFault:
    """A fault in force; ``left`` is None where it has no end."""

    kind: str
    facility: str
    endpoint: str
    left: int | None


@dataclass(frozen=True, slots=True)
class StandIn:
    """Switches faults of a stand-in on and off.

    Attributes:
        url: Where it is; the path of the gateway's own interface is not part of it.
    """

    url: str

    def faults(self) -> list[StandInFault]:
        """Return the faults in force.

        Raises:
            GatewayUnavailable: It does not answer, or is no stand-in.
        """
        answer = self._ask("GET")
        try:
            return [
                StandInFault(one["kind"], one["facility"], one["endpoint"], one["left"])
                for one in answer.json()
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise GatewayUnavailable("gateway.garbled") from error

    def add(self, kind: str, *, count: int | None) -> None:
        """Let so many requests meet a fault, or all of them; raises as `faults`."""
        self._ask("POST", {"kind": kind, **({} if count is None else {"count": count})})

    def clear(self) -> None:
        """End all faults; raises as `faults`."""
        self._ask("DELETE")

    def _ask(self, method: str, document: Mapping[str, Any] | None = None) -> httpx2.Response:
        url = self.url.rstrip("/") + _PATH
        try:
            answer = httpx2.request(method, url, json=document, timeout=_PATIENCE_S)
        except httpx2.HTTPError as error:
            raise GatewayUnavailable("gateway.unreachable", type(error).__name__) from error
        if answer.is_error:
            raise GatewayUnavailable(f"gateway.http-{answer.status_code}")
        return answer
