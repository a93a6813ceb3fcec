"""Batches: each file has an outcome, the same parcel again goes on, nothing is taken twice."""

import asyncio
import csv
import hashlib
import io
import os
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from httpx2 import Response
from starlette.types import Message
from structlog.testing import capture_logs

from claims.api.app import create_app
from claims.exchange.access.keys import Scope
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.batches import FAULTS, Batch, WorkOffBatch, new_batch_id
from claims.exchange.errors import BatchFault
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.runtime.batching import BatchRunner
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki
from tests.fakes import SetClock
from tests.in_process import TestClient

ZIP = {"Content-Type": "application/zip"}


@pytest.fixture
def service(database_url: str, broker_url: str, tmp_path: Path, pki: DemoPki) -> Iterator[Service]:
    pki.write(tmp_path / "trust")
    settings = Settings(data_dir=tmp_path, max_body_bytes=1000, batch_bytes=200_000, batch_items=300)
    service = Service(settings, database_url, broker_url)
    for code in ("99001", "99002"):
        service.facilities.add(FacilityCode(code), name="Thử", at=datetime.now(UTC))
    yield service
    service.close()


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service), raise_server_exceptions=False) as client:
        yield client


def key(service: Service, facility: str = "99001") -> dict[str, str]:
    text = service.issue_key(facility=FacilityCode(facility), scopes=frozenset(Scope), label="test")
    return {"Authorization": f"Bearer {text}"}


def zipped(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def finished(client: TestClient, posted: Response, headers: dict[str, str]) -> dict[str, object]:
    assert posted.status_code == 202, posted.text
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        batch: dict[str, object] = client.get(posted.headers["Location"], headers=headers).json()
        if batch["state"] == "finished":
            return batch
        time.sleep(0.02)
    raise AssertionError("the batch does not come to its end")


def counts(batch: dict[str, object]) -> tuple[object, ...]:
    return tuple(batch[name] for name in ("total", "done", "accepted", "duplicate", "refused"))


def test_every_file_has_an_outcome_of_its_own(client: TestClient, service: Service) -> None:
    headers = key(service)
    known = client.post("/v1/submissions", content=b"<a/>", headers=headers).json()["id"]
    data = zipped(("a.xml", b"<a/>"), ("b.xml", b"<b/>"), ("=c.xml", b"no"), ("d.xml", b"<b/>"))

    posted = client.post("/v1/batches", content=data, headers=headers | ZIP)
    batch = finished(client, posted, headers)
    items = client.get(f"{posted.headers['Location']}/items", headers=headers).json()["data"]

    assert counts(batch) == (4, 4, 1, 2, 1)
    assert [(one["name"], one["outcome"], one["cause"]) for one in items] == [
        ("a.xml", "duplicate", None),
        ("b.xml", "accepted", None),
        ("=c.xml", "refused", "not-xml"),
        ("d.xml", "duplicate", None),
    ]
    assert items[0]["submission_id"] == known
    assert items[1]["submission_id"] == items[3]["submission_id"]
    assert items[2]["message"]["vi"]
    assert service.submissions.body(items[1]["submission_id"]) == b"<b/>"
    assert not list(service.settings.batch_folder.glob("*"))


def test_a_multipart_body_is_as_good_as_a_zip(client: TestClient, service: Service) -> None:
    headers = key(service)
    parts = [("file", (f"{n}.xml", b"<x%d/>" % n, "application/xml")) for n in range(200)]
    parts += [("file", ("0.xml", b"<other/>", "application/xml")), ("file", ("l.xml", b"<" * 1500, "x/y"))]

    first = client.post("/v1/batches", files=parts, headers=headers)
    batch = finished(client, first, headers)
    again = client.post("/v1/batches", files=parts, headers=headers)

    assert counts(batch) == (202, 202, 200, 0, 2)
    assert again.json()["id"] == batch["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    refused = client.get(f"{first.headers['Location']}/items?outcome=refused", headers=headers).json()
    assert [one["cause"] for one in refused["data"]] == ["duplicate-name", "too-large"]


def test_what_a_file_was_called_is_erased_with_its_content(client: TestClient, service: Service) -> None:
    headers = key(service)
    data = zipped(("NGUYEN VAN A.xml", b"<a/>"), ("TRAN THI B.xml", b"<b/>"))
    again = zipped(("NGUYEN VAN A, moi.xml", b"<a/>"))
    places = []
    for one in (data, again):
        posted = client.post("/v1/batches", content=one, headers=headers | ZIP)
        finished(client, posted, headers)
        places.append(f"{posted.headers['Location']}/items")
    items = client.get(places[0], headers=headers).json()["data"]
    erased = SubmissionId(items[0]["submission_id"])
    service.check([erased])
    later = SetClock(service.clock.now() + timedelta(days=366 * 21))
    retain = replace(service.retain, clock=later)
    retain.erase(erased, within=EVERYWHERE, actor="officer", reason="time is over")

    names = [[item["name"] for item in client.get(place, headers=headers).json()["data"]] for place in places]

    assert names == [["", "TRAN THI B.xml"], [""]]


def test_a_part_without_a_file_name_is_called_by_its_place(client: TestClient, service: Service) -> None:
    headers = key(service) | {"Content-Type": "multipart/form-data; boundary=b"}
    named = ("", '; filename=""', '; filename="a/"', '; filename="\0a"')
    parts = [f'form-data; name="file"{name}\r\n\r\n<x{n}/>' for n, name in enumerate(named)]
    parts += ['form-data; name="note"\r\n\r\nno bundle', 'form-data; name="f"; filename="b.xml"\r\n\r\n<b/>']
    body = "".join(f"--b\r\nContent-Disposition: {part}\r\n" for part in parts) + "--b--\r\n"

    posted = client.post("/v1/batches", content=body.encode(), headers=headers)
    batch = finished(client, posted, headers)
    items = client.get(f"{posted.headers['Location']}/items", headers=headers).json()["data"]

    assert counts(batch) == (6, 6, 5, 0, 1)
    assert [(one["name"], one["cause"]) for one in items] == [
        *((f"part {n}", None) for n in range(1, 5)),
        ("part 5", "not-xml"),
        ("b.xml", None),
    ]


def test_items_are_paged_and_exported_with_no_cell_a_formula(client: TestClient, service: Service) -> None:
    headers = key(service)
    data = zipped(("=1+1.xml", b"<a/>"), ("b.xml", b"<b/>"), ("c.xml", b"<c/>"))
    posted = client.post("/v1/batches", content=data, headers=headers | ZIP)
    finished(client, posted, headers)
    place = f"{posted.headers['Location']}/items"

    first = client.get(place, params={"limit": 2}, headers=headers).json()
    rest = client.get(place, params={"limit": 2, "cursor": first["next_cursor"]}, headers=headers).json()
    exported = client.get(f"{place}.csv", headers=headers)

    assert [one["position"] for one in first["data"] + rest["data"]] == [1, 2, 3]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    assert exported.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["'=1+1.xml", "b.xml", "c.xml"]


@pytest.mark.parametrize(
    ("params", "content", "reason"),
    [
        pytest.param({"sha256": "0" * 64}, zipped(("a", b"<a/>")), "digest-mismatch", id="digest"),
        pytest.param({"size": 1}, zipped(("a", b"<a/>")), "size-mismatch", id="size"),
        pytest.param({}, b"<x/>", "not-a-zip", id="not-a-zip"),
        pytest.param({}, zipped(), "empty", id="empty"),
        pytest.param({}, zipped(*((str(n), b"<a/>") for n in range(301))), "too-many-items", id="too-many"),
    ],
)
def test_a_parcel_that_is_not_as_declared_leaves_nothing_behind(
    client: TestClient, service: Service, params: dict[str, str], content: bytes, reason: str
) -> None:
    refused = client.post("/v1/batches", params=params, content=content, headers=key(service) | ZIP)

    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (
        422,
        "unusable-batch",
        reason,
    )
    spoken = [
        client.post("/v1/batches", params=params, content=content, headers=key(service) | ZIP | language)
        for language in ({"Accept-Language": "vi"}, {"Accept-Language": "en"})
    ]
    told = FAULTS[BatchFault(reason)]
    for answer, language in zip(spoken, ("vi", "en"), strict=True):
        words = re.split(r"\{\w+\}", told[language])
        assert re.fullmatch(r"\w+".join(map(re.escape, words)), answer.json()["detail"])
    assert client.get("/v1/batches", headers=key(service)).json()["data"] == []
    assert not list(service.settings.batch_folder.glob("*"))


def test_a_parts_name_is_read_as_browsers_and_as_dotnet_write_it(
    client: TestClient, service: Service
) -> None:
    headers = key(service) | {"Content-Type": "multipart/form-data; boundary=b"}
    named = (
        'filename="Hồ sơ 1.xml"',
        "filename=\"=?utf-8?B?SOG7kyBzxqEgMi54bWw=?=\"; filename*=utf-8''H%E1%BB%93%20s%C6%A1%202.xml",
        "FileName*=UTF-8'vi'H%E1%BB%93%20s%C6%A1%203.xml; filename=3.xml",
        "filename*=utf-8''a%0Ab.xml",
        "filename*=utf-8''%2e%2e%2fa.xml",
        "filename*=utf-8''%FF.xml",
    )
    parts = [f'form-data; name="file"; {name}\r\n\r\n<x{n}/>' for n, name in enumerate(named)]
    body = "".join(f"--b\r\nContent-Disposition: {part}\r\n" for part in parts) + "--b--\r\n"

    posted = client.post("/v1/batches", content=body.encode(), headers=headers)
    finished(client, posted, headers)
    items = client.get(f"{posted.headers['Location']}/items", headers=headers).json()["data"]

    assert [(one["name"], one["cause"]) for one in items] == [
        ("Hồ sơ 1.xml", None),
        ("Hồ sơ 2.xml", None),
        ("Hồ sơ 3.xml", None),
        ("a\N{REPLACEMENT CHARACTER}b.xml", "unsafe-name"),
        ("../a.xml", "unsafe-name"),
        ("\N{REPLACEMENT CHARACTER}.xml", None),
    ]


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        pytest.param("multipart/form-data", b"x", "not-multipart", id="no-boundary"),
        pytest.param("multipart/form-data; boundary=b", b"x", "not-multipart", id="no-parts"),
        pytest.param("Multipart/Mixed; boundary=b", b"--b--", "unsupported-multipart", id="mixed"),
        pytest.param(
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n<a/>',
            "not-multipart",
            id="cut-off",
        ),
    ],
)
def test_a_multipart_body_that_is_none_is_refused(
    client: TestClient, service: Service, content_type: str, body: bytes, reason: str
) -> None:
    headers = key(service) | {"Content-Type": content_type}

    refused = client.post("/v1/batches", content=body, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (422, "unusable-batch")
    assert refused.json()["reason"] == reason
    assert not list(service.settings.batch_folder.glob("*"))


def test_a_batch_over_the_limit_is_413(client: TestClient, service: Service) -> None:
    for content in (bytes(200_001), iter([bytes(150_000), bytes(50_001)])):
        refused = client.post("/v1/batches", content=content, headers=key(service) | ZIP)
        assert (refused.status_code, refused.json()["code"]) == (413, "body-too-large")
    assert not list(service.settings.batch_folder.glob("*"))


def test_a_facility_sees_its_own_batches(client: TestClient, service: Service) -> None:
    headers = key(service)
    posted = client.post("/v1/batches", content=zipped(("a", b"<a/>")), headers=headers | ZIP)
    finished(client, posted, headers)

    assert [one["id"] for one in client.get("/v1/batches", headers=headers).json()["data"]] == [
        posted.json()["id"]
    ]
    for part in ("", "/items", "/items.csv"):
        place = posted.headers["Location"] + part
        assert client.get(place, headers=key(service, "99002")).status_code == 404
    assert client.get("/v1/batches", headers=key(service, "99002")).json()["data"] == []


def test_what_was_broken_off_goes_on_where_it_stopped(service: Service, tmp_path: Path) -> None:
    data = zipped(*((f"{n}.xml", b"<x%d/>" % n) for n in range(120)))
    parcel = tmp_path / "parcel.zip"
    parcel.write_bytes(data)
    work_off = WorkOffBatch(service.batches, service.receive, service.clock, service.parcel_limits)
    now, sha256 = datetime.now(UTC), hashlib.sha256(data).hexdigest()
    facility = FacilityCode("99001")
    batch, _ = service.batches.add(
        Batch(new_batch_id(now), facility, sha256, len(data), "test", now, total=120)
    )

    assert not work_off(batch.id, parcel, may_go_on=lambda: False)  # after the first chunk
    with TestClient(create_app(service)) as client:
        headers = key(service)
        assert counts(client.get(f"/v1/batches/{batch.id}", headers=headers).json())[:3] == (120, 50, 50)
        posted = client.post("/v1/batches", content=data, headers=headers | ZIP)
        whole = finished(client, posted, headers)

    assert posted.json()["id"] == batch.id
    assert counts(whole) == (120, 120, 120, 0, 0)


def test_a_process_that_starts_goes_on_with_the_parcels_it_finds(service: Service) -> None:
    data = zipped(("a.xml", b"<a/>"))
    now = datetime.now(UTC)
    batch, _ = service.batches.add(
        Batch(new_batch_id(now), FacilityCode("99001"), "0" * 64, len(data), "test", now, total=1)
    )
    folder = service.settings.batch_folder
    folder.mkdir()
    (folder / f"{batch.id}.zip").write_bytes(data)

    with TestClient(create_app(service)) as client:
        headers = key(service)
        posted = Response(202, headers={"Location": f"/v1/batches/{batch.id}"})
        assert counts(finished(client, posted, headers)) == (1, 1, 1, 0, 0)


def test_only_one_works_at_a_batch(service: Service, tmp_path: Path) -> None:
    work_off = WorkOffBatch(service.batches, service.receive, service.clock, service.parcel_limits)

    with service.batches.hold("bat_1") as first, service.batches.hold("bat_1") as second:
        assert (first, second) == (True, False)
        assert not work_off("bat_1", tmp_path / "nowhere.zip")


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/submissions"])
def test_a_sender_who_leaves_in_the_middle_is_no_failure(service: Service, path: str) -> None:
    app = create_app(service)
    headers = {"host": "x", "content-type": "application/zip", **key(service)}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "scheme": "http",
    }
    messages: list[Message] = [
        {"type": "http.request", "body": b"PK", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    with capture_logs() as logs:
        asyncio.run(app(scope, receive, send))

    assert [one["event"] for one in logs if one["log_level"] in {"error", "warning"}] == []
    assert "request.left" in {one["event"] for one in logs}
    assert not list(service.settings.batch_folder.glob(".incoming-*"))


def test_a_batch_that_another_host_is_at_is_tried_until_it_has_ended(tmp_path: Path) -> None:
    answers = iter([False, False] + [True] * 9)
    asked: list[str] = []
    ended = threading.Event()

    def work_off(batch_id: str, *_: object, **__: object) -> bool:
        asked.append(batch_id)
        is_ended = batch_id == "bat_2" or next(answers)
        if is_ended and batch_id == "bat_1":
            ended.set()
        return is_ended

    runner = BatchRunner(cast("WorkOffBatch", work_off), tmp_path, pause_s=0.2)
    for batch_id in ("bat_1", "bat_2"):
        (tmp_path / "upload").write_bytes(b"")
        runner.start(batch_id, tmp_path / "upload")
    assert ended.wait(30)
    runner.stop()

    assert asked.count("bat_1") == 3
    assert not list(tmp_path.iterdir())


def test_a_fault_of_ours_in_a_batch_is_noted(tmp_path: Path) -> None:
    def fail(*_: object, **__: object) -> bool:
        raise ZeroDivisionError

    runner = BatchRunner(cast("WorkOffBatch", fail), tmp_path)
    (tmp_path / "upload").write_bytes(b"")
    with capture_logs() as logs:
        runner.start("bat_1", tmp_path / "upload")
        runner.stop()

    assert [(one["event"], one["error"]) for one in logs] == [("batch.failed", "ZeroDivisionError")]


def test_what_is_left_of_an_upload_goes_when_the_next_parcel_comes(tmp_path: Path) -> None:
    runner = BatchRunner(cast("WorkOffBatch", lambda *_, **__: True), tmp_path)
    for name, age_s in ((".incoming-left", 25 * 3600), (".incoming-under-way", 60)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    (tmp_path / "upload").touch()

    runner.start("bat_1", tmp_path / "upload")
    runner.stop()

    assert [path.name for path in tmp_path.glob(".*")] == [".incoming-under-way"]
