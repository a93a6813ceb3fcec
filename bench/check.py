"""What a check costs: CPU per claim, stage by stage, beside the limit, which is what no check can do without.

The limit of a claim: parse its bundle and each table in it, hold each table to its schema, and one public-key
operation, and nothing else. Both are taken in turn in one process, on signed bundles of the mix of kinds that
hospitals send.
"""

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pybase64
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bench.figures import Figure
from claims.building.build import build_bundle
from claims.bundle.envelope import read_bundle
from claims.bundle.kinds import TableKind
from claims.catalogues.catalogue import Catalogue, Table
from claims.checking.check import CheckTerms, Report, SignatureTerms, check_bundle
from claims.checking.needs import Need
from claims.checking.samples.surroundings import lists_of, sample_more
from claims.checking.shapes import check_tables
from claims.checking.tables import Row
from claims.emr.encounter import read_encounter
from claims.emr.synthetic import BENCHMARK_MIX, generate_encounters
from signing.canonical import parse
from signing.demo_pki import DemoPki
from signing.policy import DEFAULT_POLICY
from signing.sign import sign_bundle
from xsd.catalog import find_schema

_FACILITY: Final = "79024"
_ON: Final = date(2026, 9, 14)
_AT: Final = datetime.combine(_ON + timedelta(days=1), clock(3), UTC)
_ROUNDS: Final = 5
_MB: Final = 1e6


def measure(claims: int) -> list[Figure]:
    """Check signed bundles of the default mix, again and again, beside the limit.

    Args:
        claims: How many claims go through in all.
    """
    bundles, terms = _signed_bundles(max(claims // _ROUNDS, 1))
    check = partial(check_bundle, at=_AT, terms=terms)
    check_with_lists = partial(check_bundle, at=_AT, terms=_with_everything_known(terms, bundles))
    private = rsa.generate_private_key(65537, 2048)
    value = private.sign(b"limit", padding.PKCS1v15(), hashes.SHA256())
    public = private.public_key()

    for data in bundles[:50]:
        check(data)
        check_with_lists(data)
    whole = limit = with_lists = 0.0
    stages: defaultdict[str, float] = defaultdict(float)
    blocked = 0
    before = _resident()
    for _ in range(_ROUNDS):
        for data in bundles:
            started = time.process_time()
            _do_the_least(data)
            public.verify(value, b"limit", padding.PKCS1v15(), hashes.SHA256())
            between = time.process_time()
            report = check(data)
            after = time.process_time()
            blocked += not check_with_lists(data).is_acceptable
            with_lists += time.process_time() - after
            whole += after - between
            limit += between - started
            blocked += not report.is_acceptable
            for stage in report.stages:
                stages[stage.name] += stage.ms
    grown = _resident() - before
    done = _ROUNDS * len(bundles)
    return [
        Figure("claims a second on one core", done / whole, "1/s", target=250),
        Figure("CPU per claim", whole / done * 1000, "ms"),
        Figure("the limit per claim", limit / done * 1000, "ms"),
        Figure("CPU ÷ limit", whole / limit, "", target=2.0, at_least=False),
        Figure(
            "CPU ÷ limit with lists, history and cards", with_lists / limit, "", target=2.0, at_least=False
        ),
        *(Figure(f"stage {name}", ms / done, "ms") for name, ms in stages.items()),
        Figure("bytes per bundle", sum(map(len, bundles)) / len(bundles), "B"),
        Figure("memory grown over the run", grown / _MB, "MB", target=5, at_least=False),
        Figure("valid claims that were blocked", blocked, "", target=0, at_least=False),
    ]


def signed_bundles(count: int) -> tuple[list[bytes], Callable[[bytes], Report]]:
    """Make signed bundles of the default mix; return them and what checks one."""
    bundles, terms = _signed_bundles(count)
    return bundles, partial(check_bundle, at=_AT, terms=terms)


def _signed_bundles(count: int) -> tuple[list[bytes], CheckTerms]:
    pki = DemoPki.create(at=_AT - timedelta(days=30))
    key = pki.leaf(_FACILITY, valid_from=_AT - timedelta(days=20), valid_to=_AT + timedelta(days=365))
    terms = CheckTerms(signature=SignatureTerms(pki.trust_store(), DEFAULT_POLICY, lambda *_: True))
    return [sign_bundle(data, key.signer) for data in _bundles(count)], terms


def _with_everything_known(terms: CheckTerms, bundles: Sequence[bytes]) -> CheckTerms:
    """Add lists that have what the bundles name, a history of other claims, and a register of cards."""
    lists = lists_of(map(_rows_of, bundles))
    tables = MappingProxyType({kind: Table(dict.fromkeys(entries)) for kind, entries in lists.items()})
    more = {need: sample_more()[need] for need in (Need.HISTORY, Need.CARDS)}
    return replace(terms, catalogue=Catalogue(facility=_FACILITY, tables=tables), more=more)


def _rows_of(data: bytes) -> Mapping[TableKind, Sequence[Row]]:
    (claim,) = read_bundle(parse(data)).claims
    checked, _ = check_tables(claim, _ON)
    return {kind: table.rows for kind, table in checked.tables.items()}


def _bundles(count: int) -> list[bytes]:
    documents = generate_encounters(seed=3, count=count, facilities=[_FACILITY], on=_ON, mix=BENCHMARK_MIX)
    made = (build_bundle([read_encounter(json.loads(json.dumps(one)))], made_on=_ON) for one in documents)
    return [one.bundle for one in made]


def _do_the_least(data: bytes) -> None:
    for file in parse(data).iter("FILEHOSO"):
        table = parse(pybase64.b64decode(file.findtext("NOIDUNGFILE") or ""))
        find_schema(file.findtext("LOAIHOSO") or "", on=_ON).find_faults(table)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
