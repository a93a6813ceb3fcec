"""What access costs a page: who calls, whether the record is protected, noting the reading."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from starlette.testclient import TestClient

from bench.check import signed_bundles
from bench.figures import Figure
from claims.api.app import create_app
from claims.checking.samples import load_sample
from claims.exchange.access.clients import AccessToken, digest
from claims.exchange.access.keys import Scope
from claims.exchange.access.places import Place
from claims.exchange.access.principal import Grant, Principal
from claims.exchange.access.protection import classes_in
from claims.exchange.access.session import Stage
from claims.exchange.submission import FacilityCode
from claims.runtime.embedded import embedded_services
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from claims.storage.migrations import upgrade
from signing.demo_pki import DemoPki

_TIMES: Final = 300
_TARGET_MS: Final = 3.0
_TARGET_SHARE: Final = 0.05
_FACILITY: Final = FacilityCode("79024")


def measure(claims: int) -> Sequence[Figure]:
    """Ask each question some hundred times of a database; sum what a page that shows a claim asks."""
    with tempfile.TemporaryDirectory(prefix="ehoso-bench-") as folder:
        data = Path(folder)
        with embedded_services(data / "servers") as addresses:
            upgrade(addresses.database_url)
            DemoPki.create(at=datetime.now(UTC)).write(data / "trust")
            settings = Settings(data_dir=data, signing_keys_passphrase=SecretStr("x"))
            service = Service(settings, addresses.database_url, addresses.broker_url)
            figures = _page_figures(service)
    return [*figures, _share_of_check(claims)]


def _page_figures(service: Service) -> list[Figure]:
    now = service.clock.now()
    service.facilities.add(_FACILITY, name="x", at=now)
    submission = service.receive(load_sample("hiv").write(), facility=_FACILITY, actor="bench").submission
    service.check([submission.id])
    person, _ = service.manage_people.add(
        "an", name="An", grants=[Grant("senior-reviewer", Place("79"))], by="bench"
    )
    session = service.sessions.open(person, stage=Stage.FULL, method="password")
    key = service.issue_key(facility=_FACILITY, scopes=frozenset(Scope), label="bench")
    reader: Principal = person.principal
    token = _token(service)

    def note() -> None:
        service.readings.note_submission(submission.id, reader=reader.id, page="bench", at=now)

    took = {
        "who calls, by API key": _median_ms(lambda: service.who_calls(key)),
        "who calls, by a client's token": _median_ms(lambda: service.who_calls(token)),
        "who calls, by a person's session": _median_ms(lambda: service.who_calls(session)),
        "whether the record is protected": _median_ms(
            lambda: service.protection.require_whole(reader, submission)
        ),
        "noting the reading": _median_ms(note),
    }
    whole, silent = _answers(service, submission.id, session)
    page = took["who calls, by a person's session"] + took["whether the record is protected"] + whole - silent
    took["an answer with findings, its reading noted"] = whole
    took["the same answer, nothing noted"] = silent
    figures = [Figure(name, value, "ms") for name, value in took.items()]
    return [*figures, Figure("a page that shows a claim", page, "ms", _TARGET_MS, at_least=False)]


class _Silent:
    """Notes nothing: what is left is the answer itself."""

    def note_submission(self, submission_id: str, *, reader: str, page: str, at: datetime) -> None:
        """Do nothing."""


def _answers(service: Service, submission_id: str, session: str) -> tuple[float, float]:
    """Return how long an answer takes, with and without its reading, asked by turns."""
    whole: list[float] = []
    silent: list[float] = []
    noted = service.readings
    headers = {"Authorization": f"Bearer {session}"}
    with TestClient(create_app(service)) as client:
        for turn in range(2 * _TIMES + 20):
            is_silent = turn % 2 == 1
            service.__dict__["readings"] = _Silent() if is_silent else noted
            started = time.perf_counter()
            client.get(f"/v1/submissions/{submission_id}/findings", headers=headers).raise_for_status()
            (silent if is_silent else whole).append((time.perf_counter() - started) * 1_000)
        service.__dict__["readings"] = noted
    return statistics.median(whole[10:]), statistics.median(silent[10:])


def _token(service: Service) -> str:
    client = service.manage_clients.register(
        '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
        facility=_FACILITY,
        scopes=frozenset({Scope.READ}),
        label="bench",
    )
    text, now = "eat_bench", datetime.now(UTC)
    ends_at = now + timedelta(hours=1)
    service.clients.add_token(AccessToken(digest(text), client.id, client.scopes, ends_at), at=now)
    return text


def _share_of_check(claims: int) -> Figure:
    """Return what finding its classes adds to a claim's check, in CPU time."""
    bundles, check = signed_bundles(max(claims // 10, 1))
    for bundle in bundles[:50]:
        check(bundle)
    checking = classing = 0.0
    for bundle in bundles:
        started = time.process_time()
        report = check(bundle)
        checked = time.process_time()
        for ordinal in range(1, len(report.claims) + 1):
            classes_in(report, ordinal)
        classing += time.process_time() - checked
        checking += checked - started
    return Figure(
        "finding a claim's classes, share of its check",
        classing / checking,
        "",
        _TARGET_SHARE,
        at_least=False,
    )


def _median_ms(ask: Callable[[], object]) -> float:
    for _ in range(10):
        ask()
    took = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        ask()
        took.append((time.perf_counter() - started) * 1_000)
    return statistics.median(took)
