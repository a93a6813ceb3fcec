"""Attempts to make the service ask what it should not: addresses, names that resolve inward, redirections."""

import contextlib
import ipaddress
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from claims.outbound.errors import TargetUnreachable, UnusableAddress
from claims.outbound.guard import Guard
from tests.attack.attempts import Broke, Target, attempt, expect

_INWARD = (
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/",
    "https://[fd00:ec2::254]/",
    "https://127.0.0.1:5432/",
    "https://localhost/",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://127.1/",
    "https://10.0.0.1/",
    "https://user:pass@127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "https://his.example:0/",
)


@attempt("outgoing requests", "webhooks to metadata, loopback and private addresses, in every notation")
def webhooks(target: Target) -> str:
    headers = {"Authorization": f"Bearer {target.webhook_key}"}
    with target.client() as client:
        for url in _INWARD:
            answer = client.post("/v1/webhooks", json={"url": url}, headers=headers)
            if answer.status_code != 422:
                raise Broke(f"{url}: {answer.status_code}")
    return f"{len(_INWARD)} addresses: {expect(answer, 422)}"


@attempt("outgoing requests", "a public address that redirects to the metadata service")
def redirects(_target: Target) -> str:
    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Redirecting)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    guard = Guard(allowed=[ipaddress.ip_network("127.0.0.0/8")])
    try:
        guard.get(f"http://127.0.0.1:{server.server_port}/crl", max_bytes=100)
    except UnusableAddress:
        return "each address on the way is looked at; this one is not asked"
    except TargetUnreachable as error:
        raise Broke(f"it was tried: {error.detail}") from error
    finally:
        server.shutdown()
        server.server_close()
    raise Broke("it was followed")


@attempt("outgoing requests", "DNS answers that change, or mix a public address with a private one")
def rebinding(_target: Target) -> str:
    asked: list[int] = []

    def changing(_host: str, _port: int) -> list[str]:
        asked.append(1)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    for resolver in (lambda *_: ["203.0.113.9", "10.0.0.7"], lambda *_: ["169.254.169.254"]):
        try:
            Guard(resolver=resolver).get("http://crl.example/a", max_bytes=1)
        except UnusableAddress:
            continue
        raise Broke("it was asked")
    loopback = Guard(allowed=[ipaddress.ip_network("127.0.0.0/8")], resolver=changing, timeout_s=0.5)
    with contextlib.suppress(TargetUnreachable):
        loopback.get("http://crl.example:9/a", max_bytes=1)
    if len(asked) != 1:
        raise Broke("the name was looked up twice for one request")
    return "refused; the address that was looked at is the one that is connected to"
