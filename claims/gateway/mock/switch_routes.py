"""The stand-in's own switches and testimony, under ``/mock``: faults, counts, what was received."""

from datetime import datetime
from importlib import resources
from typing import Annotated

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from claims.exchange.breaker import Window
from claims.gateway.mock.calls import MockGateway
from claims.gateway.mock.faults import EVERY_FACILITY, Endpoint, Fault, FaultRule, make_chaos


class FaultOrder(BaseModel):
    """A fault as asked for over HTTP."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    facility: str = EVERY_FACILITY
    endpoint: Endpoint = Endpoint.SEND
    rate: Annotated[float, Field(ge=0, le=1)] = 1.0
    count: Annotated[int, Field(ge=1)] | None = None
    until: AwareDatetime | None = None
    seed: int = 0
    burst: Annotated[int, Field(ge=1)] = 1

    def to_rule(self) -> FaultRule:
        """Return the rule.

        Raises:
            ValueError: There is no such fault.
        """
        return FaultRule(
            Fault.parse(self.kind),
            facility=self.facility,
            endpoint=self.endpoint,
            rate=self.rate,
            count=self.count,
            until=self.until,
            seed=self.seed,
            burst=self.burst,
        )


class Closing(BaseModel):
    """A time in which the stand-in is closed."""

    begins: AwareDatetime
    ends: AwareDatetime


class Rate(BaseModel):
    """How many requests an account may make in a second; null for any number."""

    per_s: Annotated[float, Field(gt=0)] | None


class ChaosOrder(BaseModel):
    """A chaos profile as asked for over HTTP."""

    seed: int = 0
    rate: Annotated[float, Field(ge=0, le=1)] = 0.02
    until: AwareDatetime | None = None
    endpoints: list[Endpoint] = [Endpoint.SEND]


class FaultInForce(BaseModel):
    """A rule in force."""

    id: int
    kind: str
    facility: str
    endpoint: Endpoint
    rate: float
    left: int | None
    until: datetime | None
    seed: int


class Received(BaseModel):
    """A bundle that was taken, once for each claim in it."""

    facility: str
    ma_lk: str
    sha256: str
    ma_giao_dich: str
    generation: str
    version: int
    supersedes: str
    received_at: str


def make_switch_routes(gateway: MockGateway) -> APIRouter:
    """Return the routes of the switches and of the testimony."""
    router = APIRouter(prefix="/mock")
    _add_testimony(router, gateway)
    _add_faults(router, gateway)
    _add_moods(router, gateway)
    return router


def _add_testimony(router: APIRouter, gateway: MockGateway) -> None:
    ledger = gateway.reception.ledger

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/stats")
    async def stats() -> dict[str, object]:
        return {**ledger.stats(), "sign_ins": gateway.desk.sign_ins}

    @router.get("/received")
    async def received(after: int = 0, limit: int | None = None) -> list[Received]:
        last = None if limit is None else after + limit
        return [
            Received(
                facility=entry.facility,
                ma_lk=ma_lk,
                sha256=entry.sha256,
                ma_giao_dich=entry.ma_giao_dich,
                generation=entry.generation,
                version=entry.version,
                supersedes=entry.supersedes,
                received_at=entry.at,
            )
            for entry in ledger.accepted[after:last]
            for ma_lk in entry.ma_lk
        ]

    @router.get("/received/{ma_giao_dich}/bundle")
    async def bundle(ma_giao_dich: str) -> Response:
        entry = ledger.find_receipt(ma_giao_dich)
        if entry is None:
            raise HTTPException(404)
        return Response(gateway.reception.read_bundle(entry), media_type="application/xml")

    @router.post("/tokens/expire", status_code=204)
    async def expire_tokens() -> None:
        gateway.desk.expire_all()


def _add_faults(router: APIRouter, gateway: MockGateway) -> None:
    faults = gateway.faults

    @router.get("/faults")
    async def list_faults() -> list[FaultInForce]:
        return [_describe(number, rule, left) for number, (rule, left) in faults.rules().items()]

    @router.post("/faults", status_code=201)
    async def add_fault(order: FaultOrder) -> FaultInForce:
        try:
            rule = order.to_rule()
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return _describe(faults.add(rule), rule, rule.count)

    @router.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        faults.clear()

    @router.delete("/faults/{number}", status_code=204)
    async def remove_fault(number: int) -> None:
        if not faults.remove(number):
            raise HTTPException(404)


def _add_moods(router: APIRouter, gateway: MockGateway) -> None:
    @router.get("", response_class=HTMLResponse)
    async def page() -> str:
        return resources.files(__package__ or "").joinpath("switches.html").read_text("utf-8")

    @router.get("/maintenance")
    async def list_maintenance() -> list[Closing]:
        return [Closing(begins=one.begins, ends=one.ends) for one in gateway.maintenance]

    @router.post("/maintenance", status_code=201)
    async def close(closing: Closing) -> Closing:
        if closing.ends <= closing.begins:
            raise HTTPException(422, "it ends before it begins")
        gateway.maintenance = (*gateway.maintenance, Window(closing.begins, closing.ends))
        return closing

    @router.delete("/maintenance", status_code=204)
    async def open_again() -> None:
        gateway.maintenance = ()

    @router.put("/rate", status_code=204)
    async def throttle(rate: Rate) -> None:
        gateway.throttle.per_s = rate.per_s

    @router.post("/chaos", status_code=201)
    async def chaos(order: ChaosOrder) -> list[FaultInForce]:
        rules = make_chaos(order.seed, rate=order.rate, until=order.until, endpoints=order.endpoints)
        return [_describe(gateway.faults.add(rule), rule, rule.count) for rule in rules]


def _describe(number: int, rule: FaultRule, left: int | None) -> FaultInForce:
    return FaultInForce(
        id=number,
        kind=str(rule.fault),
        facility=rule.facility,
        endpoint=rule.endpoint,
        rate=rule.rate,
        left=left,
        until=rule.until,
        seed=rule.seed,
    )
