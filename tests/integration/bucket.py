"""A bucket on loopback: as much of S3 as keeping, reading and removing one object takes."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import unquote, urlsplit

_KEY = re.compile(rb"<Key>([^<]*)</Key>")


class _Bucket(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        self._objects[self._path] = self._body()
        self._answer(200, b"", ETag='"1"')

    def do_GET(self) -> None:
        content = self._objects.get(self._path)
        if content is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self._answer(200, content, ETag='"1"', **{"Last-Modified": "Sun, 29 Nov 2026 00:00:00 GMT"})

    def do_DELETE(self) -> None:
        self._objects.pop(self._path, None)
        self._answer(204, b"")

    def do_POST(self) -> None:
        """Remove several at once (``?delete``)."""
        keys = _KEY.findall(self._body())
        for key in keys:
            self._objects.pop(f"/{self._path.strip('/')}/{key.decode()}", None)
        done = b"".join(b"<Deleted><Key>%b</Key></Deleted>" % key for key in keys)
        self._answer(200, b"<DeleteResult>%b</DeleteResult>" % done)

    def log_message(self, *_: object) -> None:
        return

    @property
    def _objects(self) -> dict[str, bytes]:
        return cast("_Bucket", self.server).objects

    @property
    def _path(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve_bucket() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Serve one; yield its endpoint and what lies in it by path."""
    with _Bucket() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", server.objects
        server.shutdown()
        thread.join()
