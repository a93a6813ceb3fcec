"""Load on a whole installation: signed bundles of a wanted size, senders, and whose CPU it cost."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Final

from bench.cpu import cpu_seconds
from claims.building.build import build_bundle
from claims.cli.demo.installation import FACILITY_NAMES, Installation
from claims.emr.encounter import parse_encounter
from claims.emr.synthetic import DEFAULT_MIX, Mix, generate_encounters
from claims.localtime import local_date
from signing.sign import sign_bundle

SENDERS: Final = 16
_SEED: Final = 7
_PATIENCE_S: Final = 300
#: Bundles that are ready before they are sent, at most: memory stays flat however many there are.
_READY: Final = 4 * SENDERS

#: As a deployment would have it, but for the reaper's patience.
SETTINGS: Final = {"CLAIMS_LOG_LEVEL": "WARNING", "CLAIMS_WAKE_AGAIN_S": "60"}


@dataclass(frozen=True, slots=True)
class Bundle:
    """A signed bundle and who sends it."""

    facility: str
    body: bytes


@dataclass(slots=True)
class Sent:
    """What came of sending.

    Attributes:
        took_s: Until the last one was received.
        latencies: Of each request, in seconds, from when it was due.
        receipts: Submission ids by the digest of their bytes, as the answers said.
    """

    took_s: float = 0.0
    latencies: list[float] = field(default_factory=list)
    receipts: dict[str, str] = field(default_factory=dict)


def make_bundles(
    installation: Installation, *, seed: int = _SEED, mix: Mix = DEFAULT_MIX, kib: tuple[int, int] = (0, 1024)
) -> Iterator[Bundle]:
    """Make bundles without end whose size lies between two numbers of KiB, one when one is asked for."""
    today = local_date(datetime.now(UTC))
    least, most = (1024 * bound for bound in kib)
    for document in generate_encounters(
        seed=seed, count=10**9, facilities=list(FACILITY_NAMES), on=today, mix=mix
    ):
        encounter = parse_encounter(json.dumps(document))
        unsigned = build_bundle([encounter], made_on=today).bundle
        if least <= len(unsigned) <= most:
            signer = installation.facilities[encounter.facility].key.signer
            yield Bundle(encounter.facility, sign_bundle(unsigned, signer))


def send(
    installation: Installation,
    bundles: Iterable[Bundle],
    *,
    per_s: float | None = None,
    note: Callable[[int], None] = lambda _count: None,
) -> Sent:
    """Send bundles by several senders, as fast as they can or at a steady rate; a refusal ends it.

    At a rate, each request is due at its own time whether or not the ones before it have been answered.
    """
    sent, running = Sent(), set[Future[tuple[str, str, float]]]()
    began = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as pool:
        sender = _Sender(installation)

        def one(bundle: Bundle, due: float) -> tuple[str, str, float]:
            time.sleep(max(0.0, due - time.perf_counter()))
            answer = sender.submit(bundle)
            return answer["sha256"], answer["id"], time.perf_counter() - due

        def gather(done: Iterable[Future[tuple[str, str, float]]]) -> None:
            for future in done:
                sha256, submission_id, latency = future.result()
                sent.receipts[sha256] = submission_id
                sent.latencies.append(latency)
            note(len(sent.latencies))

        for number, bundle in enumerate(bundles):
            due = time.perf_counter() if per_s is None else began + number / per_s
            running.add(pool.submit(one, bundle, due))
            if len(running) >= _READY:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                gather(done)
        gather(wait(running).done)
    sent.took_s = time.perf_counter() - began
    return sent


class _Sender:
    """Submits over a kept connection for each thread: the load shares the cores with what it is a load on."""

    def __init__(self, installation: Installation) -> None:
        self._host = installation.api_url.removeprefix("http://")
        self._keys = {code: facility.api_key for code, facility in installation.facilities.items()}
        self._kept = threading.local()

    def submit(self, bundle: Bundle) -> Mapping[str, str]:
        """Submit a bundle and return what the answer says; any other answer than 202 ends it."""
        headers = {
            "Authorization": f"Bearer {self._keys[bundle.facility]}",
            "Content-Type": "application/xml",
        }
        try:
            status, answer = self._post(bundle.body, headers)
        except (RemoteDisconnected, ConnectionError, TimeoutError):
            # A connection that rested too long, or a long wait. The same bytes again are the same submission.
            self._kept.connection.close()
            status, answer = self._post(bundle.body, headers)
        if status != HTTPStatus.ACCEPTED:
            raise RuntimeError(f"{status}: {answer!r}")
        document: Mapping[str, str] = json.loads(answer)
        return document

    def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        connection = getattr(self._kept, "connection", None)
        if connection is None:
            connection = self._kept.connection = HTTPConnection(self._host, timeout=60)
        connection.request("POST", "/v1/submissions", body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def wait_until_accepted(installation: Installation, count: int) -> None:
    """Wait until the stand-in gateway has accepted so many; its own count is cheap to ask.

    Raises:
        TimeoutError: Nothing more has come for minutes: what is missing does not come any more.
    """
    accepted, last = -1, time.monotonic()
    while accepted < count:
        if time.monotonic() - last > _PATIENCE_S:
            raise TimeoutError(f"{accepted} of {count} claims are at the gateway, and no more come")
        stats = installation.gateway_says("stats")
        if isinstance(stats, dict) and stats["accepted"] > accepted:
            accepted, last = stats["accepted"], time.monotonic()
        time.sleep(0.05)


def processes(installation: Installation, folder: Path) -> Mapping[str, int]:
    """Return the process ids of the installation's parts."""
    names = {
        "web": "api",
        "check workers": "check",
        "delivery workers": "deliver",
        "webhook worker": "tell",
        "gateway (stand-in)": "gateway",
    }
    return {
        **{part: installation.pid(name) or 0 for part, name in names.items()},
        "PostgreSQL": int((folder / "postgresql" / "postmaster.pid").read_text("utf-8").split()[0]),
        "broker": _broker(folder),
    }


def cpu_by_part(parts: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds of each part so far."""
    return {part: cpu_seconds(pid) for part, pid in parts.items()}


def _broker(folder: Path) -> int:
    """Return the process whose working folder is the embedded Valkey's; 0 where it is another's."""
    place = (folder / "valkey").resolve()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "cwd").resolve() == place and b"valkey" in (entry / "cmdline").read_bytes():
                return int(entry.name)
        except OSError:
            continue  # it ended, or is somebody else's
    return 0
