"""A small web server on the loopback, whose answers a test writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

Answer = Callable[[bytes], tuple[int, dict[str, str], bytes]]


@dataclass
class Web:
    """What there is, by path, and what was asked for."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    date: str | None = None
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Return the address of a path."""
        return f"http://{host}:{self.port}{path}"

    def offer(self, path: str, body: bytes, kind: str = "application/octet-stream") -> None:
        """Lay something at a path."""
        self.answers[path] = lambda _: (200, {"Content-Type": kind}, body)


@contextmanager
def serving() -> Iterator[Web]:
    """Serve until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            web.asked.append(self.path)
            web.hosts.append(self.headers["Host"])
            if self.command == "POST":
                web.posts.append((dict(self.headers.items()), sent))
            answer = web.answers.get(self.path)
            status, headers, body = (404, {}, b"") if answer is None else answer(sent)
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # whoever asked went away

        do_GET = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815 (the names of http.server)

        def date_time_string(self, timestamp: float | None = None) -> str:
            """Say the time that the test set, or the right one."""
            return web.date or super().date_time_string(timestamp)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web = Web(server.server_address[1])
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
