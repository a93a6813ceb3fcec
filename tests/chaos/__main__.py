"""``./run chaos [--seed N] [--seconds N] [--json]``: break everything under load, then compare."""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import psycopg

from claims.cli.demo.cases import make_cases
from tests.chaos.checker import Verdict, compare
from tests.chaos.faults import behave, faults_of, misbehave
from tests.chaos.load import Load
from tests.chaos.site import Site, running_site
from tests.chaos.storm import Storm, Strike

_SENDERS = 6
_PAUSE_S = 0.4
#: However long the storm, so that neither the small disk nor this process fills up by itself: the longer it
#: lasts, the longer the senders rest.
_MOST_CASES = 4_000
#: After the storm some more are submitted, so that every fault can be seen to have been survived.
_AFTERMATH_S = 8
_SETTLE_S = 180
_SHOWN = 20


def main() -> None:
    """Run it, print what happened, and exit with 1 if anything was lost, doubled or mismatched."""
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=20261129)
    parser.add_argument("--seconds", type=float, default=60, help="how long the storm lasts (default 60)")
    parser.add_argument("--only", action="append", help="a kind of fault, by its name in the table")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    # So that networks and disks are taken down whoever ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="ehoso-chaos-"))
    folder.chmod(0o755)
    (folder / "site").mkdir()
    promises = folder / "promises.jsonl"
    with running_site(folder / "site") as site:
        faults = [one for one in faults_of(site) if not options.only or one.kind in options.only]
        storm = Storm(faults, random.Random(options.seed), lambda: misbehave(site, options.seed))
        load = _load(site, promises, options.seed, options.seconds)
        load.start()
        storm.rage(options.seconds)
        behave(site)
        time.sleep(_AFTERMATH_S)
        load.stop()
        has_settled = site.settle(_SETTLE_S)
        seal = (site.folder / "seal.key").read_bytes()
        verdict = compare(promises, site.addresses.database_url, site.installation.gateway_url, seal)
        acknowledged_at = _acknowledged_at(site)
        if not verdict.is_clean:
            shutil.copytree(
                site.folder, folder / "kept", ignore=shutil.ignore_patterns("sockets", "postgresql")
            )
    _show(storm.strikes, acknowledged_at)
    _show_gateway(verdict)
    _tell(verdict, load, has_settled=has_settled, kept=folder)
    if not site.disk_is_small:
        print("left out, they need root: network cut, disk full")
    if options.json:
        print(json.dumps(_line(storm.strikes, verdict)))
    if verdict.is_clean:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if verdict.is_clean else 1)


def _load(site: Site, promises: Path, seed: int, seconds: float) -> Load:
    facilities = site.installation.facilities
    lasts_s = seconds + _AFTERMATH_S
    pause_s = max(_PAUSE_S, lasts_s * _SENDERS / _MOST_CASES)
    most = int(lasts_s * _SENDERS / pause_s) + _SENDERS
    return Load(
        apis=(site.installation.api_url, site.b_api),
        keys={code: facility.api_key for code, facility in facilities.items()},
        cases=make_cases(list(facilities.values()), seed=seed, count=most),
        log=promises,
        pause_s=pause_s,
        senders=_SENDERS,
        seed=seed,
    )


def _acknowledged_at(site: Site) -> list[float]:
    with psycopg.connect(site.addresses.database_url) as connection:
        rows = connection.execute("SELECT extract(epoch FROM noted_at) FROM receipt ORDER BY 1").fetchall()
    return [float(row[0]) for row in rows]


def _show(strikes: Sequence[Strike], acknowledged_at: Sequence[float]) -> None:
    waits: dict[str, list[float | None]] = defaultdict(list)
    for strike in strikes:
        following = bisect_right(acknowledged_at, strike.at)
        is_survived = following < len(acknowledged_at)
        waits[strike.kind].append(acknowledged_at[following] - strike.at if is_survived else None)
    print("| fault | injected | survived | longest wait for the next receipt |")
    print("| --- | ---: | ---: | ---: |")
    for kind in sorted(waits):
        survived = [wait for wait in waits[kind] if wait is not None]
        print(f"| {kind} | {len(waits[kind])} | {len(survived)} | {max(survived, default=0):.1f} s |")


def _show_gateway(verdict: Verdict) -> None:
    # Each is one request that met it; all were survived if nothing is lost, doubled or mismatched.
    for kind, number in sorted(verdict.gateway_faults.items()):
        print(f"| gateway: {kind} | {number} | {number if verdict.is_clean else '?'} | |")


def _tell(verdict: Verdict, load: Load, *, has_settled: bool, kept: Path) -> None:
    states = ", ".join(f"{number} {state}" for state, number in sorted(verdict.states.items()))
    troubles = ", ".join(f"{number} {trouble}" for trouble, number in load.troubles.most_common())
    print(f"{verdict.accepted} accepted: {states}")
    print(f"what the clients had to put up with: {troubles or 'nothing'}")
    if not has_settled:
        print(f"did not come to rest within {_SETTLE_S} s")
    for name in ("lost", "doubled", "mismatched"):
        wrong: list[str] = getattr(verdict, name)
        print(f"{name}: {len(wrong)}")
        for one in wrong[:_SHOWN]:
            print(f"  {one}")
    if not verdict.is_clean:
        print(f"logs are kept in {kept}")


def _line(strikes: Sequence[Strike], verdict: Verdict) -> dict[str, int]:
    return {
        "faults": len(strikes) + verdict.gateway_faults.total(),
        "accepted": verdict.accepted,
        "acknowledged": verdict.acknowledged,
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "mismatched": len(verdict.mismatched),
    }


if __name__ == "__main__":
    main()
