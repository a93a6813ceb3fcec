"""A time-stamp is believed only on what it is on, by whom it is from, and for when it says."""

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing import der
from signing.demo_pki import DemoPki
from signing.demo_tsa import DemoTsa
from signing.der import NotDer
from signing.errors import TimestampRejected, TimestampUnusable
from signing.policy import DEFAULT_POLICY, Policy
from signing.timestamps.ask import ask_timestamp
from signing.timestamps.check import check_token
from signing.timestamps.messages import (
    StampInfo,
    TimestampRequest,
    encode_stamp_info,
    read_request,
    read_response,
    read_stamp_info,
)
from signing.timestamps.tokens import read_token
from signing.trust import TrustStore
from signing.verdict import Reason
from tests.conftest import require_tool
from tests.unit.signing.ber_files import as_ber
from tests.unit.signing.documents import DAY, NOW, certificate_for

DATA = b"what is stamped"
TIME_STAMPING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])


def digest_of(data: bytes) -> Callable[[str], bytes]:
    return lambda name: hashlib.new(name, data).digest()


@pytest.fixture(scope="module")
def tsa(pki: DemoPki) -> DemoTsa:
    return DemoTsa.create(pki, clock=lambda: NOW, valid_from=NOW - DAY, valid_to=NOW + 10 * DAY)


@pytest.fixture(scope="module")
def trusting(pki: DemoPki) -> TrustStore:
    return TrustStore(anchors=[], tsa_anchors=[pki.root], intermediates=[pki.issuing])


def judged(
    token: bytes,
    trust: TrustStore,
    *,
    data: bytes = DATA,
    at: datetime = NOW,
    policy: Policy = DEFAULT_POLICY,
) -> list[Reason]:
    return check_token(read_token(token), digest_of(data), trust=trust, at=at, policy=policy)


# The right way.


@pytest.mark.parametrize("digest_name", ["sha256", "sha384", "sha512"])
def test_a_token_that_was_asked_for_is_believed(digest_name: str, tsa: DemoTsa, trusting: TrustStore) -> None:
    token = ask_timestamp(tsa.answer, DATA, digest_name=digest_name)

    assert judged(token, trusting) == []
    info = read_token(token).info
    assert (info.time, info.accuracy) == (NOW, timedelta(seconds=1))


def test_an_elliptic_curve_key_stamps_too(pki: DemoPki, trusting: TrustStore) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    tsa = DemoTsa.create(pki, clock=lambda: NOW, valid_from=NOW - DAY, valid_to=NOW + DAY, key=key)

    assert judged(ask_timestamp(tsa.answer, DATA), trusting) == []


def test_a_token_may_be_ber(tsa: DemoTsa, trusting: TrustStore) -> None:
    """Bouncy Castle wrote such tokens for long; what is digested is DER in them, too (RFC 5652, 5.4)."""
    token = ask_timestamp(tsa.answer, DATA)

    written = as_ber(token, opens_strings=False)

    assert read_token(written) == read_token(token)
    assert judged(written, trusting) == []
    assert judged(written, trusting, data=b"something else") == [Reason.TIMESTAMP_IMPRINT]


def test_an_answer_in_ber_gives_a_token_in_der(tsa: DemoTsa) -> None:
    answer = tsa.answer(TimestampRequest("sha256", bytes(32), nonce=1).encode())

    assert read_response(as_ber(answer, opens_strings=False)) == read_response(answer)


def test_a_request_comes_back(tsa: DemoTsa) -> None:
    request = TimestampRequest("sha384", bytes(48), 2**63, "1.2.3", wants_certificates=True)

    assert read_request(request.encode()) == request
    assert read_request(replace(request, nonce=None, policy=None, wants_certificates=False).encode()) == (
        TimestampRequest("sha384", bytes(48), None, None, wants_certificates=False)
    )


@pytest.mark.parametrize(
    "accuracy", [None, timedelta(seconds=1), timedelta(milliseconds=5), timedelta(seconds=2, milliseconds=7)]
)
def test_what_a_token_states_comes_back(accuracy: timedelta | None) -> None:
    info = StampInfo("1.2.3", "sha256", bytes(32), 7, NOW + timedelta(microseconds=10), accuracy, None)

    assert read_stamp_info(encode_stamp_info(info)) == info


# What the client takes.


def test_a_rejection_is_said(tsa: DemoTsa) -> None:
    with pytest.raises(TimestampRejected, match="another policy") as refused:
        ask_timestamp(tsa.answer, DATA, policy="1.2.3.4")

    assert refused.value.failure_bits == {15}


def test_a_request_that_is_none_is_rejected(tsa: DemoTsa) -> None:
    with pytest.raises(TimestampRejected) as refused:
        read_response(tsa.answer(b"what?"))

    assert (refused.value.status, refused.value.failure_bits) == (2, frozenset({2}))


@pytest.mark.attack
@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda asked: replace(asked, nonce=1), "another request", id="nonce"),
        pytest.param(lambda asked: replace(asked, nonce=None), "another request", id="no-nonce"),
        pytest.param(lambda asked: replace(asked, digest=bytes(32)), "another digest", id="digest"),
        pytest.param(lambda asked: replace(asked, wants_certificates=False), "lacks", id="no-certificate"),
    ],
)
def test_an_answer_to_another_question_is_refused(
    change: Callable[[TimestampRequest], TimestampRequest], words: str, tsa: DemoTsa
) -> None:
    def ask(request: bytes) -> bytes:
        return tsa.answer(change(read_request(request)).encode())

    with pytest.raises(TimestampUnusable, match=words):
        ask_timestamp(ask, DATA)


@pytest.mark.attack
@pytest.mark.parametrize("answer", [b"", b"<html>", der.sequence(), b"\0" * 300_000], ids=len)
def test_an_answer_that_is_none_is_refused(answer: bytes) -> None:
    with pytest.raises(TimestampUnusable):
        ask_timestamp(lambda _: answer, DATA)


def test_granted_without_a_token_is_refused() -> None:
    with pytest.raises(TimestampUnusable):
        read_response(der.sequence(der.sequence(der.integer(0))))


# What a verifier believes.


@pytest.mark.attack
def test_a_token_on_something_else_is_refused(tsa: DemoTsa, trusting: TrustStore) -> None:
    token = ask_timestamp(tsa.answer, DATA)

    assert judged(token, trusting, data=b"other") == [Reason.TIMESTAMP_IMPRINT]


@pytest.mark.attack
def test_an_authority_that_is_trusted_for_signatures_alone_is_refused(tsa: DemoTsa, pki: DemoPki) -> None:
    trust = TrustStore(anchors=[pki.root], intermediates=[pki.issuing])

    assert judged(ask_timestamp(tsa.answer, DATA), trust) == [Reason.TIMESTAMP_UNTRUSTED]


@pytest.mark.attack
@pytest.mark.parametrize(
    ("extensions", "reasons"),
    [
        pytest.param([(TIME_STAMPING, True)], [], id="right"),
        pytest.param([(TIME_STAMPING, False)], [Reason.TIMESTAMP_USAGE], id="not-critical"),
        pytest.param([], [Reason.TIMESTAMP_USAGE], id="no-purpose"),
        pytest.param(
            [
                (
                    x509.ExtendedKeyUsage(
                        [ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING]
                    ),
                    True,
                )
            ],
            [Reason.TIMESTAMP_USAGE],
            id="another-purpose-too",
        ),
        pytest.param(
            [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), True)],
            [Reason.TIMESTAMP_USAGE],
            id="another-purpose",
        ),
        pytest.param(
            [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), True)],
            [Reason.TIMESTAMP_USAGE],
            id="any-purpose",
        ),
        pytest.param(
            [(TIME_STAMPING, True), (x509.BasicConstraints(ca=True, path_length=None), True)],
            [Reason.TIMESTAMP_USAGE],
            id="a-ca",
        ),
    ],
)
def test_what_the_authoritys_certificate_is_for(
    extensions: list[tuple[x509.ExtensionType, bool]],
    reasons: list[Reason],
    pki: DemoPki,
    trusting: TrustStore,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = certificate_for(key.public_key(), issued_by=pki, extensions=extensions)
    tsa = DemoTsa(certificate, key, lambda: NOW)

    found = judged(ask_timestamp(tsa.answer, DATA), trusting)

    assert [reason for reason in found if reason is not Reason.TIMESTAMP_UNTRUSTED] == reasons


@pytest.mark.attack
def test_a_short_key_is_refused(pki: DemoPki, trusting: TrustStore) -> None:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - what must be refused
    certificate = certificate_for(key.public_key(), issued_by=pki, extensions=[(TIME_STAMPING, True)])

    found = judged(ask_timestamp(DemoTsa(certificate, key, lambda: NOW).answer, DATA), trusting)

    assert found == [Reason.TIMESTAMP_ALGORITHM]


@pytest.mark.parametrize(
    ("stamped", "asked", "reasons"),
    [
        pytest.param(NOW, NOW, [], id="now"),
        pytest.param(NOW, NOW + 9 * DAY, [], id="later"),
        pytest.param(NOW, NOW + 11 * DAY, [Reason.TIMESTAMP_EXPIRED], id="after-it-ended"),
        pytest.param(NOW + 11 * DAY, NOW + 12 * DAY, [Reason.TIMESTAMP_EXPIRED], id="made-after-it-ended"),
        pytest.param(NOW - 2 * DAY, NOW, [Reason.TIMESTAMP_EXPIRED], id="made-before-it-began"),
        pytest.param(NOW + timedelta(minutes=4), NOW, [], id="clocks-differ"),
        pytest.param(NOW + timedelta(hours=1), NOW, [Reason.TIMESTAMP_ORDER], id="from-the-future"),
    ],
)
def test_when_a_token_counts(
    stamped: datetime, asked: datetime, reasons: list[Reason], tsa: DemoTsa, trusting: TrustStore
) -> None:
    token = ask_timestamp(replace(tsa, clock=lambda: stamped).answer, DATA)

    assert judged(token, trusting, at=asked) == reasons


@pytest.mark.parametrize(
    ("revoked_at", "reasons"),
    [
        pytest.param(NOW - timedelta(hours=1), [Reason.TIMESTAMP_REVOKED], id="before-it-stamped"),
        pytest.param(NOW + DAY, [Reason.TIMESTAMP_REVOKED], id="since"),
        pytest.param(NOW + 3 * DAY, [], id="later"),
    ],
)
def test_an_authority_that_was_revoked(
    revoked_at: datetime, reasons: list[Reason], tsa: DemoTsa, pki: DemoPki
) -> None:
    crl = pki.revocation_list([tsa.certificate], at=NOW + 4 * DAY, revoked_at=revoked_at)
    trust = TrustStore(anchors=[], tsa_anchors=[pki.root], intermediates=[pki.issuing], crls=[crl])

    assert judged(ask_timestamp(tsa.answer, DATA), trust, at=NOW + 2 * DAY) == reasons


@pytest.mark.parametrize(
    ("reason", "is_good"),
    [
        (x509.ReasonFlags.unspecified, True),
        (x509.ReasonFlags.affiliation_changed, True),
        (x509.ReasonFlags.superseded, True),
        (x509.ReasonFlags.cessation_of_operation, True),
        (x509.ReasonFlags.key_compromise, False),
        (x509.ReasonFlags.ca_compromise, False),
        (x509.ReasonFlags.certificate_hold, False),
        (x509.ReasonFlags.privilege_withdrawn, False),
        (None, False),
    ],
    ids=str,
)
def test_an_authority_that_was_retired_leaves_its_earlier_tokens_valid(
    reason: x509.ReasonFlags | None, is_good: bool, tsa: DemoTsa, pki: DemoPki
) -> None:
    def reasons(revoked_at: datetime, *, also: x509.ReasonFlags | None = reason) -> list[Reason]:
        crls = [
            pki.revocation_list([tsa.certificate], at=NOW + 4 * DAY, revoked_at=revoked_at, reason=each)
            for each in {reason, also}
        ]
        trust = TrustStore(anchors=[], tsa_anchors=[pki.root], intermediates=[pki.issuing], crls=crls)
        return judged(ask_timestamp(tsa.answer, DATA), trust, at=NOW + 3 * DAY)

    assert reasons(NOW + DAY) == ([] if is_good else [Reason.TIMESTAMP_REVOKED])
    assert reasons(NOW) == [Reason.TIMESTAMP_REVOKED]
    assert reasons(NOW + DAY, also=x509.ReasonFlags.key_compromise) == [Reason.TIMESTAMP_REVOKED]


def test_news_that_was_stale_when_it_stamped_is_no_answer(tsa: DemoTsa, pki: DemoPki) -> None:
    crl = pki.revocation_list([], at=NOW - 9 * DAY)
    trust = TrustStore(anchors=[], tsa_anchors=[pki.root], intermediates=[pki.issuing], crls=[crl])

    assert judged(ask_timestamp(tsa.answer, DATA), trust) == [Reason.TIMESTAMP_REVOCATION_UNKNOWN]


@pytest.mark.parametrize(
    ("policy", "accuracy", "reasons"),
    [
        pytest.param(DEFAULT_POLICY, None, [], id="no-accuracy"),
        pytest.param(DEFAULT_POLICY, timedelta(minutes=2), [Reason.TIMESTAMP_POLICY], id="too-inaccurate"),
        pytest.param(
            replace(DEFAULT_POLICY, timestamp_policies=frozenset({"1.2.3"})),
            None,
            [Reason.TIMESTAMP_POLICY],
            id="another-policy",
        ),
    ],
)
def test_what_a_token_must_state(
    policy: Policy, accuracy: timedelta | None, reasons: list[Reason], tsa: DemoTsa, trusting: TrustStore
) -> None:
    token = ask_timestamp(replace(tsa, accuracy=accuracy).answer, DATA)

    assert judged(token, trusting, policy=policy) == reasons


@pytest.mark.attack
def test_the_certificate_of_another_key_is_refused(tsa: DemoTsa, pki: DemoPki, trusting: TrustStore) -> None:
    """The token names a certificate that did not sign it, or one that is not there."""
    other = ec.generate_private_key(ec.SECP256R1())
    forger = replace(tsa, key=other)

    with_other_key = ask_timestamp(forger.answer, DATA)
    without = ask_timestamp(tsa.answer, DATA).replace(
        tsa.certificate.public_bytes(serialization.Encoding.DER)[-40:], bytes(40)
    )

    assert judged(with_other_key, trusting) == [Reason.TIMESTAMP_VALUE_WRONG]
    assert judged(without, trusting) == [Reason.TIMESTAMP_CERTIFICATE]


class Unnamed(DemoTsa):
    """Signs right, but does not say in what it signs which certificate is its own."""

    def _attributes(self, content: bytes) -> bytes:
        identifiers = {
            "1.2.840.113549.1.9.3": der.object_identifier("1.2.840.113549.1.9.16.1.4"),
            "1.2.840.113549.1.9.4": der.octet_string(hashlib.sha256(content).digest()),
        }
        return der.set_of(
            *(
                der.sequence(der.object_identifier(identifier), der.set_of(value))
                for identifier, value in identifiers.items()
            )
        )


@pytest.mark.attack
def test_a_token_must_name_its_certificate_in_what_is_signed(tsa: DemoTsa, trusting: TrustStore) -> None:
    """Otherwise another certificate of the same key could be put beside it."""
    unnamed = Unnamed(tsa.certificate, tsa.key, tsa.clock, tsa.chain)

    token = ask_timestamp(unnamed.answer, DATA)

    assert judged(token, trusting) == [Reason.TIMESTAMP_CERTIFICATE]


@pytest.mark.attack
def test_no_octet_of_a_token_may_differ(tsa: DemoTsa, trusting: TrustStore) -> None:
    token = ask_timestamp(tsa.answer, DATA)
    passed = []

    for at in range(len(token)):
        mutant = bytearray(token)
        mutant[at] ^= 1
        try:
            if judged(bytes(mutant), trusting) == []:
                passed.append(at)
        except NotDer:
            continue

    # The certificates beside the signer's, and the digest algorithms' list, are not signed and not needed.
    chain = token.index(tsa.chain[0].public_bytes(serialization.Encoding.DER))
    size = len(tsa.chain[0].public_bytes(serialization.Encoding.DER))
    elsewhere = [at for at in passed if not chain <= at < chain + size]
    assert all(at < 60 for at in elsewhere), elsewhere


@pytest.mark.attack
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda token: token + b"\0", id="trailing-octet"),
        pytest.param(lambda token: token[:-1], id="cut-off"),
        pytest.param(lambda token: b"", id="nothing"),
        pytest.param(
            lambda token: token.replace(
                der.object_identifier("1.2.840.113549.1.9.16.1.4"),
                der.object_identifier("1.2.840.113549.1.9.16.1.5"),
            ),
            id="another-content-type",
        ),
        pytest.param(
            lambda token: token.replace(
                der.object_identifier("1.2.840.113549.1.9.4"), der.object_identifier("1.2.840.113549.1.9.5")
            ),
            id="no-message-digest",
        ),
    ],
)
def test_a_token_that_is_malformed_is_refused(change: Callable[[bytes], bytes], tsa: DemoTsa) -> None:
    with pytest.raises(NotDer):
        read_token(change(ask_timestamp(tsa.answer, DATA)))


# OpenSSL, which shares no code for this with us.


@pytest.fixture(scope="module")
def openssl(
    tmp_path_factory: pytest.TempPathFactory, pki: DemoPki, tsa: DemoTsa
) -> tuple[Path, Callable[..., str]]:
    found = require_tool("openssl")
    folder = tmp_path_factory.mktemp("openssl")
    (folder / "root.pem").write_bytes(pki.root.public_bytes(serialization.Encoding.PEM))
    (folder / "issuing.pem").write_bytes(pki.issuing.public_bytes(serialization.Encoding.PEM))
    (folder / "data").write_bytes(DATA)

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [found, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return folder, run


@pytest.mark.parametrize("digest_name", ["sha256", "sha512"])
def test_openssl_believes_our_tokens(
    digest_name: str, openssl: tuple[Path, Callable[..., str]], tsa: DemoTsa
) -> None:
    folder, run = openssl
    run("ts", "-query", "-data", "data", f"-{digest_name}", "-cert", "-out", "query.tsq")

    (folder / "ours.tsr").write_bytes(tsa.answer((folder / "query.tsq").read_bytes()))

    said = run(
        "ts", "-verify", "-queryfile", "query.tsq", "-in", "ours.tsr", "-CAfile", "root.pem",
        "-untrusted", "issuing.pem", "-attime", str(int(NOW.timestamp())),
    )  # fmt: skip
    assert "Verification: OK" in said
    assert "Accuracy: 0x01 seconds" in run("ts", "-reply", "-in", "ours.tsr", "-text")


@pytest.mark.parametrize(
    ("key_kind", "digest_name", "identifier_digest"),
    [("rsa", "sha256", "sha256"), ("rsa", "sha512", "sha1"), ("ec", "sha384", "sha384")],
)
def test_we_believe_tokens_by_openssl(
    key_kind: str,
    digest_name: str,
    identifier_digest: str,
    openssl: tuple[Path, Callable[..., str]],
    pki: DemoPki,
    trusting: TrustStore,
) -> None:
    folder, run = openssl
    key = (
        rsa.generate_private_key(65537, 2048)
        if key_kind == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    # OpenSSL stamps with the time of its computer.
    now = datetime.now(NOW.tzinfo)
    certificate = certificate_for(
        key.public_key(),
        issued_by=pki,
        extensions=[(TIME_STAMPING, True)],
        validity=(now - DAY, now + DAY),
    )
    (folder / "tsa.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "tsa.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "serial").write_text("01")
    (folder / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa = it\n[it]\nserial = serial\nsigner_cert = tsa.pem\nsigner_key = tsa.key\n"
        f"certs = issuing.pem\nsigner_digest = {digest_name}\ndefault_policy = 1.2.3.4\n"
        "digests = sha256, sha384, sha512\naccuracy = secs:1, millisecs:500, microsecs:100\n"
        f"ordering = yes\ntsa_name = yes\ness_cert_id_chain = yes\ness_cert_id_alg = {identifier_digest}\n"
    )
    request = TimestampRequest(digest_name, hashlib.new(digest_name, DATA).digest(), 2**64 - 1)
    (folder / "ours.tsq").write_bytes(request.encode())

    run("ts", "-reply", "-config", "tsa.cnf", "-section", "it", "-queryfile", "ours.tsq", "-out", "their.tsr")

    token = read_response((folder / "their.tsr").read_bytes())
    assert judged(token, trusting, at=now + timedelta(minutes=1)) == []
    info = read_token(token).info
    assert (info.nonce, info.policy) == (2**64 - 1, "1.2.3.4")
    assert info.accuracy == timedelta(seconds=1, milliseconds=500, microseconds=100)
