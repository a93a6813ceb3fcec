"""The overview: what waits, how fast it goes, whether the gateway answers, what is about to run out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Final, Self

from cachetools.func import ttl_cache
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from claims.bundle.deadlines import send_by
from claims.console.live import Look, tell
from claims.console.naming import Names, TheNames
from claims.console.operators.charts import columns, lines
from claims.console.operators.telling import telling
from claims.console.pages import render, render_part
from claims.console.viewer import TheService, Viewer, sees
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.breaker import MAINTENANCE, RESTING, read_windows
from claims.exchange.lifecycle import State
from claims.exchange.operating import Backlog, FailureGroup, HourOfWork, Pause, Unsettled
from claims.exchange.submission import FacilityCode
from claims.localtime import local_date, local_time
from claims.runtime.wiring import Service
from signing.certificates import read_der_certificate
from signing.elements import Refused

router = APIRouter()

OVERVIEW: Final = "/overview"
_ENDS_SOON: Final = timedelta(days=30)
_EVER: Final = datetime.max.replace(tzinfo=UTC)
_RISK: Final = timedelta(days=2)
_MOST_UNSETTLED: Final = 2_000
_SHOWN: Final = 10
_REMEMBER_S: Final = 60
_REMEMBER_CERTIFICATES_S: Final = 600
#: Many may have the overview open: the database is asked once for all of them.
_REMEMBER_STANDING_S: Final = 2
#: How often a page of operators that is open looks again.
LOOK_EVERY_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Ending:
    """A certificate that stops being valid soon, or has."""

    facility: FacilityCode
    holder: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Risk:
    """A submission that the gateway has to have by a day that is near."""

    unsettled: Unsettled
    due: date


@dataclass(frozen=True, slots=True)
class Standing:
    """How the service stands at a moment: what the upper part of the overview tells."""

    now: datetime
    backlog: Backlog
    failures: Sequence[FailureGroup]
    gateway: str
    pause: Pause | None

    @classmethod
    def of(cls, service: Service) -> Self:
        """Return how a service stands now."""
        now, backlog = service.clock.now(), service.operating.backlog(EVERYWHERE)
        return cls(
            now,
            backlog,
            service.operating.failures(EVERYWHERE),
            gateway_state(service, backlog, now),
            service.sending_switch.in_force(),
        )

    def told(self, request: Request, names: Names) -> Mapping[str, Any]:
        """Return what the templates of it ask for."""
        return {
            "backlog": self.backlog,
            "waiting": self.backlog.number(State.RECEIVED, State.CHECKED, State.OUTCOME_UNKNOWN),
            "running": self.backlog.number(State.SENDING),
            "failed": sum(group.number for group in self.failures),
            "is_failed_bounded": any(group.is_bounded for group in self.failures),
            "gateway": self.gateway,
            "pause": self.pause,
            **telling(request, names, self.now),
        }


class Watch:
    """What the overview asks that is not asked again for every look at it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.standing = ttl_cache(maxsize=1, ttl=_REMEMBER_STANDING_S)(partial(Standing.of, service))
        self.hours = ttl_cache(maxsize=1, ttl=_REMEMBER_S)(self._load_hours)
        self.risks = ttl_cache(maxsize=1, ttl=_REMEMBER_S)(self._load_risks)
        self.endings = ttl_cache(maxsize=1, ttl=_REMEMBER_CERTIFICATES_S)(self._load_endings)

    def _load_hours(self) -> Sequence[HourOfWork]:
        return self._service.operating.hours(until=self._service.clock.now())

    def _load_risks(self) -> Sequence[Risk]:
        today = local_date(self._service.clock.now())
        unsettled = self._service.operating.unsettled(EVERYWHERE, limit=_MOST_UNSETTLED)
        return [one for one in by_deadline(unsettled) if one.due <= today + _RISK]

    def _load_endings(self) -> Sequence[Ending]:
        until = self._service.clock.now() + _ENDS_SOON
        found = endings(self._service.operating.certificates(EVERYWHERE), until=_EVER)
        # Where another one goes on, nothing is about to run out.
        provided = {ending.facility for ending in found if ending.ends_at > until}
        return [one for one in found if one.ends_at <= until and one.facility not in provided]


def by_deadline(unsettled: Sequence[Unsettled]) -> Sequence[Risk]:
    """Return those of which it is known by when they are to be sent, the most urgent first."""
    found = []
    for one in unsettled:
        due = [day for day in map(send_by, one.discharged_on) if day is not None]
        if due:
            found.append(Risk(one, min(due)))
    return sorted(found, key=lambda risk: (risk.due, risk.unsettled.submission.id))


def endings(certificates: Sequence[tuple[FacilityCode, bytes]], *, until: datetime) -> Sequence[Ending]:
    """Return the certificates that end before a moment, the first to end first."""
    found: list[Ending] = []
    for facility, der in certificates:
        try:
            info = read_der_certificate(der).info
        except Refused:
            continue
        if info.not_after <= until:
            found.append(Ending(facility, info.subject, info.not_after))
    return sorted(found, key=lambda ending: ending.ends_at)


async def watch_of(request: Request, service: TheService) -> Watch:
    """Return the watch that the app keeps."""
    watch = getattr(request.app.state, "watch", None)
    if not isinstance(watch, Watch):
        watch = request.app.state.watch = Watch(service)
    return watch


TheWatch = Annotated[Watch, Depends(watch_of)]


@router.get(OVERVIEW)
def overview(
    request: Request,
    service: TheService,
    _viewer: Annotated[Viewer, sees("operations.read")],
    names: TheNames,
    watch: TheWatch,
) -> Response:
    """Show how the service is doing."""
    standing = Standing.of(service)
    hours = watch.hours()
    clock_hours = [f"{local_time(hour.begins):%H}" for hour in hours]
    risks, ends = watch.risks(), watch.endings()
    return render(
        request,
        "operators/overview.html",
        failures=standing.failures[:_SHOWN],
        hours=hours,
        hour_names=[f"{local_time(hour.begins):%H:00}" for hour in hours],
        work=columns(
            [
                [("good", share(h, h.acknowledged)), ("bad", share(h, h.failed)), ("rest", left(h))]
                for h in hours
            ],
            clock_hours,
        ),
        speed=lines(
            [("main", [h.half_s for h in hours]), ("second", [h.most_s for h in hours])], clock_hours
        ),
        risks=risks[:_SHOWN],
        risks_left=max(0, len(risks) - _SHOWN),
        endings=ends[:_SHOWN],
        endings_left=max(0, len(ends) - _SHOWN),
        today=local_date(standing.now),
        **standing.told(request, names),
    )


@router.get(f"{OVERVIEW}/live")
async def watch_standing(
    request: Request, _viewer: Annotated[Viewer, sees("operations.read")], names: TheNames, watch: TheWatch
) -> Response:
    """Tell how the service stands, as long as somebody looks."""

    def look() -> Look:
        """Say how it stands."""
        told = watch.standing().told(request, names)
        return Look(
            {
                "as-of": render_part(request, "operators/as_of.html", **told),
                "standing": render_part(request, "operators/standing.html", **told),
            }
        )

    return await tell(request, look, every_s=LOOK_EVERY_S)


def gateway_state(service: Service, backlog: Backlog, now: datetime) -> str:
    """Return the word of how the gateway stands, as the workers' circuits show in what waits."""
    if service.settings.gateway_url is None:
        return "absent"
    if service.sending_switch.in_force() is not None:
        return "paused"
    windows = read_windows(service.settings.gateway_maintenance)
    if backlog.by_cause.get(MAINTENANCE) or any(window.holds(now) for window in windows):
        return "maintenance"
    return "resting" if backlog.by_cause.get(RESTING) else "open"


def share(hour: HourOfWork, part: int) -> float:
    """Return how many of an hour's submissions went so, by those that were looked at."""
    return 0.0 if not hour.sampled else hour.received * part / hour.sampled


def left(hour: HourOfWork) -> float:
    """Return how many of an hour's submissions are neither acknowledged nor failed."""
    return max(0.0, hour.received - share(hour, hour.acknowledged) - share(hour, hour.failed))
