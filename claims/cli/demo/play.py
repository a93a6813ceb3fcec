"""Playing the demo: a day in seconds, and every outcome judged."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from rich.table import Table

from claims.cli.demo.cases import EXPECTED, Case, Kind, make_cases
from claims.cli.demo.installation import Installation
from claims.cli.output import console, progress_bar, say
from claims.cli.replays import follow_replay
from claims.client import SETTLED, ApiClient, Submission
from claims.errors import ClaimsError

_SETTLE_TIMEOUT_S = 120.0
_MAX_REPLAYS = 3


class Unsettled(ClaimsError):
    """Submissions are still under way after a time in which all should have ended."""

    def __init__(self, number: int) -> None:
        super().__init__(f"{number} submissions are still under way after {_SETTLE_TIMEOUT_S:.0f} s")


@dataclass(frozen=True, slots=True)
class _Submitted:
    kind: Kind
    submission_id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Result:
    """How the demo went: the summary line, and whether every outcome was the expected one."""

    summary: Mapping[str, object]
    is_as_expected: bool


def play(installation: Installation, *, encounters: int, seed: int, started: float) -> Result:
    """Submit good and bad while the gateway misbehaves, replay what failed, and judge.

    Args:
        installation: Where it all happens.
        encounters: How many made-up encounters.
        seed: Another seed makes other patients.
        started: ``time.monotonic()`` of the demo's start.
    """
    _misbehave(installation, outage=next(iter(installation.facilities)))
    number = len(installation.facilities)
    say(f"building, signing and submitting {encounters} encounters of {number} facilities …")
    cases = list(make_cases(list(installation.facilities.values()), seed=seed, count=encounters))
    submitted = _submit(installation, cases)
    with installation.api(installation.operator_key) as api:
        _settle(api, submitted, "checking and delivering")
        say("the gateway behaves again; replaying what failed …")
        installation.clear_faults()
        replayed = _replay_failed(api, submitted)
        states = _settle(api, submitted, "delivering")
    return _judge(installation, submitted, states, replayed=replayed, seconds=time.monotonic() - started)


def keep_running(installation: Installation) -> None:
    """Say where everything is and leave it running until Ctrl-C."""
    people = installation.people
    if people is not None:
        people.introduce(f"{installation.api_url}/console/")
    say(f"API               {installation.api_url}")
    say(f"stand-in gateway  {installation.gateway_url}/mock/stats")
    say(f"operator's key    {installation.operator_key}")
    for facility in installation.facilities.values():
        say(f"{facility.code}  {facility.api_key}  {facility.name}")
    if people is not None:
        people.show_codes()
    say("press Ctrl-C to stop")
    threading.Event().wait()


def _misbehave(installation: Installation, *, outage: str) -> None:
    """Let one facility meet an outage that outlasts every attempt, and all of them passing trouble."""
    installation.add_fault(kind="error_500", facility=outage)
    for number, kind in enumerate(
        (
            "timeout_after",
            "timeout_before",
            "reset_after",
            "garbage",
            "error_503_html",
            "expire_token",
            "slow:0.5",
        )
    ):
        installation.add_fault(kind=kind, rate=0.04, seed=number)


def _submit(installation: Installation, cases: Sequence[Case]) -> list[_Submitted]:
    """Submit over HTTP as each facility's own billing system would."""
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool, progress_bar("submitting", len(cases)) as bar:
        clients = {
            code: stack.enter_context(installation.api(facility.api_key))
            for code, facility in installation.facilities.items()
        }

        def submit_one(case: Case) -> _Submitted:
            client = clients[case.facility]
            send = client.submit_encounter if case.kind is Kind.ENCOUNTER else client.submit_bundle
            submission = send(case.body)
            bar.advance()
            return _Submitted(case.kind, str(submission["id"]), str(submission["sha256"]))

        return list(pool.map(submit_one, cases))


def _settle(api: ApiClient, submitted: Sequence[_Submitted], label: str) -> dict[str, Submission]:
    """Wait until nothing more happens by itself; return every submission as it then stands."""
    wanted = {one.submission_id for one in submitted}
    deadline = time.monotonic() + _SETTLE_TIMEOUT_S
    with progress_bar(label, len(wanted)) as bar:
        while True:
            found = {str(one["id"]): one for one in api.submissions()}
            settled = sum(found[one]["state"] in SETTLED for one in wanted if one in found)
            bar.set(settled)
            if settled == len(wanted):
                return found
            if time.monotonic() > deadline:
                raise Unsettled(len(wanted) - settled)
            time.sleep(0.3)


def _replay_failed(api: ApiClient, submitted: Sequence[_Submitted]) -> int:
    """Replay until nothing is left that has failed; return how many submissions went again."""
    replayed: set[str] = set()
    for _ in range(_MAX_REPLAYS):
        failed = {str(one["id"]) for one in api.submissions(state="failed")}
        if not failed:
            break
        replayed |= failed
        started = api.start_replay({"state": ["failed"]}, reason="demo: the gateway behaves again")
        follow_replay(api, str(started["id"]))
        _settle(api, submitted, "replaying")
    return len(replayed)


def _judge(
    installation: Installation,
    submitted: Sequence[_Submitted],
    states: Mapping[str, Submission],
    *,
    replayed: int,
    seconds: float,
) -> Result:
    """Compare every outcome with the expected one, and our receipts with what the gateway holds."""
    ended = {one.submission_id: str(states[one.submission_id]["state"]) for one in submitted}
    counts = Counter(ended.values())
    ours = {str(one["sha256"]): one["receipt"] for one in states.values() if one["state"] == "acknowledged"}
    theirs = _received(installation)
    stats = installation.gateway_says("stats")
    repeats = stats["repeats"] if isinstance(stats, dict) else -1
    lost = [one for one in submitted if ended[one.submission_id] not in SETTLED] + [
        sha256 for sha256, receipt in ours.items() if theirs.get(sha256) != receipt
    ]
    wrong = [one for one in submitted if ended[one.submission_id] != EXPECTED[one.kind]]
    _show_outcomes(submitted, ended)
    for one in wrong:
        say(f"unexpected: {one.submission_id} ({one.kind}) is {ended[one.submission_id]}")
    summary = {
        "submitted": len(ended),
        "acknowledged": counts["acknowledged"],
        "rejected": counts["rejected"],
        "replayed": replayed,
        "lost": len(lost),
        "duplicates_at_gateway": repeats,
        "seconds": round(seconds, 1),
    }
    as_expected = not wrong and not lost and repeats == 0 and replayed > 0 and set(theirs) == set(ours)
    return Result(summary, as_expected)


def _received(installation: Installation) -> dict[str, object]:
    """Return what the gateway holds: the receipt of each digest."""
    received = installation.gateway_says("received")
    if not isinstance(received, list):
        raise TypeError(type(received))
    return {one["sha256"]: one["ma_giao_dich"] for one in received}


def _show_outcomes(submitted: Sequence[_Submitted], ended: Mapping[str, str]) -> None:
    table = Table("what was submitted", "number", "outcome", "expected", title="Outcomes")
    outcomes = Counter((one.kind, ended[one.submission_id]) for one in submitted)
    for (kind, state), number in sorted(outcomes.items()):
        table.add_row(kind, str(number), state, "✓" if state == EXPECTED[kind] else f"✗ {EXPECTED[kind]}")
    console().print(table)
