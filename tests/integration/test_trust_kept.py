"""What signatures were judged by on the day of a check, long after it."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import LiteralString

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from claims.exchange.access.places import EVERYWHERE
from claims.exchange.archive import ArchiveSubmission
from claims.exchange.keep_log import KeepLog
from claims.exchange.submission import Submission
from claims.proof.tokens import digest_of
from claims.proof.trusted import inventory_of
from claims.runtime.service_keys import FolderOfServiceKeys
from claims.storage.archives import PostgresArchives
from claims.storage.audit import Audit
from claims.storage.evidence import PostgresLog
from claims.storage.trust_kept import KeptTrust
from signing.demo_pki import DemoPki
from signing.report.record import TrustMaterial
from signing.report.report import Report, Terms, report_on
from signing.sign import sign_bundle
from signing.trust import TrustStore
from signing.verdict import Indication, Reason
from tests.fakes import NOON
from tests.integration.conftest import Exchange, keep

PKI = DemoPki.create(at=NOON)
LEAF = PKI.leaf("99001", valid_from=NOON - timedelta(days=1), valid_to=NOON + timedelta(days=30))
BUNDLE = sign_bundle(
    b"<GIAMDINHHS><THONGTINDONVI><MACSKCB>99001</MACSKCB></THONGTINDONVI><CHUKYDONVI/></GIAMDINHHS>",
    LEAF.signer,
)


class Folder:
    """A trust folder whose lists an operator replaces."""

    def __init__(self, exchange: Exchange) -> None:
        self.trust = _with_lists(NOON)
        self.kept = KeptTrust(exchange.pool, lambda: self.trust)
        exchange.check = replace(exchange.check, keep_trust=self.kept.keep)


def test_a_report_after_the_certificate_has_ended_says_what_the_check_said(exchange: Exchange) -> None:
    folder = Folder(exchange)
    submission = exchange.checked(BUNDLE)

    folder.trust = _with_lists(NOON + timedelta(days=500))

    assert _verdict(folder.trust, submission) == (
        Indication.INDETERMINATE,
        (Reason.CERTIFICATE_REVOCATION_UNKNOWN,),
    )
    assert _verdict(folder.kept.named(folder.kept.name_for(submission.id)), submission) == (
        Indication.TOTAL_PASSED,
        (),
    )
    fresh = KeptTrust(exchange.pool, lambda: folder.trust)
    assert _verdict(fresh.named(fresh.name_for(submission.id)), submission) == (Indication.TOTAL_PASSED, ())


def test_each_part_is_kept_once_however_often_and_by_whom_it_is_used(exchange: Exchange) -> None:
    folder = Folder(exchange)
    exchange.checked(b"<a/>")
    exchange.checked(b"<b/>")
    KeptTrust(exchange.pool, lambda: _with_lists(NOON)).keep()
    of_first_day = _rows(exchange)

    folder.trust = _with_lists(NOON + timedelta(days=1))
    exchange.checked(b"<c/>")

    assert of_first_day == len({PKI.root, PKI.issuing}) + 2 + 1
    assert _rows(exchange) == of_first_day + 2 + 1


def test_what_was_checked_before_anything_was_kept_is_judged_by_what_is_known_now(exchange: Exchange) -> None:
    unchecked, checked = exchange.received(b"<a/>").submission, exchange.checked(b"<b/>")
    folder = Folder(exchange)

    assert [folder.kept.name_for(one.id) for one in (unchecked, checked)] == [None, None]
    assert folder.kept.named(None) is folder.trust


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("DELETE FROM trust_material WHERE content NOT LIKE '{%'", id="a-part-is-gone"),
        pytest.param("DELETE FROM trust_material", id="all-is-gone"),
        pytest.param("UPDATE trust_material SET content = '[7]'", id="no-inventory"),
        pytest.param("UPDATE trust_material SET content = '{\"crls\": [7]}'", id="no-digests"),
        pytest.param("UPDATE trust_material SET content = 'x' WHERE content NOT LIKE '{%'", id="no-lists"),
    ],
)
def test_what_is_gone_or_was_changed_is_an_audits_and_no_error_of_its_own(
    exchange: Exchange, tmp_path: Path, change: LiteralString
) -> None:
    folder = Folder(exchange)
    submission = exchange.checked(b"<a/>")
    keys = FolderOfServiceKeys(tmp_path, exchange.clock)
    keep(KeepLog(PostgresLog(exchange.pool), keys, exchange.clock, None, 60), 2)
    audit = Audit(exchange.pool, keys.certificates)
    assert list(audit()) == []

    with exchange.pool.connection() as connection:
        connection.execute(change)

    assert folder.kept.named(folder.kept.name_for(submission.id)) is folder.trust
    assert {fault.table for fault in audit()} == {"trust_material"}
    assert PostgresArchives(exchange.pool).load(submission.id, within=EVERYWHERE).documents.keys() <= {
        "trust"
    }


def test_an_anchor_that_somebody_put_in_place_of_another_is_not_trusted(exchange: Exchange) -> None:
    folder = Folder(exchange)
    submission = exchange.checked(b"<a/>")
    theirs = DemoPki.create(at=NOON).root.public_bytes(Encoding.DER)
    ours = hashlib.sha256(PKI.root.public_bytes(Encoding.DER)).digest()

    with exchange.pool.connection() as connection:
        connection.execute("UPDATE trust_material SET content = %s WHERE sha256 = %s", [theirs, ours])

    assert folder.kept.named(folder.kept.name_for(submission.id)) is folder.trust


def test_the_record_of_a_check_names_what_an_archive_holds(exchange: Exchange) -> None:
    folder = Folder(exchange)
    submission = exchange.checked(b"<a/>")
    kept = PostgresArchives(exchange.pool).load(submission.id, within=EVERYWHERE)
    with exchange.pool.connection() as connection:
        named = connection.execute(
            "SELECT digests ->> 'trust' FROM event WHERE submission_id = %s AND kind = 'checked'",
            [submission.id],
        ).fetchall()

    assert kept.documents == {"trust": inventory_of(TrustMaterial.whole(folder.trust))}
    assert named == [(digest_of(kept.documents["trust"]),)]
    assert kept.trust == digest_of(kept.documents["trust"])


def test_an_archive_is_judged_by_what_it_holds_though_a_check_comes_meanwhile(
    exchange: Exchange, tmp_path: Path
) -> None:
    folder, judged_by = Folder(exchange), []
    keys = FolderOfServiceKeys(tmp_path, exchange.clock)
    submission = exchange.checked(BUNDLE)
    log, archives = PostgresLog(exchange.pool), PostgresArchives(exchange.pool)
    held = archives.load(submission.id, within=EVERYWHERE).trust

    def keep_log_while_another_check_comes() -> int:
        keep(KeepLog(log, keys, exchange.clock, None, 60), 2)
        with exchange.pool.connection() as connection:
            connection.execute("""UPDATE event SET digests = digests || '{"trust": "00"}'""")
        return 2

    def report(bundle: bytes, submission: Submission, trust: str | None) -> Report:
        judged_by.append(trust)
        return report_on(bundle, Terms(trust=folder.kept.named(trust), at=submission.received_at))

    archive = ArchiveSubmission(
        archives, log, keys, exchange.clock, report, keep_log_while_another_check_comes
    )
    archive(submission.id, within=EVERYWHERE)

    assert judged_by == [held]
    assert folder.kept.name_for(submission.id) != held


def _with_lists(at: datetime) -> TrustStore:
    lists: Iterable[x509.CertificateRevocationList] = (
        PKI.revocation_list([], at=at),
        PKI.root_revocation_list(at=at),
    )
    return PKI.trust_store(crls=lists)


def _verdict(trust: TrustStore, submission: Submission) -> tuple[Indication, tuple[Reason, ...]]:
    verdict = report_on(BUNDLE, Terms(trust=trust, at=submission.received_at)).verdict
    return verdict.indication, verdict.reasons


def _rows(exchange: Exchange) -> int:
    with exchange.pool.connection() as connection:
        ((number,),) = connection.execute("SELECT count(*) FROM trust_material").fetchall()
    return int(number)
