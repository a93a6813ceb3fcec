"""The API proves: receipts that are checked offline, records, heads, inclusion and consistency."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from claims.exchange.access.places import EVERYWHERE
from claims.exchange.registrations import Note
from claims.exchange.results import Assessment, Standing
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.proof.container import MIMETYPE, read_container
from claims.proof.merkle import check_consistency, check_inclusion, leaf_hash
from claims.proof.records import AcceptanceReceipt, Record, TreeHead
from claims.proof.verification import verify_archive
from claims.runtime.wiring import Service
from signing.certificates import to_pem
from signing.demo_pki import DemoPki, FacilityKey
from signing.trust import TrustStore
from tests.fakes import ScriptedGateway
from tests.in_process import TestClient
from tests.integration.command import claims
from tests.integration.conftest import keep
from tests.integration.test_api import XML, encounter, is_problem, key


def test_the_first_answer_carries_a_receipt_and_the_second_the_same(
    client: TestClient,
    service: Service,
) -> None:
    headers = {**key(service), **XML}

    first = client.post("/v1/submissions", content=b"<a/>", headers=headers).json()
    again = client.post("/v1/submissions", content=b"<a/>", headers=headers).json()

    receipt = AcceptanceReceipt.verify(first["signed_receipt"], service.service_keys.certificates())
    assert (receipt.submission, receipt.facility, receipt.sha256, receipt.size) == (
        first["id"],
        "99001",
        first["sha256"],
        4,
    )
    assert again["signed_receipt"] == first["signed_receipt"]
    path = f"/v1/submissions/{first['id']}/signed-receipt"
    assert client.get(path, headers=headers).json() == first["signed_receipt"]


def test_keys_are_published_to_anybody(client: TestClient, service: Service) -> None:
    published = client.get("/v1/evidence/keys").json()["keys"]

    assert [one["kid"] for one in published] == [service.service_keys.current().key_id]
    assert len(published[0]["x5c"]) == 2


def test_everything_is_proved_over_http(client: TestClient, service: Service) -> None:
    headers = key(service)
    submission = client.post("/v1/submissions", content=b"<a/>", headers={**headers, **XML}).json()
    keep(service.keep_log, 1)
    small = client.get("/v1/log/head", headers=headers).json()
    client.post("/v1/submissions", content=b"<b/>", headers={**headers, **XML})
    keep(service.keep_log, 1)
    assert service.log.sign_head(service.service_keys.current(), now=datetime.now(UTC)) is not None
    heads = client.get("/v1/log/heads", headers=headers).json()["data"]

    (record,) = client.get(f"/v1/submissions/{submission['id']}/evidence", headers=headers).json()["data"]
    inclusion = client.get("/v1/log/inclusion?index=0&size=2", headers=headers).json()
    consistency = client.get("/v1/log/consistency?first=1&second=2", headers=headers).json()

    keys = service.service_keys.certificates()
    old, new = (TreeHead.verify(one["token"], keys) for one in heads)
    assert small == heads[0]
    assert Record.verify(record["token"], keys).submission == submission["id"]
    path = [bytes.fromhex(one) for one in inclusion["path"]]
    check_inclusion(leaf_hash(record["token"].encode()), record["index"], 2, path, new.root)
    check_consistency(1, 2, [bytes.fromhex(one) for one in consistency["path"]], old.root, new.root)


@pytest.mark.parametrize(
    "query", ["inclusion?index=1&size=1", "inclusion?index=0&size=2", "consistency?first=1&second=2"]
)
def test_what_is_not_in_the_log_is_not_proved(
    client: TestClient,
    service: Service,
    query: str,
) -> None:
    headers = key(service)
    client.post("/v1/submissions", content=b"<a/>", headers={**headers, **XML})
    keep(service.keep_log, 1)

    assert is_problem(client.get(f"/v1/log/{query}", headers=headers), 404, "not-in-log")


def test_evidence_is_a_facilitys_own(client: TestClient, service: Service) -> None:
    submission = client.post("/v1/submissions", content=b"<a/>", headers={**key(service), **XML}).json()
    other = key(service, "99002")

    for path in ("evidence", "signed-receipt"):
        answer = client.get(f"/v1/submissions/{submission['id']}/{path}", headers=other)
        assert is_problem(answer, 404, "not-found")


def test_what_the_service_built_from_is_kept(
    client: TestClient,
    service: Service,
    pki: DemoPki,
    tmp_path: Path,
) -> None:
    answer = client.post("/v1/encounters", json=encounter(), headers=key(service))
    keep(service.keep_log, 1)

    record = service.log.records_of(answer.json()["id"])[0]
    made = Record.verify(record.token, service.service_keys.certificates())
    assert sorted(made.digests) == ["document", "receipt", "trace"]


def test_an_archive_is_fetched_and_verified_offline(
    client: TestClient, service: Service, facility_key: FacilityKey, tmp_path: Path
) -> None:
    service.__dict__["gateway"] = ScriptedGateway()
    der = facility_key.certificate.public_bytes(serialization.Encoding.DER)
    service.register_certificate(FacilityCode("99001"), der, Note("test", "test"))
    submission = client.post("/v1/encounters", json=encounter(), headers=key(service)).json()
    service.check([SubmissionId(submission["id"])])
    service.deliver([SubmissionId(submission["id"])])
    (ma_lk,) = service.submissions.get(SubmissionId(submission["id"]), within=EVERYWHERE).ma_lk
    judged = [Assessment(ma_lk, Standing.CUT, Decimal(80))]
    service.results.note_assessments(FacilityCode("99001"), judged, now=service.clock.now())
    keep(service.keep_log, 4)

    answer = client.get(f"/v1/submissions/{submission['id']}/archive", headers=key(service))
    again = client.get(f"/v1/submissions/{submission['id']}/archive", headers=key(service))

    assert answer.headers["Content-Type"] == MIMETYPE
    assert answer.content == again.content
    entries = read_container(answer.content)
    assert entries["claim.pdf"].startswith(b"%PDF-")
    assert json.loads(entries["documents/assessment.1.json"])["granted_vnd"] == "80"
    assert {"revocation/service.crl", "trace.json", "reports/check.json"} < entries.keys()
    path = tmp_path / "one.asice"
    path.write_bytes(answer.content)
    service_certificate = tmp_path / "trust" / "service" / "service.pem"
    service_certificate.parent.mkdir()
    service_certificate.write_bytes(to_pem(service.service_keys.chain()[-1]))
    done = claims("archive", "verify", str(path), "--trust", str(tmp_path / "trust"), "--json")
    (verdict,) = done.lines
    assert done.code == 0, done.stderr
    assert verdict["holds"]
    assert verdict["facts"]["submission"] == submission["id"]
    assert verdict["facts"]["ma_giao_dich"] == "GD1"
    assert verdict["facts"]["bundle_indication"] == "TOTAL-PASSED"
    assert {one["question"] for one in verdict["statements"] if one["answer"] == "absent"} == {"timestamp"}
    other = client.get(f"/v1/submissions/{submission['id']}/archive", headers=key(service, "99002"))
    assert is_problem(other, 404, "not-found")


def test_a_rejected_bundle_has_an_archive_too(client: TestClient, service: Service) -> None:
    headers = {**key(service), **XML}
    submission = client.post("/v1/submissions", content=b"no xml", headers=headers).json()
    service.check([SubmissionId(submission["id"])])
    keep(service.keep_log, 2)

    answer = client.get(f"/v1/submissions/{submission['id']}/archive", headers=headers)

    trust = TrustStore(anchors=[], service_anchors=[service.service_keys.chain()[-1]])
    verdict = verify_archive(answer.content, trust=trust, at=datetime.now(UTC))
    assert verdict.holds, verdict
    assert verdict.facts["state"] == "rejected"
