"""A whole installation on this machine, for trying things: servers, keys, made-up facilities, processes.

Everything lies in one folder and listens on loopback only. Used by the demo, by the benchmarks and by
the tests that kill processes.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
from cryptography.hazmat.primitives.serialization import Encoding

from claims.cli.demo.people import DemoPeople, furnish_people
from claims.client import ApiClient
from claims.errors import ClaimsError
from claims.exchange.access.keys import Scope
from claims.exchange.ports import Account
from claims.exchange.registrations import Note, RegistrationChange, RegistrationEvent
from claims.exchange.submission import FacilityCode
from claims.gateway.protocol import hash_password
from claims.listening import reserved_port
from claims.runtime.embedded import Addresses
from claims.runtime.processes import Program, Supervisor
from claims.runtime.settings import Settings
from claims.runtime.start import servers
from claims.runtime.wiring import Service
from claims.runtime.workers import server_variables, worker_programs
from claims.storage.migrations import upgrade
from claims.storage.roles import prepare
from signing.demo_pki import DemoPki, FacilityKey

_READY_TIMEOUT_S = 60.0

#: Twelve facilities that do not exist: there is no province 99.
FACILITY_NAMES: Mapping[str, str] = {
    f"{99001 + number}": name
    for number, name in enumerate(
        (
            "Bệnh viện Đa khoa Thử nghiệm Một",
            "Bệnh viện Đa khoa Thử nghiệm Hai",
            "Bệnh viện Nhi Thử nghiệm",
            "Bệnh viện Sản Thử nghiệm",
            "Trung tâm Y tế Thử nghiệm Đông",
            "Trung tâm Y tế Thử nghiệm Tây",
            "Trung tâm Y tế Thử nghiệm Nam",
            "Trung tâm Y tế Thử nghiệm Bắc",
            "Phòng khám Đa khoa Thử nghiệm",
            "Trạm Y tế Thử nghiệm Một",
            "Trạm Y tế Thử nghiệm Hai",
            "Bệnh viện Y học cổ truyền Thử nghiệm",
        )
    )
}

#: A demo's gateway is near and its patience short: a claim's whole life fits into seconds.
IMPATIENT: Mapping[str, str] = {
    "CLAIMS_GATEWAY_TIMEOUT_S": "1",
    "CLAIMS_GATEWAY_FIRST_REST_S": "0.5",
    "CLAIMS_SEND_LEASE_S": "17",
    "CLAIMS_CHECK_LEASE_S": "10",
    "CLAIMS_SEND_ATTEMPTS": "5",
    "CLAIMS_RETRY_BASE_S": "0.4",
    "CLAIMS_RETRY_CAP_S": "2",
    "CLAIMS_REAP_EVERY_S": "0.5",
    "CLAIMS_WAKE_AGAIN_S": "4",
    "CLAIMS_LOG_LEVEL": "WARNING",
    "CLAIMS_REVIEWS": "true",
}


class NotReady(ClaimsError):
    """A process of the installation did not come up."""

    def __init__(self, name: str, log: Path) -> None:
        said = log.read_text("utf-8", "replace")[-2_000:] if log.exists() else ""
        super().__init__(f"{name} did not come up; the end of its log:\n{said}")


@dataclass(frozen=True, slots=True)
class DemoFacility:
    """A made-up facility: its name, its keys, and how it signs in."""

    code: str
    name: str
    key: FacilityKey
    expired_key: FacilityKey | None
    api_key: str


@dataclass
class Installation:
    """Starts everything on entering, stops everything on leaving.

    Attributes:
        folder: Where everything lies, logs included.
        facility_names: The made-up facilities, by code.
        with_expired_key: Those that also hold a certificate that has expired.
        addresses: Servers to use instead of the embedded ones.
        host: The address that the API and the stand-in listen on.
        settings: ``CLAIMS_`` variables of every process.
        variables: All variables of its processes, for whoever starts more of them.
    """

    folder: Path
    facility_names: Mapping[str, str]
    with_expired_key: Sequence[str] = ()
    addresses: Addresses | None = None
    host: str = "127.0.0.1"
    settings: Mapping[str, str] = field(default_factory=lambda: IMPATIENT)
    facilities: dict[str, DemoFacility] = field(default_factory=dict)
    operator_key: str = ""
    people: DemoPeople | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def api_url(self) -> str:
        """Where the API listens."""
        return f"http://{self.host}:{self._api_port}"

    @property
    def gateway_url(self) -> str:
        """Where the stand-in gateway listens."""
        return f"http://{self.host}:{self._gateway_port}"

    def api(self, key: str) -> ApiClient:
        """Return a client of the API."""
        return ApiClient(self.api_url, key)

    def gateway_says(self, path: str) -> object:
        """Return what the stand-in testifies under /mock."""
        return httpx2.get(f"{self.gateway_url}/mock/{path}", trust_env=False, timeout=30).json()

    def add_fault(self, **order: object) -> None:
        """Make the stand-in misbehave."""
        url = f"{self.gateway_url}/mock/faults"
        httpx2.post(url, json=order, trust_env=False, timeout=30).raise_for_status()

    def clear_faults(self) -> None:
        """Make the stand-in behave."""
        url = f"{self.gateway_url}/mock/faults"
        httpx2.delete(url, trust_env=False, timeout=30).raise_for_status()

    def pid(self, name: str) -> int | None:
        """Return the process id of check, deliver, api or gateway."""
        return self.supervisor.pid(name)

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._api_port = self._stack.enter_context(reserved_port())
        self._gateway_port = self._stack.enter_context(reserved_port())
        settings = Settings(data_dir=self.folder)
        addresses = self.addresses or self._stack.enter_context(servers(settings))
        # Servers that somebody gave may not let us make roles.
        has_roles = self.addresses is None
        (prepare if has_roles else upgrade)(addresses.database_url)
        service = Service(settings, addresses.database_url, addresses.broker_url)
        self._furnish(service)
        service.close()
        self.supervisor = self._stack.enter_context(Supervisor())
        self.variables = {
            "CLAIMS_PUBLIC_URL": self.api_url,  # the code on a form leads back to this machine
            **self.settings,
            "CLAIMS_DATA_DIR": str(self.folder),
            "CLAIMS_GATEWAY_URL": self.gateway_url,
            "CLAIMS_STAND_IN_URL": self.gateway_url,
            "CLAIMS_GATEWAY_FINDS_BY_DIGEST": "true",
            "CLAIMS_CATALOGUE_FOLDER": str(self.folder / "catalogues"),
            "CLAIMS_SIGNING_KEYS_PASSPHRASE": "demo",
            "CLAIMS_REVIEW_POLICY": str(self.folder / "review-policy.toml"),
            **server_variables(addresses, has_roles=has_roles),
        }
        gateway = [
            "mock-gateway",
            "--folder",
            str(self.folder / "gateway"),
            "--host",
            self.host,
            "--port",
            str(self._gateway_port),
        ]
        api = ["serve", "--without-workers", "--host", self.host, "--port", str(self._api_port)]
        programs = [
            Program("gateway", ["-m", "claims", *gateway], self.variables),
            Program("api", ["-m", "claims", *api], self.variables),
            *worker_programs(addresses, self.variables),
        ]
        for program in programs:
            self.supervisor.start(replace(program, output=self._log(program.name)))
        self._wait_for("gateway", f"{self.gateway_url}/mock/stats")
        self._wait_for("api", f"{self.api_url}/readyz")

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _furnish(self, service: Service) -> None:
        """Make keys, register facilities and lay out what the stand-in needs to know."""
        now = datetime.now(UTC)
        registered = RegistrationEvent(
            RegistrationChange.REGISTERED, now - timedelta(hours=20), now, Note("demo", "made for the demo")
        )
        pki = DemoPki.create(at=now)
        pki.write(self.folder / "trust")
        pki.write(self.folder / "gateway" / "trust")
        for name in ("keys", "catalogues"):
            (self.folder / name).mkdir(exist_ok=True)
        accounts, certificates = ["facility,username,password_md5"], ["facility,certificate_sha256"]
        for code, name in self.facility_names.items():
            key = pki.leaf(code, valid_from=now - timedelta(hours=1), valid_to=now + timedelta(days=365))
            expired = None
            if code in self.with_expired_key:
                expired = pki.leaf(
                    code, valid_from=now - timedelta(hours=20), valid_to=now - timedelta(hours=1)
                )
            key_file = self.folder / "keys" / f"{code}.p12"
            key_file.touch(mode=0o600)
            key_file.write_bytes(key.pkcs12)
            service.facilities.add(FacilityCode(code), name=name, at=now)
            for one in filter(None, (key, expired)):
                der = one.certificate.public_bytes(Encoding.DER)
                digest = hashlib.sha256(der).hexdigest()
                service.registrations.add(FacilityCode(code), der, registered)
                certificates.append(f"{code},{digest}")
            account = Account(f"{code}_BV", hash_password(f"demo-{code}"))
            service.gateway_accounts.put(FacilityCode(code), account)
            accounts.append(f"{code},{account.username},{account.password_md5}")
            api_key = service.issue_key(
                facility=FacilityCode(code), scopes=frozenset({Scope.SUBMIT, Scope.READ}), label="demo"
            )
            self.facilities[code] = DemoFacility(code, name, key, expired, api_key)
        self.people = furnish_people(service, facility=next(iter(self.facility_names)))
        (self.folder / "review-policy.toml").write_text(_review_policy(), "utf-8")
        self.operator_key = service.issue_key(
            facility=None, scopes=frozenset({Scope.READ, Scope.OPERATE}), label="demo operator"
        )
        (self.folder / "gateway" / "accounts.csv").write_text("\n".join(accounts) + "\n", "utf-8")
        (self.folder / "gateway" / "facilities.csv").write_text("\n".join(certificates) + "\n", "utf-8")

    def _wait_for(self, name: str, url: str) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                if httpx2.get(url, trust_env=False).is_success:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.1)
        raise NotReady(name, self._log(name))


def _review_policy() -> str:
    """Return the policy that comes with eHoSo, with amounts that a demo's small claims reach."""
    text = (resources.files("claims.exchange.review") / "policy.toml").read_text("utf-8")
    return text.replace("from_vnd = 20_000_000", "from_vnd = 1_500_000").replace(
        "from_vnd = 50_000_000", "from_vnd = 3_000_000"
    )
