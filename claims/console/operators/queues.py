"""Queues: how much waits for what, the switch that pauses sending, and the stand-in's faults."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from claims.console.answers import UNPROCESSABLE, see_other
from claims.console.live import Look, tell
from claims.console.naming import Names, TheNames
from claims.console.operators.overview import LOOK_EVERY_S, gateway_state
from claims.console.operators.telling import telling
from claims.console.pages import language_of, render, render_part
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.console.wording import words
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.errors import GatewayUnavailable
from claims.gateway.stand_in import FAULTS, StandInFault
from claims.runtime.wiring import Service

router = APIRouter()

QUEUES: Final = "/queues"
_SWITCH: Final = "gateway.switch"
_LONGEST_REASON: Final = 500

Switcher = Annotated[Viewer, sees(_SWITCH)]


@router.get(QUEUES)
def queues(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees("operations.read")],
    names: TheNames,
) -> Response:
    """Show what waits."""
    return _page(request, service, viewer, names)


@router.get(f"{QUEUES}/live")
async def watch_queues(
    request: Request,
    service: TheService,
    _viewer: Annotated[Viewer, sees("operations.read")],
    names: TheNames,
) -> Response:
    """Tell what waits and whether the gateway takes it, as long as somebody looks."""

    def look() -> Look:
        """Say what waits."""
        told = _told(request, service, names)
        parts = ("as-of", "as_of"), ("waiting", "waiting"), ("gateway", "gateway")
        return Look({place: render_part(request, f"operators/{part}.html", **told) for place, part in parts})

    return await tell(request, look, every_s=LOOK_EVERY_S)


@router.post(f"{QUEUES}/pause")
def pause(
    request: Request, service: TheService, viewer: Switcher, names: TheNames, form: TheForm
) -> Response:
    """Let nothing more be sent, for a reason."""
    reason = str(form.get("reason", "")).strip()[:_LONGEST_REASON]
    if not reason:
        return _page(request, service, viewer, names, problem="op_no_reason", status=UNPROCESSABLE)
    service.sending_switch.pause(by=viewer.id, reason=reason, at=service.clock.now())
    return see_other(QUEUES)


@router.post(f"{QUEUES}/resume")
def resume(service: TheService, viewer: Switcher) -> Response:
    """Let sending go on."""
    service.sending_switch.resume(by=viewer.id, at=service.clock.now())
    return see_other(QUEUES)


@router.post(f"{QUEUES}/faults")
def add_fault(
    request: Request, service: TheService, viewer: Switcher, names: TheNames, form: TheForm
) -> Response:
    """Make the stand-in misbehave."""
    kind, count = str(form.get("kind", "")), str(form.get("count", "")).strip()
    is_count = not count or (count.isascii() and count.isdecimal() and int(count[:6]) > 0)
    if service.stand_in is None or kind not in FAULTS or not is_count:
        return _page(request, service, viewer, names, problem="op_bad_fault", status=UNPROCESSABLE)
    try:
        service.stand_in.add(kind, count=int(count[:6]) if count else None)
    except GatewayUnavailable:
        return _page(request, service, viewer, names, problem="op_stand_in_silent", status=UNPROCESSABLE)
    return see_other(QUEUES)


@router.post(f"{QUEUES}/faults/clear")
def clear_faults(request: Request, service: TheService, viewer: Switcher, names: TheNames) -> Response:
    """Make the stand-in behave again."""
    try:
        if service.stand_in is not None:
            service.stand_in.clear()
    except GatewayUnavailable:
        return _page(request, service, viewer, names, problem="op_stand_in_silent", status=UNPROCESSABLE)
    return see_other(QUEUES)


def _page(
    request: Request, service: Service, viewer: Viewer, names: Names, *, problem: str = "", status: int = 200
) -> Response:
    faults, word = _faults(service), words(language_of(request))
    return render(
        request,
        "operators/queues.html",
        status=status,
        may_switch=viewer.may(_SWITCH),
        has_stand_in=service.stand_in is not None,
        faults=faults,
        kinds=[(kind, word["fault_" + kind.replace(":", "_")]) for kind in FAULTS],
        problem=problem,
        **_told(request, service, names),
    )


def _told(request: Request, service: Service, names: Names) -> Mapping[str, Any]:
    backlog, now = service.operating.backlog(EVERYWHERE), service.clock.now()
    return {
        "backlog": backlog,
        "gateway": gateway_state(service, backlog, now),
        "pause": service.sending_switch.in_force(),
        "telling_since": service.overview.telling_since(),
        "running": [service.replays.get(one, within=EVERYWHERE) for one in service.replays.unfinished()],
        **telling(request, names, now),
    }


def _faults(service: Service) -> list[StandInFault] | None:
    """Return the faults in force; None when the stand-in does not say."""
    if service.stand_in is None:
        return []
    try:
        return service.stand_in.faults()
    except GatewayUnavailable:
        return None
