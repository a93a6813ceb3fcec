"""An archive proves everything offline, and nothing of it can be changed unseen."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from claims.proof import archive as names
from claims.proof import words
from claims.proof.archive import make_archive, sign_files
from claims.proof.container import (
    MANIFEST,
    MIMETYPE,
    SIGNATURES,
    manifest_of,
    read_container,
    write_container,
)
from claims.proof.errors import BrokenArchive, BrokenContainer
from claims.proof.keys import Authority, by_key_id, key_set
from claims.proof.records import Record
from claims.proof.renewal import RenewArchive
from claims.proof.tokens import ServiceKey
from claims.proof.verdict import Answer, ArchiveVerdict, Question, Statement
from claims.proof.verification import verify_archive
from signing.errors import CannotExtend
from signing.report.as_json import report_to_json
from signing.report.report import Terms, report_on
from signing.trust import TrustStore
from tests.archives import LATER, SUBMISSION, Made, an_archive, later
from tests.fakes import NOON


@pytest.fixture(scope="module")
def made() -> Made:
    return an_archive()


def verified(made: Made, data: bytes) -> ArchiveVerdict:
    return verify_archive(data, trust=made.trust, at=later())


def broken(verdict: ArchiveVerdict) -> dict[Question, tuple[str, str]]:
    return {
        each.question: (each.code, each.place) for each in verdict.statements if each.answer is Answer.BROKEN
    }


def changed(made: Made, **files: bytes | None) -> bytes:
    """Return the archive with other files under the old signature; a name's ``/`` is ``__`` here."""
    entries = read_container(made.data)
    for name, data in files.items():
        entry = name.replace("__", "/").replace("--", ".")
        if data is None:
            del entries[entry]
        else:
            entries[entry] = data
    return _packed(entries)


def signed_anew(made: Made, entries: Mapping[str, bytes]) -> bytes:
    """Return an archive of other entries that the service signed: so it was deceived, or is the deceiver."""
    files = {name: data for name, data in entries.items() if name not in {SIGNATURES, MANIFEST}}
    return _packed({**files, SIGNATURES: sign_files(files, made.key, at=made.contents.signed_at)})


def _packed(entries: Mapping[str, bytes]) -> bytes:
    files = {name: data for name, data in entries.items() if name not in {SIGNATURES, MANIFEST}}
    return write_container({**files, MANIFEST: manifest_of(files), SIGNATURES: entries[SIGNATURES]})


def test_everything_holds(made: Made) -> None:
    verdict = verified(made, made.data)

    assert broken(verdict) == {}
    assert verdict.holds
    assert {each.answer for each in verdict.statements} == {Answer.HOLDS}
    assert verdict.facts["submission"] == SUBMISSION
    assert verdict.facts["ma_giao_dich"] == "GD1"
    assert verdict.facts["bundle_indication"] == "TOTAL-PASSED"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_what_was_superseded_says_so_though_the_gateway_has_it(made: Made, language: str) -> None:
    *before, last = made.contents.records
    keys = {made.key.key_id: made.key.certificate}
    superseded = replace(Record.verify(last, keys), kind="superseded").sign(made.key)

    facts = verified(made, made.with_contents(records=[*before, superseded])).facts

    assert facts["state"] == "acknowledged"
    assert facts["superseded_at"] == Record.verify(last, keys).at.isoformat()
    said = " ".join(name for name, _ in words.facts(facts, language))
    assert ("THAY BẰNG BẢN MỚI HƠN" in said, "SUPERSEDED" in said) == (language == "vi", language == "en")


def test_the_same_content_is_the_same_bytes(made: Made) -> None:
    assert made.with_contents() == made.data


def test_any_zip_program_reads_it(made: Made) -> None:
    with zipfile.ZipFile(io.BytesIO(made.data)) as container:
        assert container.testzip() is None
        assert container.namelist()[0] == "mimetype"
        assert container.read("mimetype").decode() == MIMETYPE
        assert container.read("bundle.xml") == made.contents.bundle


def test_without_the_services_anchor_nothing_is_believed(made: Made) -> None:
    trust = TrustStore(
        anchors=[made.pki.root, made.authority.certificate],
        service_anchors=[made.pki.issuing],
        tsa_anchors=[made.pki.root],
    )

    verdict = verify_archive(made.data, trust=trust, at=later())

    assert not verdict.holds
    assert broken(verdict)[Question.SIGNATURE][0] == "certificate.untrusted"
    assert broken(verdict)[Question.KEYS][0] == "certificate.untrusted"


def test_a_facility_cannot_speak_for_the_service(made: Made) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    year = timedelta(days=365)
    theirs = made.pki.leaf("99002", valid_from=NOON - year, valid_to=NOON + year, key=key)
    facility = ServiceKey(theirs.certificate, key, (made.pki.issuing,))
    forged = made.in_the_name_of(facility)

    verdict = verified(made, forged)

    assert broken(verdict)[Question.SIGNATURE][0] == "certificate.untrusted"
    assert broken(verdict)[Question.KEYS][0] == "certificate.untrusted"
    with pytest.raises(CannotExtend):
        RenewArchive(made.tsa.answer, made.trust, [])(forged, at=later())


def test_no_byte_of_a_header_can_be_changed(made: Made) -> None:
    spans = _header_spans(made.data)
    assert len(spans) > 2 * len(read_container(made.data))
    for start, end in spans:
        for at in range(start, end):
            data = bytearray(made.data)
            data[at] ^= 0x01
            with pytest.raises(BrokenContainer) as caught:
                read_container(bytes(data))
            assert caught.value.code.startswith("container.")


def _header_spans(data: bytes) -> list[tuple[int, int]]:
    """Return where everything lies that is not a file's content."""
    spans, start = [], 0
    with zipfile.ZipFile(io.BytesIO(data)) as container:
        for info in container.infolist():
            content = info.header_offset + 30 + len(info.filename)
            spans.append((start, content))
            start = content + info.file_size
            directory = container.start_dir
    at = directory
    while at < len(data):
        end = min(at + 64, len(data))
        spans.append((at, end))
        at = end
    return spans


@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_no_file_can_be_changed_and_the_answer_names_it(made: Made, where: str) -> None:
    entries = read_container(made.data)
    for name, content in entries.items():
        at = {"first": 0, "middle": len(content) // 2, "last": len(content) - 1}[where]
        other = bytearray(content)
        other[at] ^= 0x01

        verdict = verified(made, write_container({**entries, name: bytes(other)}))

        assert not verdict.holds, name
        places = " ".join(place for _, place in broken(verdict).values())
        assert name in places, (name, broken(verdict))


@pytest.mark.slow
def test_no_byte_of_the_signature_file_can_be_changed(made: Made) -> None:
    entries = read_container(made.data)
    content = entries[SIGNATURES]
    for at in [*range(0, 200, 3), *range(200, len(content), 151), *range(len(content) - 9, len(content))]:
        for flip in (0x01, 0x20):
            other = bytearray(content)
            other[at] ^= flip

            verdict = verified(made, write_container({**entries, SIGNATURES: bytes(other)}))

            assert Question.SIGNATURE in broken(verdict), content[max(0, at - 30) : at + 30]


def test_files_cannot_be_left_out_or_put_in(made: Made) -> None:
    entries = read_container(made.data)
    for name in entries:
        rest = {each: data for each, data in entries.items() if each != name}
        if name not in {SIGNATURES, MANIFEST}:
            rest = {
                **rest,
                MANIFEST: manifest_of({n: d for n, d in rest.items() if not n.startswith("META")}),
            }
        assert not verified(made, write_container(rest)).holds, name
    for name in (
        "extra.txt",
        "documents/more.txt",
        "META-INF/signatures2.xml",
        "META-INF/signatures.xml.bak",
    ):
        verdict = verified(made, _packed({**entries, name: b"x"}))
        assert not verdict.holds
        assert broken(verdict) != {}


def test_what_was_taken_out_or_put_in_is_named(made: Made) -> None:
    entries = read_container(made.data)
    less = {name: data for name, data in entries.items() if name != names.TRACE}

    taken, put = verified(made, _packed(less)), verified(made, _packed({**entries, names.PDF: b"%PDF-"}))

    assert broken(taken)[Question.SIGNATURE] == ("signature.other_files", names.TRACE)
    assert broken(put)[Question.SIGNATURE] == ("signature.other_files", names.PDF)
    assert broken(taken)[Question.DOCUMENTS] == ("documents.missing", names.TRACE)


def test_files_stand_in_the_order_in_which_they_were_signed(made: Made) -> None:
    other = dict(reversed(read_container(made.data).items()))

    assert broken(verified(made, _packed(other))) == {
        Question.SIGNATURE: ("signature.order", SIGNATURES),
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(names.HISTORY, b'["\\ud800"]\n', id="half-a-character"),
        pytest.param(names.CHECK_REPORT, b'{"stages":"\\udfff"}\n', id="in-a-report"),
        pytest.param(names.GATEWAY_RECEIPT, b'{"ma_giao_dich":"\\ud800"}\n', id="in-a-receipt"),
        pytest.param(
            names.GATEWAY_RECEIPT,
            b'{"received_at":"9999-12-31T23:59:59-23:59"}\n',
            id="after-the-last-day",
        ),
    ],
)
def test_odd_documents_are_broken_and_named(made: Made, name: str, content: bytes) -> None:
    verdict = verified(made, _packed({**read_container(made.data), name: content}))

    assert name in broken(verdict)[Question.DOCUMENTS][1]


@pytest.mark.parametrize("place", ["1e999", "NaN", "3.5", '"3"', "null", "-1"])
def test_a_place_in_the_log_is_a_whole_number(made: Made, place: str) -> None:
    inclusion = json.loads(read_container(made.data)[names.INCLUSION])
    inclusion["records"][0]["index"] = "PLACE"
    content = json.dumps(inclusion).replace('"PLACE"', place).encode() + b"\n"

    verdict = verified(made, _packed({**read_container(made.data), names.INCLUSION: content}))

    assert broken(verdict)[Question.INCLUSION] == ("inclusion.path", f"{names.INCLUSION}: 1")


@pytest.mark.parametrize("name", [names.HISTORY, names.KEYS, names.RECORDS, names.INCLUSION])
def test_what_a_stranger_wrote_is_not_read_at_any_length(made: Made, name: str) -> None:
    """A list of ten million lists takes a gigabyte."""
    content = b"[" + b"[]," * 2**19 + b"[]]"

    verdict = verified(made, _packed({**read_container(made.data), name: content}))

    assert ("container.unread", name) in broken(verdict).values()


def test_what_the_service_signed_is_read_at_length(made: Made) -> None:
    findings = [{"code": "XML1.X", "text": "x" * 100}] * 12_000
    report = {"stages": [], "findings": findings, "claims": []}

    verdict = verified(made, made.with_contents(check_report=report))

    assert broken(verdict) == {Question.DOCUMENTS: ("documents.digest", names.CHECK_REPORT)}


def test_a_page_says_in_both_languages_as_of_when_it_speaks(made: Made) -> None:
    found = verified(made, made.data).facts

    assert "12:01:00 02/11/2026 (UTC+7)" in words.as_of(found, "vi")
    assert "a later version, is not in this file" in words.as_of(found, "en")
    assert ("Trạng thái cuối", "cổng giám định đã nhận (acknowledged)") in words.facts(found, "vi")


def test_what_a_stranger_wrote_moves_no_cursor() -> None:
    name = "\x1b[2J\nholds"

    with pytest.raises(BrokenContainer) as caught:
        read_container(_zipped({name: b""}))
    said = words.fault(Statement(Question.CONTAINER, Answer.BROKEN, "container.name", name), "en")

    assert caught.value.entry.isprintable()
    assert said.isprintable()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("../evil", "container.name", id="parent"),
        pytest.param("/etc/passwd", "container.name", id="absolute"),
        pytest.param("a\\b", "container.name", id="backslash"),
        pytest.param("a//b", "container.name", id="empty-part"),
        pytest.param(".hidden", "container.name", id="hidden"),
        pytest.param("a/../b", "container.name", id="parent-inside"),
        pytest.param("C:evil", "container.name", id="drive"),
        pytest.param("tên", "container.name", id="not-ascii"),
        pytest.param("a" * 101, "container.name", id="long"),
        pytest.param("BUNDLE.XML", "container.duplicate_name", id="case"),
        pytest.param("bundle.xml/a", "container.name", id="file-as-folder"),
    ],
)
def test_names_that_play_tricks_are_refused(made: Made, name: str, code: str) -> None:
    with pytest.raises(BrokenContainer) as caught:
        read_container(_zipped({**read_container(made.data), name: b"x"}))
    assert caught.value.code in {code, "container.header"}
    with pytest.raises(BrokenContainer) as refused:
        write_container({**read_container(made.data), name: b"x"})
    assert refused.value.code == code


def _zipped(entries: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as container:
        container.writestr("mimetype", MIMETYPE)
        for name, data in entries.items():
            container.writestr(name, data)
    return buffer.getvalue()


def test_nothing_that_grows_is_unpacked(made: Made) -> None:
    bomb = _zipped({"bundle.xml": b"0" * 50_000_000}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000

    with pytest.raises(BrokenContainer, match=r"container\.header"):
        read_container(bomb)


@pytest.mark.parametrize(
    ("entry", "is_large"),
    [
        pytest.param({"compress_type": zipfile.ZIP_DEFLATED}, False, id="compressed"),
        pytest.param({"extra": b"UT\5\0\1abcd"}, False, id="with-times"),
        pytest.param({}, True, id="zip64"),
        pytest.param({"filename": "META-INF/"}, False, id="with-folders"),
    ],
)
def test_what_another_program_packed_anew_is_called_that(
    made: Made, entry: Mapping[str, object], *, is_large: bool
) -> None:
    """Not that its content was changed, or its end cut off, or a name is dangerous."""
    buffer, info = io.BytesIO(), zipfile.ZipInfo("mimetype")
    for field, value in entry.items():
        setattr(info, field, value)
    with zipfile.ZipFile(buffer, "w") as container:
        with container.open(info, "w", force_zip64=is_large) as file:
            file.write(b"" if info.is_dir() else MIMETYPE.encode())
        for name, data in read_container(made.data).items():
            container.writestr(name, data)

    with pytest.raises(BrokenContainer, match=r"container\.header"):
        read_container(buffer.getvalue())


def test_a_name_cannot_be_there_twice(made: Made) -> None:
    start = made.data.index(b"PK\x03\x04", 10)
    end = made.data.index(b"PK\x03\x04", start + 10)
    entry = made.data[start:end]

    with pytest.raises(BrokenContainer, match="duplicate_name"):
        read_container(made.data[:end] + entry + made.data[end:])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\x03\x04", id="stub"),
        pytest.param(b"PK\x05\x06" + bytes(18), id="empty-zip"),
        pytest.param(b"hello", id="no-zip"),
    ],
)
def test_what_is_no_container_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenContainer):
        read_container(data)


def test_nothing_can_stand_before_behind_or_between(made: Made) -> None:
    with pytest.raises(BrokenContainer, match="not_zip"):
        read_container(b"x" + made.data)
    with pytest.raises(BrokenContainer, match=r"header: directory"):
        read_container(made.data + b"x")
    with pytest.raises(BrokenContainer, match=r"truncated: directory"):
        read_container(made.data[:-1])


def test_the_mimetype_comes_first_and_is_the_right_one(made: Made) -> None:
    start = made.data.index(MIMETYPE.encode())
    other = made.data.replace(b"asic-e+zip", b"asic-s+zip", 1)
    assert start == 38
    with pytest.raises(BrokenContainer):
        read_container(other)


# What follows would be signed by the service itself: what its signature covers must still fit together.


@pytest.mark.parametrize(
    ("changes", "question"),
    [
        pytest.param({"bundle": b"<other/>"}, Question.DOCUMENTS, id="another-bundle"),
        pytest.param({"bundle": None}, Question.DOCUMENTS, id="no-bundle"),
        pytest.param({"trace": b"{}"}, Question.DOCUMENTS, id="another-trace"),
        pytest.param({"encounter": b"{}"}, Question.DOCUMENTS, id="another-encounter"),
        pytest.param({"gateway_answer": b"{}"}, Question.DOCUMENTS, id="another-answer"),
        pytest.param({"gateway_receipt": {"ma_giao_dich": "GD2"}}, Question.DOCUMENTS, id="another-receipt"),
        pytest.param(
            {"check_report": {"stages": [], "findings": []}}, Question.DOCUMENTS, id="another-check"
        ),
        pytest.param({"history": [{}, {}, {"x": "y"}, {}, {}]}, Question.DOCUMENTS, id="another-history"),
        pytest.param({"documents": {}}, Question.DOCUMENTS, id="no-assessment"),
        pytest.param(
            {"documents": {**LATER, "decision.1": {"verdict": "declined"}}},
            Question.DOCUMENTS,
            id="another-decision",
        ),
        pytest.param(
            {"documents": {**LATER, "decision.2": {}}}, Question.DOCUMENTS, id="a-decision-too-many"
        ),
        pytest.param({"material": {"revocation/service.crl": b"x"}}, Question.KEYS, id="no-list"),
        pytest.param({"material": {"certificates/00.cer": b"x"}}, Question.KEYS, id="misnamed-certificate"),
        pytest.param({"history": []}, Question.DOCUMENTS, id="no-history"),
        pytest.param({"head_size": 36}, Question.INCLUSION, id="another-size"),
        pytest.param({"inclusions": []}, Question.INCLUSION, id="no-paths"),
        pytest.param({"head_timestamp": b"x"}, Question.TIMESTAMP, id="no-token"),
        pytest.param({"keys": {"keys": []}}, Question.RECORDS, id="no-keys"),
        pytest.param({"keys": {"keys": [{"kid": "x", "x5c": ["AA=="]}]}}, Question.KEYS, id="broken-key"),
        pytest.param({"signature_report": {"version": 1}}, Question.BUNDLE, id="broken-report"),
        pytest.param({"receipt": "a.b.c"}, Question.RECEIPT, id="broken-receipt"),
        pytest.param({"head": "a.b.c"}, Question.HEAD, id="broken-head"),
        pytest.param({"records": []}, Question.RECORDS, id="no-records"),
    ],
)
def test_what_does_not_fit_together_is_named(
    made: Made, changes: dict[str, object], question: Question
) -> None:
    verdict = verified(made, made.with_contents(**changes))

    assert question in broken(verdict)
    assert Question.SIGNATURE not in broken(verdict)


def test_a_record_cannot_be_left_out(made: Made) -> None:
    for left_out in range(2):
        records = [each for at, each in enumerate(made.contents.records) if at != left_out]

        verdict = verified(made, made.with_contents(records=records))

        assert broken(verdict)[Question.RECORDS][0] == "records.chain"


def test_a_verdict_that_the_facts_do_not_come_to_is_seen(made: Made) -> None:
    report = json.loads(read_container(made.data)[names.SIGNATURE_REPORT])
    report["simple"]["indication"] = "TOTAL-FAILED"

    verdict = verified(made, made.with_contents(signature_report=report))

    assert broken(verdict)[Question.BUNDLE][0] == "bundle.report"


def test_an_archive_of_a_stranger_is_not_believed_whatever_it_says(made: Made) -> None:
    stranger = Authority.create(at=made.contents.signed_at).issue(at=made.contents.signed_at)
    entries = read_container(made.data)
    files = {name: data for name, data in entries.items() if name not in {SIGNATURES, MANIFEST}}
    data = _packed({**files, SIGNATURES: sign_files(files, stranger, at=made.contents.signed_at)})

    assert Question.SIGNATURE in broken(verified(made, data))


def test_it_is_renewed_and_then_outlives_its_keys(made: Made) -> None:
    signed = made.contents.signed_at
    tsa = made.tsa
    lists = [made.authority.revocation_list(at=later())]
    renew = RenewArchive(tsa.answer, made.trust, lists)

    renewed = renew(made.data, at=later())

    verdict = verify_archive(renewed, trust=made.trust, at=signed + timedelta(days=300))
    assert broken(verdict) == {}
    assert verdict.facts["signature_level"] == "B-LTA"
    again = renew(renewed, at=later(days=1))
    assert verify_archive(again, trust=made.trust, at=later(days=2)).holds
    four_years = signed + timedelta(days=4 * 365)
    assert not verify_archive(made.data, trust=made.trust, at=four_years).holds


def test_what_does_not_hold_is_not_renewed(made: Made) -> None:
    renew = RenewArchive(made.tsa.answer, made.trust, [])
    with pytest.raises(CannotExtend):
        renew(changed(made, **{"README.txt": b"x"}), at=later())


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        pytest.param(
            lambda entries, _: {**entries, MANIFEST: entries[MANIFEST].replace(b"bundle", b"bundel")},
            "container.manifest",
            id="other-list-of-files",
        ),
        pytest.param(
            lambda entries, _: {name: data for name, data in entries.items() if name != MANIFEST},
            "container.missing",
            id="no-list-of-files",
        ),
        pytest.param(
            lambda entries, _: {**entries, SIGNATURES: entries[SIGNATURES] + b"\n"},
            "signature.not_canonical",
            id="a-byte-behind-the-signature",
        ),
        pytest.param(
            lambda _, made: read_container(made.with_contents(receipt=made.another().contents.receipt)),
            "receipt.other_bundle",
            id="another-receipt-signed-by-the-service",
        ),
    ],
)
def test_what_the_signature_does_not_see_must_hold_to_be_renewed(
    made: Made, tamper: Callable[[Mapping[str, bytes], Made], Mapping[str, bytes]], code: str
) -> None:
    renew = RenewArchive(made.tsa.answer, made.trust, [made.authority.revocation_list(at=later())])

    with pytest.raises(BrokenArchive) as refused:
        renew(write_container(tamper(read_container(made.data), made)), at=later())

    assert refused.value.code == code


def test_who_renews_need_not_know_whom_facilities_trust(made: Made) -> None:
    known = made.trust
    trust = TrustStore(
        anchors=[],
        service_anchors=[made.authority.certificate],
        intermediates=[made.pki.issuing],
        crls=[
            made.pki.revocation_list([], at=NOON, days=400),
            made.pki.root_revocation_list(at=NOON, days=400),
        ],
        tsa_anchors=[made.pki.root],
    )
    renew = RenewArchive(made.tsa.answer, trust, [made.authority.revocation_list(at=later())])

    renewed = renew(made.data, at=later())

    assert verify_archive(renewed, trust=known, at=later(days=1)).holds


def test_a_key_that_the_services_own_list_names_is_not_believed(made: Made) -> None:
    der = serialization.Encoding.DER
    revoked = (
        x509.RevokedCertificateBuilder()
        .serial_number(made.key.certificate.serial_number)
        .revocation_date(made.contents.received_at)
        .build()
    )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(made.authority.certificate.subject)
        .last_update(made.contents.received_at)
        .next_update(later(days=9))
        .add_revoked_certificate(revoked)
    )
    own = builder.sign(made.authority.private_key, hashes.SHA256())
    strangers = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())

    verdicts = [
        verified(made, made.with_contents(material={"revocation/service.crl": each.public_bytes(der)}))
        for each in (own, strangers)
    ]

    assert broken(verdicts[0])[Question.KEYS][0] == "keys.revoked"
    assert broken(verdicts[1])[Question.KEYS] == ("keys.list", "revocation/service.crl")


def test_a_key_that_has_ended_counts_though_no_list_of_its_authority_speaks_of_it_now(made: Made) -> None:
    now = NOON + timedelta(days=4 * 365)
    key = made.authority.issue(at=now - timedelta(days=1))
    keys = key_set(by_key_id([made.key.certificate, key.certificate]), key.chain)
    data = make_archive(replace(made.contents, keys=keys, head_timestamp=None), key)
    trust = TrustStore(
        anchors=[],
        service_anchors=made.trust.service_anchors,
        crls=[made.authority.revocation_list(at=now)],
    )

    assert broken(verify_archive(data, trust=trust, at=now)).keys() == {Question.BUNDLE}


@pytest.mark.parametrize(
    ("revoked", "expected"),
    [
        pytest.param(False, None, id="says-nothing"),
        pytest.param(True, "certificate.revoked", id="says-revoked"),
    ],
)
def test_lists_from_after_the_end_of_a_facilitys_certificate_take_nothing_away_unless_they_name_it(
    made: Made, revoked: bool, expected: str | None
) -> None:
    bundle, now = made.contents.bundle or b"", NOON + timedelta(days=500)
    blind = TrustStore(anchors=[made.pki.root], intermediates=[made.pki.issuing])
    report = report_on(bundle, Terms(trust=blind, at=NOON, facility="99001"))
    assert report.verdict.signer is not None
    data = made.with_contents(
        signature_report=report_to_json(report), etsi_report=None, material={}, head_timestamp=None
    )
    named = [x509.load_der_x509_certificate(report.verdict.signer.certificate_der)] if revoked else []
    trust = TrustStore(
        anchors=[made.pki.root],
        service_anchors=made.trust.service_anchors,
        crls=[
            made.pki.revocation_list(named, at=now, revoked_at=NOON - timedelta(hours=1)),
            made.pki.root_revocation_list(at=now),
        ],
    )

    verdict = verify_archive(data, trust=trust, at=now)

    assert broken(verdict).get(Question.BUNDLE, (None,))[0] == expected, verdict.statements


def test_a_report_rests_on_what_the_check_had_and_nothing_else(made: Made) -> None:
    bundle = made.contents.bundle or b""
    later = made.trust.with_evidence((), [made.pki.revocation_list([], at=NOON + timedelta(days=1))])
    report = report_on(bundle, Terms(trust=later, at=NOON, facility="99001"))
    data = made.with_contents(signature_report=report_to_json(report), etsi_report=None)

    faults = broken(verify_archive(data, trust=made.trust, at=NOON + timedelta(days=1)))

    assert faults == {Question.BUNDLE: ("bundle.other_trust", "documents/trust.json")}


def test_what_signatures_were_judged_by_cannot_be_left_out_or_changed(made: Made) -> None:
    documents = dict(made.contents.documents)
    del documents["trust"]
    at = NOON + timedelta(days=1)

    faults = broken(verify_archive(made.with_contents(documents=documents), trust=made.trust, at=at))
    changed = made.with_contents(documents=documents | {"trust": {"crls": []}})
    of_changed = broken(verify_archive(changed, trust=made.trust, at=at))

    assert faults == {Question.DOCUMENTS: ("documents.missing", "documents/trust.json")}
    assert of_changed == {
        Question.DOCUMENTS: ("documents.digest", "documents/trust.json"),
        Question.BUNDLE: ("bundle.other_trust", "documents/trust.json"),
    }


def test_what_signatures_were_judged_by_lies_beside_them(made: Made) -> None:
    entries = read_container(made.data)

    certificates = [
        x509.load_der_x509_certificate(data)
        for name, data in entries.items()
        if name.startswith("certificates/")
    ]

    assert {made.key.certificate, made.authority.certificate, made.pki.root, made.pki.issuing} < set(
        certificates
    )
    assert len(certificates) == 5  # and the facility's own
    assert sum(name.startswith("revocation/") for name in entries) == 3
