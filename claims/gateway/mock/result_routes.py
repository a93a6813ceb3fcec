"""The stand-in's results: what reception found, how claims were assessed, what is settled."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from claims.gateway.mock.assessment import money, months_of
from claims.gateway.mock.calls import Answer, Call, MockGateway, add_route, answering, require_own_facility
from claims.gateway.mock.faults import Endpoint
from claims.gateway.mock.inspection import NotAcceptable
from claims.gateway.mock.journal import Entry
from claims.gateway.mock.reception import received_at
from claims.gateway.mock.sessions import Session
from claims.gateway.mock.wire import Result
from claims.gateway.protocol import (
    ASSESSMENT_PATH,
    ERROR_DETAIL_PATH,
    READS,
    RECEPTION_OF_DAY_PATH,
    RECEPTION_PATH,
    ROUNDS_PATH,
    SETTLEMENT_PATH,
    read_day,
    write_day,
)
from claims.localtime import local_date

#: The portal shows so many days; more are refused.
_LONGEST_LOOK: Final = timedelta(days=60)


def make_result_routes(gateway: MockGateway) -> APIRouter:
    """Return the routes of the results."""
    router = APIRouter()
    routes: dict[str, Answer] = {
        RECEPTION_PATH: _days,
        RECEPTION_OF_DAY_PATH: _day,
        ERROR_DETAIL_PATH: _errors,
        ROUNDS_PATH: _rounds,
        ASSESSMENT_PATH: _assessments,
        SETTLEMENT_PATH: _settlement,
    }
    for path, answer in routes.items():
        add_route(router, gateway, path, answering(Endpoint.RESULTS, READS[path], answer))
    return router


async def _days(gateway: MockGateway, session: Session, call: Call) -> Result:
    require_own_facility(session, call)
    first, last = _day_of(call, "tuNgay"), _day_of(call, "denNgay")
    if not timedelta() <= last - first <= _LONGEST_LOOK:
        raise NotAcceptable("205", "Khoảng ngày không hợp lệ")

    def describe() -> list[dict[str, object]]:
        days: dict[date, list[Entry]] = {}
        for entry in gateway.reception.ledger.of_facility(session.account.facility):
            day = local_date(received_at(entry))
            if first <= day <= last:
                days.setdefault(day, []).append(entry)
        return [_describe_day(gateway, day, entries) for day, entries in days.items()]

    return Result("200", {"dsKQGuiHoSoNgay": await run_in_threadpool(describe)})


def _describe_day(gateway: MockGateway, day: date, entries: list[Entry]) -> dict[str, object]:
    wrong = [entry for entry in entries if _errors_of(gateway, entry)]
    right = [entry for entry in entries if entry not in wrong]
    return {
        "ngayGui": write_day(day),
        "tongSo": len(entries),
        "soHSThanhCong": len(right),
        "soHSLoi": len(wrong),
        "tongTien": money(sum((Decimal(entry.amount or 0) for entry in right), Decimal())),
    }


async def _day(gateway: MockGateway, session: Session, call: Call) -> Result:
    require_own_facility(session, call)
    day = _day_of(call, "ngayGui")

    def describe() -> list[dict[str, object]]:
        return [
            _describe_transaction(gateway, entry)
            for entry in gateway.reception.ledger.of_facility(session.account.facility)
            if local_date(received_at(entry)) == day
        ]

    return Result("200", {"dsHoSo": await run_in_threadpool(describe)})


def _describe_transaction(gateway: MockGateway, entry: Entry) -> dict[str, object]:
    claims, errors = len(entry.ma_lk), _errors_of(gateway, entry)
    return {
        "ngayGui": write_day(local_date(received_at(entry))),
        "maGiaoDich": entry.ma_giao_dich,
        "soLuongHoSo": claims,
        "slHoSoDung": 0 if errors else claims,
        "slHoSoLoi": claims if errors else 0,
        "tongTien": money(Decimal(entry.amount or 0)),
        "mieuTa": f"{len(errors)} lỗi" if errors else "Đã tiếp nhận",
    }


async def _errors(gateway: MockGateway, session: Session, call: Call) -> Result:
    entry = gateway.reception.ledger.find_receipt(call.text("maGiaoDich"))
    if entry is None or entry.facility != session.account.facility:
        raise NotAcceptable("205", "Không có giao dịch này")
    return Result("200", {"dsLoi": await run_in_threadpool(_errors_of, gateway, entry)})


def _errors_of(gateway: MockGateway, entry: Entry) -> list[dict[str, str]]:
    errors = gateway.assessor.errors_of(entry, gateway.now())
    due = received_at(entry) + timedelta(seconds=gateway.options.late_error_after_s)
    if entry.late_error and gateway.now() >= due:
        errors.append({"maLoi": entry.late_error, "moTaLoi": "Lỗi phát hiện sau khi tiếp nhận"})
    return errors


async def _rounds(gateway: MockGateway, session: Session, call: Call) -> Result:
    require_own_facility(session, call)
    months = months_of(f"{call.text('thang').removeprefix('0')}/{call.text('nam')}")
    if not months:
        raise NotAcceptable("205", "thang hoặc nam sai định dạng")
    rounds = gateway.assessor.rounds(session.account.facility, months[0], gateway.now())
    return Result("200", {"dsDotGiamDinh": rounds})


async def _assessments(gateway: MockGateway, session: Session, call: Call) -> Result:
    require_own_facility(session, call)
    results = await run_in_threadpool(
        gateway.assessor.results, session.account.facility, call.text("maDot"), gateway.now()
    )
    if results is None:
        raise NotAcceptable("205", "Không có đợt giám định này")
    return Result("200", {"dsKetQuaGiamDinh": results})


async def _settlement(gateway: MockGateway, session: Session, call: Call) -> Result:
    require_own_facility(session, call)
    months = months_of(call.text("kyQuyetToan"))
    if not months:
        raise NotAcceptable("205", "kyQuyetToan sai định dạng")
    fields = await run_in_threadpool(
        gateway.assessor.settlement, session.account.facility, months, gateway.now()
    )
    return Result("200", fields or {"thongDiep": "Chưa có kết quả quyết toán"})


def _day_of(call: Call, name: str) -> date:
    day = read_day(call.text(name))
    if day is None:
        raise NotAcceptable("205", f"{name} sai định dạng")
    return day
