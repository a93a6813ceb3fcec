"""A running stand-in for tests, with facilities that may sign and sign in.

Bundles are written as text here, not by the product's builder, so that both can be wrong only apart.
"""

import base64
import csv
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes

from claims.exchange.ports import Account
from claims.gateway.calling import GatewaySettings
from claims.gateway.client import GatewayClient
from claims.gateway.connection import Limits
from claims.gateway.mock import MockOptions, MockSettings, make_server
from claims.gateway.protocol import hash_password
from claims.listening import Server
from signing.demo_pki import DemoPki, FacilityKey
from signing.sign import sign_bundle

HERE, ELSEWHERE = "01001", "79002"
PASSWORD = "Mat-khau-1"
#: Waits no longer than a busy machine takes for an answer that does come.
QUICK = Limits(connect_timeout_s=10.0, read_timeout_s=1.0)
PATIENT = Limits(connect_timeout_s=30.0, read_timeout_s=60.0)


class Wall:
    """The wall clock, which a test may push forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Ledger:
    """Accounts by facility; a test may change them."""

    accounts: dict[str, Account]

    def find(self, facility: str) -> Account | None:
        return self.accounts.get(facility)


@cache
def demo_pki() -> DemoPki:
    return DemoPki.create(at=datetime.now(UTC))


@cache
def facility_key(facility: str) -> FacilityKey:
    now = datetime.now(UTC)
    return demo_pki().leaf(facility, valid_from=now - timedelta(days=1), valid_to=now + timedelta(days=365))


def fingerprint(facility: str) -> str:
    return facility_key(facility).certificate.fingerprint(hashes.SHA256()).hex()


def make_bundle(
    ma_lk: str,
    *,
    facility: str = HERE,
    rows: int = 1,
    count: str = "1",
    note: str = "",
    discharged: str = "",
    **fields: str,
) -> bytes:
    """Return an unsigned bundle of one claim, whose lines cost 100 đồng each; more fields go into XML1."""
    given = {"MA_LK": ma_lk, "GHI_CHU": note, "NGAY_RA": discharged, **fields}
    summary = f"<TONG_HOP>{''.join(f'<{name}>{value}</{name}>' for name, value in given.items())}</TONG_HOP>"
    row = (
        f"<CHI_TIET_THUOC><MA_LK>{ma_lk}</MA_LK><STT>1</STT><TEN_THUOC>Paracetamol 500 mg</TEN_THUOC>"
        "<THANH_TIEN_BV>100</THANH_TIEN_BV><T_BHTT>80</T_BHTT></CHI_TIET_THUOC>"
    )
    medicines = f"<CHITIEU_CHITIET_THUOC><D>{row * rows}</D></CHITIEU_CHITIET_THUOC>"
    files = "".join(
        f"<FILEHOSO><LOAIHOSO>{kind}</LOAIHOSO>"
        f"<NOIDUNGFILE>{base64.b64encode(table.encode()).decode()}</NOIDUNGFILE></FILEHOSO>"
        for kind, table in (("XML1", summary), ("XML2", medicines))
    )
    return (
        f"<GIAMDINHHS><THONGTINDONVI><MACSKCB>{facility}</MACSKCB></THONGTINDONVI>"
        f"<THONGTINHOSO><NGAYLAP>20260101</NGAYLAP><SOLUONGHOSO>{count}</SOLUONGHOSO>"
        f"<DANHSACHHOSO><HOSO>{files}</HOSO></DANHSACHHOSO></THONGTINHOSO>"
        "<CHUKYDONVI></CHUKYDONVI></GIAMDINHHS>"
    ).encode()


def signed_bundle(ma_lk: str, *, facility: str = HERE, signed_by: str | None = None, **content: Any) -> bytes:
    """Return a signed bundle of one claim."""
    bundle = make_bundle(ma_lk, facility=facility, **content)
    return sign_bundle(bundle, facility_key(signed_by or facility).signer)


@dataclass
class RunningMock:
    """A stand-in that serves in a thread; `restart` begins anew with the same journal."""

    settings: MockSettings
    clock: Wall
    ledger: Ledger
    certificate: Path | None = None
    server: Server = field(init=False)
    thread: threading.Thread = field(init=False)
    clients: list[GatewayClient] = field(default_factory=list)

    def start(self) -> None:
        ready = threading.Event()
        self.server = make_server(self.settings, on_ready=lambda _: ready.set())
        if self.certificate is not None:
            self.server.config.ssl_certfile = self.certificate
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        assert ready.wait(60)

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.server.should_exit = True
        self.thread.join(60)
        assert not self.thread.is_alive()

    def restart(self) -> None:
        self.stop()
        self.start()

    def client(self, limits: Limits = PATIENT, **settings: Any) -> GatewayClient:
        settings.setdefault("supports_digest_lookup", True)
        base_url = settings.pop("base_url", self.server.base_url)
        client = GatewayClient(
            GatewaySettings(base_url, limits=limits, **settings), accounts=self.ledger, clock=self.clock
        )
        self.clients.append(client)
        return client

    def fetch(self, method: str, path: str, document: object = None) -> bytes:
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(
            self.server.base_url + path,
            data=data,
            method=method,
            headers={"Content-Type": "application/json", "Connection": "close"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            body: bytes = answer.read()
        return body

    def call(self, method: str, path: str, document: object = None) -> Any:
        body = self.fetch(method, path, document)
        return json.loads(body) if body else None

    def fault(self, kind: str, **order: object) -> Any:
        return self.call("POST", "/mock/faults", {"kind": kind, **order})

    def stats(self) -> Any:
        return self.call("GET", "/mock/stats")

    def received(self) -> Any:
        return self.call("GET", "/mock/received")


@contextmanager
def running_mock(folder: Path, *, certificate: Path | None = None, **options: Any) -> Iterator[RunningMock]:
    """Run a stand-in that knows two facilities; over TLS with a PEM file of certificate and key."""
    demo_pki().write(folder / "trust")
    accounts = {f: Account(f"{f}_BV", hash_password(PASSWORD)) for f in (HERE, ELSEWHERE)}
    _write_csv(
        folder / "accounts.csv",
        ("facility", "username", "password_md5"),
        [(f, account.username, account.password_md5) for f, account in accounts.items()],
    )
    _write_csv(
        folder / "facilities.csv",
        ("facility", "certificate_sha256"),
        [(f, fingerprint(f)) for f in (HERE, ELSEWHERE)],
    )
    clock = Wall()
    options.setdefault("hold_s", 5.0)
    settings = MockSettings(folder, folder / "journal", port=0, options=MockOptions(clock=clock, **options))
    mock = RunningMock(settings, clock, Ledger(accounts), certificate)
    mock.start()
    try:
        yield mock
    finally:
        mock.stop()


@contextmanager
def raw_server(answer: bytes, *, read_all: bool = True, reset: bool = False) -> Iterator[str]:
    """Serve fixed bytes to every connection, after reading the request or at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(30)
                _read_request(connection, read_all=read_all)
                connection.sendall(answer)
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join(5)
        listener.close()


def _read_request(connection: socket.socket, *, read_all: bool) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(4096)
    if not read_all:
        return
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)


def _write_csv(path: Path, names: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(names)
        writer.writerows(rows)
