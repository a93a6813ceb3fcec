"""Attacks on a running instance, on loopback: ``./run attack [--short] [--write] [--json]``.

A whole installation is started in a temporary folder and attacked as a stranger, a facility and a person
could. Each attempt says what held, or that it got somewhere; with --write the table goes into the docs.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2

from claims.cli.demo.cases import Kind, make_cases
from claims.cli.demo.installation import FACILITY_NAMES, IMPATIENT, Installation
from claims.exchange.access.keys import Scope
from claims.exchange.submission import FacilityCode
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from tests.attack import outbound, requests, signing_in, tokens
from tests.attack.attempts import ATTEMPTS, Attempt, Broke, Outcome, Target

#: Imported so that their attempts are known.
_AREAS: Final = (signing_in, requests, tokens, outbound)
_PAGE: Final = Path(__file__).parents[2] / "docs" / "security" / "attacks.md"
_BUNDLES: Final = 12
#: What takes seconds by its nature, and is left out of the short form.
_SLOW: Final = frozenset({"a request that never ends"})


def main() -> None:
    """Attack, show the table, and exit with 1 if an attempt got somewhere."""
    parser = argparse.ArgumentParser(prog="./run attack", description=__doc__)
    parser.add_argument("--short", action="store_true", help="without what takes seconds by its nature")
    parser.add_argument("--write", action="store_true", help=f"write the table to {_PAGE.name}")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    chosen = [one for one in ATTEMPTS if not (options.short and one.what in _SLOW)]
    with tempfile.TemporaryDirectory(prefix="ehoso-attack-") as folder:
        names = dict(list(FACILITY_NAMES.items())[:2])
        settings = {**IMPATIENT, "CLAIMS_REVIEWS": "true"}
        with Installation(Path(folder) / "site", names, settings=settings) as installation:
            outcomes = [_run(one, target) for target in [_target(installation)] for one in chosen]
            is_up = httpx2.get(f"{installation.api_url}/readyz", trust_env=False).is_success
    for outcome in outcomes:
        mark = "✓" if outcome.held else "✗"
        print(f"{mark} {outcome.attempt.area}: {outcome.attempt.what}: {outcome.saw}")
    broken = [one for one in outcomes if not one.held]
    print(
        f"{len(outcomes)} attempts, {len(broken)} got somewhere; the service is {'up' if is_up else 'DOWN'}"
    )
    if options.write:
        _PAGE.parent.mkdir(exist_ok=True)
        _PAGE.write_text(_page(outcomes), "utf-8")
    if options.json:
        print(json.dumps({"attempts": len(outcomes), "broken": [one.attempt.what for one in broken]}))
    sys.exit(0 if is_up and not broken else 1)


def _target(installation: Installation) -> Target:
    first = next(iter(installation.facilities.values()))
    cases = make_cases(list(installation.facilities.values()), seed=9, count=4 * _BUNDLES)
    own = (one.body for one in cases if one.kind is Kind.GOOD and one.facility == first.code)
    bundles = list(islice(own, _BUNDLES))
    address = urlsplit(installation.api_url)
    service = Service(
        Settings(data_dir=installation.folder),
        installation.variables["CLAIMS_DATABASE_URL"],
        installation.variables["CLAIMS_BROKER_URL"],
    )
    key = service.issue_key(
        facility=FacilityCode(first.code), scopes=frozenset({Scope.MANAGE}), label="attack"
    )
    service.close()
    return Target(installation, bundles, address.hostname or "", address.port or 0, key)


def _run(one: Attempt, target: Target) -> Outcome:
    began = time.monotonic()
    try:
        held, saw = True, one.run(target)
    except Broke as error:
        held, saw = False, str(error)
    except (httpx2.HTTPError, OSError, ValueError, LookupError) as error:
        held, saw = False, f"could not be tried: {type(error).__name__} {error}"
    return Outcome(one, held, saw, time.monotonic() - began)


def _page(outcomes: Sequence[Outcome]) -> str:
    rows = "\n".join(
        f"| {one.attempt.area} | {one.attempt.what} | {'held' if one.held else '**broke**'} | {one.saw} |"
        for one in outcomes
    )
    broken, took_s = sum(not one.held for one in outcomes), sum(one.took_s for one in outcomes)
    return f"""# Attacks on a running instance

Written by `./run attack --write` on {datetime.now(UTC):%Y-%m-%d}: a whole installation on loopback,
attacked as a stranger, a facility and a person could. {len(outcomes)} attempts in {took_s:.0f} s, {broken}
got somewhere. Attacks on signatures have [a table of their own](../reference/attacks.md).

| area | attempt | | what was seen |
| --- | --- | --- | --- |
{rows}
"""


if __name__ == "__main__":
    main()
