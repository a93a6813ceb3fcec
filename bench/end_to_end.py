"""Claims per second through intake, check and delivery, whose CPU it took, and the check's share of it.

Everything runs on this machine: the load, the API, the workers, PostgreSQL, the broker and the
stand-in gateway, which itself parses and verifies every bundle. The kernel is the check of one
bundle (parse, signature, base64, inner parse, schema, rows, rules that ask nothing). It is measured
twice on the same bundles: before the load, for the limit of cores that did nothing else; and now and
then while they go through, for the ratios, because cores that share their units are slower together.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

from bench.figures import Figure
from bench.kernel import Beside, kernel_seconds
from bench.load import (
    SETTINGS,
    Bundle,
    cpu_by_part,
    make_bundles,
    processes,
    send,
    wait_until_accepted,
)
from claims.cli.demo.installation import FACILITY_NAMES, Installation
from claims.emr.synthetic import Mix

_KERNEL_SAMPLE = 200
#: So many go through first: processes that have just started read schemas, open connections, fill memories.
WARM_UP = 200
_GATEWAY = "gateway (stand-in)"
_STAYS = Mix(outpatient=0, outpatient_with_tests=0, day=50, inpatient=50)


@dataclass(frozen=True, slots=True)
class _Size:
    name: str
    kib: tuple[int, int]
    mix: Mix
    least_share: float


_SIZES = (
    _Size("60 KB", (45, 80), _STAYS, 0.50),
    _Size("15 KB", (11, 19), Mix(), 0.30),
)


def measure(claims: int) -> Sequence[Figure]:
    """Push so many claims of each size through a whole installation and return the figures."""
    figures: list[Figure] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ehoso-bench-")))
        installation = stack.enter_context(Installation(folder, FACILITY_NAMES, settings=SETTINGS))
        accepted = 0
        for seed, size in enumerate(_SIZES):
            half = claims // 4
            made = make_bundles(installation, seed=seed, mix=size.mix, kib=size.kib)
            warm_up = list(islice(made, WARM_UP))
            send(installation, warm_up)
            accepted += len(warm_up)
            wait_until_accepted(installation, accepted)
            bundles = list(islice(made, claims + half))
            figures += measure_size(
                installation,
                folder,
                size.name,
                bundles[:claims],
                accepted=accepted,
                least_share=size.least_share,
            )
            figures.append(_half_load(installation, size.name, bundles[claims:], figures))
            accepted += len(bundles)
            wait_until_accepted(installation, accepted)
    return figures


def measure_size(  # noqa: PLR0913 - what is measured on what
    installation: Installation,
    folder: Path,
    name: str,
    bundles: Sequence[Bundle],
    *,
    accepted: int,
    least_share: float | None = None,
) -> list[Figure]:
    """Push bundles through and return the figures, beside the kernel of the same minutes."""
    parts, claims = processes(installation, folder), len(bundles)
    bodies = [bundle.body for bundle in bundles[:_KERNEL_SAMPLE]]
    alone = kernel_seconds(folder, bodies)
    with Beside(folder, bodies) as beside:
        before, began = cpu_by_part(parts), time.perf_counter()
        sent = send(installation, bundles)
        wait_until_accepted(installation, accepted + claims)
        took_s = time.perf_counter() - began
    cost = {part: (spent - before[part]) / claims for part, spent in cpu_by_part(parts).items()}
    kernel, cores = beside.seconds(), len(os.sched_getaffinity(0))
    own = sum(cost.values()) - cost[_GATEWAY]
    return [
        Figure(f"{name}: bundle, median", median(len(bundle.body) for bundle in bundles) / 1024, "KiB"),
        Figure(f"{name}: kernel, the check of one bundle", alone * 1e6, "µs CPU"),
        Figure(f"{name}: kernel under the load", kernel * 1e6, "µs CPU"),
        Figure(f"{name}: limit, {cores} cores doing nothing else", cores / alone, "claims/s"),
        Figure(f"{name}: intake", claims / sent.took_s, "claims/s"),
        Figure(f"{name}: end to end", claims / took_s, "claims/s", target=420),
        *(Figure(f"{name}: CPU of {part}", spent * 1e6, "µs/claim") for part, spent in cost.items()),
        Figure(f"{name}: web ÷ kernel", cost["web"] / kernel, "", target=0.45, at_least=False),
        Figure(
            f"{name}: check workers ÷ kernel", cost["check workers"] / kernel, "", target=1.3, at_least=False
        ),
        Figure(
            f"{name}: delivery ÷ kernel", cost["delivery workers"] / kernel, "", target=0.15, at_least=False
        ),
        Figure(f"{name}: broker ÷ kernel", cost["broker"] / kernel, ""),
        Figure(f"{name}: kernel's share of our own CPU", kernel / own, "", target=least_share),
    ]


def _half_load(
    installation: Installation, name: str, bundles: Sequence[Bundle], figures: Sequence[Figure]
) -> Figure:
    full = next(figure.value for figure in figures if figure.name == f"{name}: end to end")
    sent = send(installation, bundles, per_s=full / 2)
    slowest = quantiles(sent.latencies, n=100)[98]
    return Figure(f"{name}: intake at half load, p99", slowest * 1000, "ms", target=200, at_least=False)
