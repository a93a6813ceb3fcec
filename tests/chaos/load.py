"""The billing systems: they submit, insist until somebody answers, and write down what they were promised."""

import hashlib
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from claims.cli.demo.cases import EXPECTED, Case, Kind

_TIMEOUT_S = 10.0
_INSIST_S = 180.0
_CREATED = frozenset({200, 202})


@dataclass
class Load:
    """Submits cases at a pace through several APIs.

    Attributes:
        log: A line for each promise, on disk before the next is asked for.
        pause_s: How long each of the senders rests after a promise.
    """

    apis: Sequence[str]
    keys: dict[str, str]
    cases: Iterator[Case]
    log: Path
    pause_s: float
    senders: int
    seed: int
    troubles: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin."""
        self._file = self.log.open("ab", buffering=0)
        self._threads = [
            threading.Thread(target=self._send, args=[one], daemon=True) for one in range(self.senders)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take up no further case, and wait for the promises that are being insisted on."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._file.close()

    def _send(self, number: int) -> None:
        choose = random.Random(self.seed * 100 + number)
        with httpx2.Client(timeout=_TIMEOUT_S, trust_env=False) as http:
            while not self._stopping.wait(self.pause_s):
                with self._lock:
                    case = next(self.cases, None)
                if case is None:
                    return
                self._insist(http, case, choose)

    def _insist(self, http: httpx2.Client, case: Case, choose: random.Random) -> None:
        is_bundle = case.kind is not Kind.ENCOUNTER
        path = "/v1/submissions" if is_bundle else "/v1/encounters"
        headers = {
            "Authorization": f"Bearer {self.keys[case.facility]}",
            "Content-Type": "application/xml" if is_bundle else "application/json",
            "Idempotency-Key": hashlib.sha256(case.body).hexdigest(),
        }
        deadline = time.monotonic() + _INSIST_S
        while time.monotonic() < deadline:
            try:
                answer = http.post(choose.choice(self.apis) + path, content=case.body, headers=headers)
            except httpx2.TransportError as error:
                self.troubles[type(error).__name__] += 1
            else:
                if answer.status_code in _CREATED:
                    self._note(case, answer.json(), is_bundle=is_bundle)
                    return
                self.troubles[str(answer.status_code)] += 1
                if answer.status_code < 500 and answer.status_code not in {408, 429}:
                    self._write({"kind": case.kind, "refused_at_the_door": answer.text[:500]})
                    return
            time.sleep(choose.uniform(0.1, 0.5))

    def _note(self, case: Case, promise: dict[str, object], *, is_bundle: bool) -> None:
        sha256 = hashlib.sha256(case.body).hexdigest() if is_bundle else promise["sha256"]
        self._write(
            {
                "id": promise["id"],
                "sha256": sha256,
                "facility": case.facility,
                "kind": case.kind,
                "expected": EXPECTED[case.kind],
            }
        )

    def _write(self, line: dict[str, object]) -> None:
        with self._lock:
            self._file.write(json.dumps(line).encode() + b"\n")
            os.fsync(self._file.fileno())
