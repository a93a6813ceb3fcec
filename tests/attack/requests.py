"""Attempts on the HTTP surface: requests that are not what they seem, inputs that want to be code."""

import io
import json
import zipfile

from tests.attack.attempts import Broke, Target, attempt, expect

_INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE submission; --",
    "%' UNION SELECT secret_sha256 FROM api_key --",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "\\'; SELECT pg_sleep(5); --",
)
_PATHS = (
    "/../../../../etc/passwd",
    "/docs/files/..%2f..%2f..%2fpyproject.toml",
    "/docs/files/....//....//etc/passwd",
    "/console/static/x/..%2f..%2fapp.py",
    "/v1/submissions/..%2f..%2fmetrics",
    "/v1/submissions/sub_00000000000000000000000000%00.xml",
    "//v1/submissions",
    "/V1/SUBMISSIONS",
    "/v1/submissions;x=1",
    "/v1/./submissions/",
)


@attempt("requests", "head of 64 KiB, one field and many")
def oversized_head(target: Target) -> str:
    long = b"GET /livez HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 65_536 + b"\r\n\r\n"
    many = b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"X-A: a\r\n" * 8_192 + b"\r\n"
    for said in (target.say(long), target.say(many)):
        if said and not said.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")):
            raise Broke(said[:40].decode("latin-1"))
    return "431"


@attempt("requests", "smuggling: two lengths, length beside chunks, a bare line feed")
def smuggling(target: Target) -> str:
    hidden = b"GET /v1/submissions HTTP/1.1\r\nHost: a\r\n\r\n"
    heads = {
        "two lengths": b"Content-Length: 4\r\nContent-Length: 60\r\n",
        "both": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "odd coding": b"Transfer-Encoding: xchunked\r\n",
        "folded": b"X-A: 1\r\n Content-Length: 0\r\n",
        "blank before colon": b"Content-Length : 4\r\n",
    }
    for name, head in heads.items():
        said = target.say(b"POST /v1/submissions HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n0\r\n\r\n" + hidden)
        if said.count(b"HTTP/1.1 ") > 1 and b"HTTP/1.1 400" not in said:
            raise Broke(f"{name}: two answers to one request")
    return "400, or one answer to one request"


@attempt("requests", "a request that never ends")
def slow_head(target: Target) -> str:
    import socket
    import time

    with socket.create_connection((target.host, target.port), timeout=15) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        began = time.monotonic()
        said = connection.recv(100)
    if not said.startswith(b"HTTP/1.1 408"):
        raise Broke(f"answered {said[:20]!r}")
    return f"408 after {time.monotonic() - began:.0f} s"


@attempt("requests", "header injection: line breaks in values that are written back")
def header_injection(target: Target) -> str:
    with target.client() as client:
        for value in ("a%0d%0aSet-Cookie:%20x=1", "a\u560d\u560aSet-Cookie: x=1"):
            answer = client.get(f"/v1/submissions?ma_lk={value}", headers=target.bearer())
            if "set-cookie" in answer.headers:
                raise Broke("a cookie was set")
        answer = client.get("/livez", headers={"X-Request-ID": "evil;id" * 20})
        if "evil" in answer.headers.get("x-request-id", ""):
            raise Broke("the id was taken over")
    return "nothing is written back; request ids are short and plain"


@attempt("requests", "path tricks: traversal, encodings, doubled slashes, null bytes")
def paths(target: Target) -> str:
    for path in _PATHS:
        said = target.say(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        if said.startswith(b"HTTP/1.1 2") or b"root:" in said or b"HTTP/1.1 5" in said:
            raise Broke(f"{path}: {said[:20].decode('latin-1')}")
    return f"{len(_PATHS)} paths: 4xx"


@attempt("requests", "another host in the Host header")
def host_header(target: Target) -> str:
    with target.client() as client:
        for path in ("/", "/console/"):
            location = client.get(path, headers={"Host": "evil.example"}).headers.get("location", "")
            if "evil" in location:
                raise Broke(location)
    return "redirects are paths"


@attempt("requests", "methods that nobody declared")
def methods(target: Target) -> str:
    with target.client() as client:
        for method in ("TRACE", "PUT", "PATCH", "PROPFIND", "DELETE"):
            expect(client.request(method, "/v1/submissions", headers=target.bearer()), 404, 405)
        expect(client.get("/v1/submissions", headers={"X-HTTP-Method-Override": "POST"}), 401)
    return "405"


@attempt("injection", "SQL, templates and look-ups in every filter")
def filters(target: Target) -> str:
    import time

    with target.client() as client:
        for text in _INJECTIONS:
            for name in ("ma_lk", "sha256", "cause", "facility", "cursor", "state"):
                began = time.monotonic()
                answer = client.get("/v1/submissions", params={name: text}, headers=target.bearer())
                if answer.status_code >= 500 or time.monotonic() - began > 4:
                    raise Broke(f"{name}={text}: {answer.status_code}")
                if answer.status_code == 200 and answer.json()["data"]:
                    raise Broke(f"{name}={text} found something")
    return f"{len(_INJECTIONS) * 6} requests: an empty page or 4xx"


@attempt("injection", "formulas in CSV: cells that a spreadsheet would run")
def csv_formulas(target: Target) -> str:
    parcel = io.BytesIO()
    with zipfile.ZipFile(parcel, "w") as archive:
        archive.writestr('=HYPERLINK("http://evil.example").xml', b"<a/>")
        archive.writestr("@SUM(1+1)*cmd.xml", b"<b/>")
    with target.client() as client:
        answer = client.post(
            "/v1/batches",
            content=parcel.getvalue(),
            headers={**target.bearer(), "Content-Type": "application/zip"},
        )
        batch = str(answer.json().get("id", ""))
        lines = client.get(f"/v1/batches/{batch}/items.csv", headers=target.bearer()).text.splitlines()
    cells = [cell.strip('"') for line in lines[1:] for cell in line.split(",")]
    if bad := [cell for cell in cells if cell[:1] in {"=", "@", "+"}]:
        raise Broke(f"{bad[0]}")
    return f"{expect(answer, 202, 200, 422)}; no cell begins a formula"


@attempt("injection", "mass assignment: fields that a caller must not set")
def mass_assignment(target: Target) -> str:
    more = {"facility": "99002", "enabled": True, "secret": "whsec_x", "is_admin": True}
    with target.client() as client:
        headers = {"Authorization": f"Bearer {target.webhook_key}"}
        answer = client.post("/v1/webhooks", json={"url": "https://192.0.2.1/hook", **more}, headers=headers)
        if "extra_forbidden" not in answer.text:
            raise Broke("the fields were not refused")
        return expect(answer, 422)


@attempt("injection", "a JSON document 50,000 levels deep, and one with repeated names")
def deep_json(target: Target) -> str:
    headers = {**target.bearer(), "Content-Type": "application/json"}
    with target.client() as client:
        deep = client.post("/v1/encounters", content=b"[" * 50_000, headers=headers)
        twice = client.post(
            "/v1/encounters", content=b'{"facility":"99001","facility":"99002"}', headers=headers
        )
    expect(twice, 403, 422)
    return expect(deep, 400, 422)


@attempt("bombs", "entities, external entities and a document of a million elements")
def xml_bombs(target: Target) -> str:
    laughs = b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    outside = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><GIAMDINHHS>&x;</GIAMDINHHS>'
    many = b"<GIAMDINHHS>" + b"<a/>" * 1_000_000 + b"</GIAMDINHHS>"
    for body in (laughs, outside, many):
        with target.client() as client:
            answer = client.post(
                "/v1/checks",
                content=body,
                headers={**target.bearer(), "Content-Type": "application/xml"},
            )
        if answer.status_code >= 500 or "root:" in answer.text:
            raise Broke(f"answered {answer.status_code}")
        if answer.status_code == 200 and answer.json()["acceptable"]:
            raise Broke("found acceptable")
    return "findings, nothing expanded or fetched"


@attempt("bombs", "zip slip and a ZIP that unpacks to gigabytes")
def zips(target: Target) -> str:
    slip, bomb = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("../../../../tmp/ehoso-slipped.xml", b"<a/>")
        archive.writestr("/etc/ehoso-slipped.xml", b"<b/>")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("a.xml", bytes(60 * 2**20))
    from pathlib import Path

    outcomes = []
    with target.client() as client:
        for body in (slip, bomb):
            answer = client.post(
                "/v1/batches",
                content=body.getvalue(),
                headers={**target.bearer(), "Content-Type": "application/zip"},
            )
            outcomes.append(expect(answer, 202, 413, 422))
    if any(Path(place, "ehoso-slipped.xml").exists() for place in ("/tmp", "/etc")):
        raise Broke("a file was written outside")
    return f"{outcomes[0]}, and nothing outside was written; {outcomes[1]}, and the service is up"


@attempt("bombs", "a body longer than it may be, declared and not")
def long_bodies(target: Target) -> str:
    declared = target.say(
        b"POST /v1/submissions HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\nAuthorization: Bearer "
        + target.key().encode()
        + b"\r\nConnection: close\r\n\r\nabc"
    )
    if b" 413 " not in declared[:40]:
        raise Broke(declared[:40].decode("latin-1"))
    with target.client() as client:
        answer = client.post(
            "/v1/submissions",
            content=(bytes(2**20) for _ in range(25)),
            headers={**target.bearer(), "Content-Type": "application/xml"},
        )
    return expect(answer, 413)


@attempt("injection", "what an error tells: no trace, no input, no version")
def errors_tell_nothing(target: Target) -> str:
    with target.client() as client:
        answers = [
            client.post("/v1/replays", json={"where": {"ma_lk": "CANARY\u0000"}}, headers=target.bearer()),
            client.get("/v1/submissions?limit=CANARY", headers=target.bearer()),
            client.get("/console/claims/CANARY/x"),
        ]
    for answer in answers:
        text = json.dumps(dict(answer.headers)) + answer.text
        if any(word in text for word in ("Traceback", "psycopg", "uvicorn", 'File "')):
            raise Broke(f"{answer.status_code} tells of the inside")
        if answer.status_code >= 500:
            raise Broke(f"answered {answer.status_code}")
    return ", ".join(str(answer.status_code) for answer in answers)
