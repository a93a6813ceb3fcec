"""The demo's submissions: good ones, and each kind of bad one, with the outcome each must have."""

import base64
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from claims.building.build import build_bundle
from claims.cli.demo.installation import DemoFacility
from claims.emr.encounter import parse_encounter
from claims.emr.synthetic import generate_encounters
from claims.localtime import local_date
from signing.keys import Signer
from signing.sign import sign_bundle


class Kind(StrEnum):
    """What is special about a submission."""

    GOOD = "good bundle"
    ENCOUNTER = "encounter, built and signed by the service"
    DUPLICATE = "the same bytes again"
    TAMPERED = "changed after signing"
    WRONG_FACILITY = "signed with another facility's certificate"
    EXPIRED = "signed with an expired certificate"
    SCHEMA = "a field that breaks the schema"


#: The state each kind ends in once the gateway behaves.
EXPECTED: Mapping[Kind, str] = {
    Kind.GOOD: "acknowledged",
    Kind.ENCOUNTER: "acknowledged",
    Kind.DUPLICATE: "acknowledged",
    Kind.TAMPERED: "rejected",
    Kind.WRONG_FACILITY: "rejected",
    Kind.EXPIRED: "rejected",
    Kind.SCHEMA: "rejected",
}

_BAD = (Kind.TAMPERED, Kind.WRONG_FACILITY, Kind.EXPIRED, Kind.SCHEMA)
#: One encounter in so many is made bad, one is handed over as it is, one is sent twice.
_EVERY_BAD, _EVERY_ENCOUNTER, _EVERY_DUPLICATE = 10, 7, 15
#: One in so many has something for a reviewer to look at: a medicine that does not say how strong it is.
_EVERY_WARNING = 4


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to submit."""

    kind: Kind
    facility: str
    body: bytes


def make_cases(facilities: Sequence[DemoFacility], *, seed: int, count: int) -> Iterator[Case]:
    """Make the demo's submissions, the same for the same seed but for keys and today's date."""
    choose = random.Random(seed)  # noqa: S311 - made-up patients need a seed, not secrecy
    by_code = {facility.code: facility for facility in facilities}
    today = local_date(datetime.now(UTC))
    encounters = generate_encounters(seed=seed, count=count, facilities=list(by_code), on=today)
    for number, document in enumerate(encounters, start=1):
        facility = by_code[str(document["facility"])]
        told = _without_strength(document) if number % _EVERY_WARNING == 0 else document
        raw = json.dumps(told, ensure_ascii=False).encode()
        if number % _EVERY_ENCOUNTER == 0:
            yield Case(Kind.ENCOUNTER, facility.code, raw)
            continue
        kind = _BAD[number // _EVERY_BAD % len(_BAD)] if number % _EVERY_BAD == 0 else Kind.GOOD
        case = _signed_case(kind, facility, facilities, raw, made_on=today, choose=choose)
        yield case
        if kind is Kind.GOOD and number % _EVERY_DUPLICATE == 1:
            yield Case(Kind.DUPLICATE, case.facility, case.body)


def _signed_case(
    kind: Kind,
    facility: DemoFacility,
    facilities: Sequence[DemoFacility],
    raw: bytes,
    *,
    made_on: date,
    choose: random.Random,
) -> Case:
    bundle = build_bundle([parse_encounter(raw)], made_on=made_on).bundle
    signer: Signer = facility.key.signer
    match kind:
        case Kind.WRONG_FACILITY:
            signer = choose.choice([one for one in facilities if one.code != facility.code]).key.signer
        case Kind.EXPIRED if facility.expired_key is not None:
            signer = facility.expired_key.signer
        case Kind.SCHEMA:
            bundle = _with_wrong_sex(bundle)
        case _:
            pass
    signed = sign_bundle(bundle, signer)
    return Case(kind, facility.code, _tampered(signed) if kind is Kind.TAMPERED else signed)


def _without_strength(document: Mapping[str, object]) -> dict[str, object]:
    medicines = document.get("medications")
    if not isinstance(medicines, list) or not medicines:
        return dict(document)
    first = {name: value for name, value in medicines[0].items() if name != "strength"}
    return {**document, "medications": [first, *medicines[1:]]}


def _tampered(signed: bytes) -> bytes:
    """Raise the number of claims that the signed envelope declares."""
    return signed.replace(b"<SOLUONGHOSO>1</SOLUONGHOSO>", b"<SOLUONGHOSO>2</SOLUONGHOSO>")


def _with_wrong_sex(bundle: bytes) -> bytes:
    """Write a sex into XML1 that has two digits where the Decision has one."""
    first = re.search(rb"<NOIDUNGFILE>([^<]+)</NOIDUNGFILE>", bundle)
    if first is None:
        raise AssertionError("a bundle has tables")
    table = base64.b64decode(first[1])
    wrong = re.sub(rb"<GIOI_TINH>\d</GIOI_TINH>", b"<GIOI_TINH>12</GIOI_TINH>", table)
    return bundle.replace(first[1], base64.b64encode(wrong))
