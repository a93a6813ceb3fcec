"""What travels beside claims: archives, referrals, certificates, what a facility is."""

import hashlib
import io
import json
import zipfile
from functools import partial
from typing import Final

from fastapi import APIRouter

from claims.gateway.mock.calls import (
    Answer,
    Call,
    MockGateway,
    add_route,
    answering,
    file_of,
    refuse_parameters,
    require_own_facility,
)
from claims.gateway.mock.faults import Endpoint
from claims.gateway.mock.inspection import NotAcceptable
from claims.gateway.mock.reception import Arrival
from claims.gateway.mock.sessions import Session
from claims.gateway.mock.wire import Result
from claims.gateway.protocol import (
    CARD_DETAIL_PATH,
    DRIVER_PATH,
    EARLIER_KINDS,
    FACILITY_PATH,
    HAS_HISTORY_PATH,
    READS,
    RECEIVE_REFERRAL_PATH,
    SEND_REFERRAL_PATH,
    ZIP_FIELD,
    ZIP_PATH,
    Carries,
)
from claims.gateway.receiving import read_file

_REFERRAL: Final = "referral"
_MOST_FILES: Final = 1_000
_MOST_BYTES: Final = 256 * 2**20


def make_other_routes(gateway: MockGateway) -> APIRouter:
    """Return the routes of everything else."""
    router = APIRouter()
    routes: dict[str, tuple[Carries, Answer]] = {
        ZIP_PATH: (Carries.QUERY, _receive_zip),
        SEND_REFERRAL_PATH: (Carries.HEADERS, partial(_receive_document, kind=_REFERRAL)),
        RECEIVE_REFERRAL_PATH: (Carries.HEADERS, _give_referrals),
        DRIVER_PATH: (Carries.HEADERS, _receive_certificate),
        FACILITY_PATH: (READS[FACILITY_PATH], _describe_facility),
        HAS_HISTORY_PATH: (READS[HAS_HISTORY_PATH], _has_history),
        CARD_DETAIL_PATH: (READS[CARD_DETAIL_PATH], _no_details),
    }
    for path, (carries, answer) in routes.items():
        add_route(router, gateway, path, answering(Endpoint.OTHER, carries, answer))
    return router


async def _receive_zip(gateway: MockGateway, session: Session, call: Call) -> Result:
    refusal = refuse_parameters(call, session, EARLIER_KINDS)
    if refusal is not None:
        raise refusal
    archive = file_of(call, Carries.QUERY, ZIP_FIELD)
    if archive is None:
        raise NotAcceptable("205", f"{ZIP_FIELD} không phải Base64")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            infos = [info for info in files.infolist() if not info.is_dir()]
    except zipfile.BadZipFile as error:
        raise NotAcceptable("123", "Tệp không phải ZIP") from error
    if not infos:
        raise NotAcceptable("204", "Tệp ZIP rỗng")
    if len(infos) > _MOST_FILES or sum(info.file_size for info in infos) > _MOST_BYTES:
        raise NotAcceptable("1001", "Tệp ZIP quá lớn")
    return await _keep(gateway, call, archive, kind="zip4210")


async def _receive_document(gateway: MockGateway, session: Session, call: Call, *, kind: str) -> Result:
    require_own_facility(session, call)
    try:
        document = json.loads(call.body)
    except (ValueError, RecursionError) as error:
        raise NotAcceptable("205", "Nội dung không phải JSON") from error
    if not isinstance(document, dict):
        raise NotAcceptable("205", "Nội dung không phải JSON")
    return await _keep(gateway, call, call.body, kind=kind)


async def _give_referrals(gateway: MockGateway, session: Session, call: Call) -> Result:
    """Return the referrals that name the facility as where the patient goes."""
    require_own_facility(session, call)
    found = []
    for entry in gateway.reception.ledger.documents:
        if entry.generation == _REFERRAL:
            document = json.loads(gateway.reception.read_bundle(entry))
            if str(document.get("maCSKCBDen", "")) == session.account.facility:
                found.append({**document, "maGiaoDich": entry.ma_giao_dich})
    return Result("200", {"dsHoSoChuyen": found})


async def _receive_certificate(gateway: MockGateway, session: Session, call: Call) -> Result:
    require_own_facility(session, call)
    certificate = read_file(call.fields.get("SIGNDATA", b""))
    if not certificate:
        return Result("205", {"MSG_STATE": 0, "MSG_TEXT": "SIGNDATA không phải Base64", "UUID": ""})
    kept = await _keep(gateway, call, certificate, kind="driver")
    number = kept.fields["maGiaoDich"]
    return Result("200", {"MSG_STATE": 1, "MSG_TEXT": "Thành công", "UUID": number})


async def _describe_facility(gateway: MockGateway, session: Session, call: Call) -> Result:
    del gateway
    require_own_facility(session, call)
    code = session.account.facility
    return Result("200", {"maCSKCB": code, "maTinh": code[:2], "tenCSKCB": f"Cơ sở KBCB {code}"})


async def _has_history(gateway: MockGateway, session: Session, call: Call) -> Result:
    require_own_facility(session, call)
    is_known = gateway.cards.knows(call.text("maThe"))
    return Result("200", {"coLichSu": is_known})


async def _no_details(gateway: MockGateway, session: Session, call: Call) -> Result:
    del gateway, session, call
    return Result("200", {"hoSoKCB": None, "dsDienBien": []})


async def _keep(gateway: MockGateway, call: Call, document: bytes, *, kind: str) -> Result:
    digest = hashlib.sha256(document).hexdigest()
    arrival = Arrival(call.facility, document, digest, kind, str(call.fault or ""))
    entry = await gateway.reception.take_document(arrival)
    return Result("200", {"maGiaoDich": entry.ma_giao_dich})
