"""Claims per second through intake, check and delivery, beside the cost of the check alone.

Everything runs on this machine: the load, the API, the workers, PostgreSQL, the broker and the
stand-in gateway, which itself parses and verifies every bundle. The kernel is the check of one
bundle (parse, signature, base64, inner parse, schema, cross-checks) in this process, measured on
the same bundles just before. Two cores that did nothing but the kernel are the physical limit.
"""

import json
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.cpu import cpu_seconds
from bench.figures import Figure
from claims.building.build import build_bundle
from claims.checking.check import CheckTerms, SignatureTerms, check_bundle
from claims.cli.demo.installation import FACILITY_NAMES, Installation
from claims.cli.output import progress_bar
from claims.client import SETTLED
from claims.emr.encounter import parse_encounter
from claims.emr.synthetic import generate_encounters
from claims.localtime import local_date
from signing.certificates import TrustStore
from signing.policy import DEFAULT_POLICY
from signing.sign import sign_bundle

_SEED = 7
_SENDERS = 16
_KERNEL_SAMPLE = 300

#: As a deployment would have it, but for the reaper's patience.
_SETTINGS = {"CLAIMS_LOG_LEVEL": "WARNING", "CLAIMS_WAKE_AGAIN_S": "60"}


def measure(claims: int) -> Sequence[Figure]:
    """Push so many claims through a whole installation and return the figures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ehoso-bench-")))
        installation = stack.enter_context(Installation(folder, FACILITY_NAMES, settings=_SETTINGS))
        bundles = _bundles(installation, claims)
        kernel_s = _kernel_seconds(folder, [body for _, body in bundles[:_KERNEL_SAMPLE]])
        before = _cpu_by_part(installation, folder)
        took_s, intake_s = _push(installation, bundles)
        after = _cpu_by_part(installation, folder)
    cores = len(os.sched_getaffinity(0))
    limit = cores / kernel_s
    own_s = sum(after[part] - before[part] for part in after if part != "gateway (stand-in)")
    return [
        Figure("bundle size, median", median(len(body) for _, body in bundles) / 1024, "KiB"),
        Figure("kernel: check of one bundle", kernel_s * 1e6, "µs CPU"),
        Figure(f"limit: {cores} cores doing nothing else", limit, "claims/s"),
        Figure("intake", claims / intake_s, "claims/s"),
        Figure("end to end", claims / took_s, "claims/s", target=420),
        Figure("end to end, share of the limit", claims / took_s / limit, "", target=0.40),
        *(
            Figure(f"CPU of {part}", (after[part] - before[part]) / claims * 1e6, "µs/claim")
            for part in after
        ),
        Figure("kernel's share of our own CPU", kernel_s * claims / own_s, "", target=0.30),
    ]


def _cpu_by_part(installation: Installation, folder: Path) -> dict[str, float]:
    names = {
        "API": "api",
        "check workers": "check",
        "delivery workers": "deliver",
        "gateway (stand-in)": "gateway",
    }
    parts = {part: cpu_seconds(installation.pid(name) or 0) for part, name in names.items()}
    postmaster = int((folder / "postgresql" / "postmaster.pid").read_text("utf-8").split()[0])
    return {**parts, "PostgreSQL": cpu_seconds(postmaster)}


def _bundles(installation: Installation, count: int) -> list[tuple[str, bytes]]:
    today = local_date(datetime.now(UTC))
    made: list[tuple[str, bytes]] = []
    encounters = generate_encounters(seed=_SEED, count=count, facilities=list(FACILITY_NAMES), on=today)
    with progress_bar("building", count) as bar:
        for document in encounters:
            encounter = parse_encounter(json.dumps(document))
            bundle = build_bundle([encounter], made_on=today).bundle
            signer = installation.facilities[encounter.facility].key.signer
            made.append((encounter.facility, sign_bundle(bundle, signer)))
            bar.advance()
    return made


def _kernel_seconds(folder: Path, bodies: Sequence[bytes]) -> float:
    signature = SignatureTerms(TrustStore.load(folder / "trust"), DEFAULT_POLICY, lambda *_: True)
    terms = CheckTerms(signature=signature)
    now = datetime.now(UTC)
    for body in bodies[:20]:
        check_bundle(body, at=now, terms=terms)
    started = time.process_time()
    for body in bodies:
        check_bundle(body, at=now, terms=terms)
    return (time.process_time() - started) / len(bodies)


def _push(installation: Installation, bundles: Sequence[tuple[str, bytes]]) -> tuple[float, float]:
    """Return the seconds until all are acknowledged, and those until all are received."""
    started = time.perf_counter()
    with ExitStack() as stack, ThreadPoolExecutor(_SENDERS) as pool:
        clients = {
            code: stack.enter_context(installation.api(facility.api_key))
            for code, facility in installation.facilities.items()
        }
        for _ in pool.map(lambda one: clients[one[0]].submit_bundle(one[1]), bundles):
            pass
        intake_s = time.perf_counter() - started
        _wait_until_acknowledged(installation, len(bundles))
    return time.perf_counter() - started, intake_s


def _wait_until_acknowledged(installation: Installation, count: int) -> None:
    # The stand-in's own count is cheap to ask; our own list is read once, at the end.
    while True:
        stats = installation.gateway_says("stats")
        if isinstance(stats, dict) and stats["accepted"] >= count:
            break
        time.sleep(0.05)
    with installation.api(installation.operator_key) as api:
        while any(one["state"] not in SETTLED for one in api.submissions()):
            time.sleep(0.05)
