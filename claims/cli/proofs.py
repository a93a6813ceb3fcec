"""Proof on the command line: receipts, the log and its audit, the service's own keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.inputs import decode_text, read_input
from claims.cli.output import AsJson, Exit, Language, emit, progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

receipts = typer.Typer(help="What the service signed for having received a bundle.", no_args_is_help=True)
log = typer.Typer(help="The log of all evidence.", no_args_is_help=True)
evidence_keys = typer.Typer(help="The service's own keys.", no_args_is_help=True)

Receipt = Annotated[
    Path, typer.Argument(help="File with the receipt, or the whole answer (JSON); '-': standard input.")
]


@receipts.command("verify")
def verify_receipt(
    receipt: Receipt,
    key: Annotated[
        Path,
        typer.Option(
            "--key",
            help="What /v1/evidence/keys answered (JSON), or the service's certificates (PEM).",
            exists=True,
            dir_okay=False,
        ),
    ],
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="The bundle it must be for.", exists=True, dir_okay=False),
    ] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Check a signed receipt offline, and whether it is for a bundle."""
    import hashlib

    from claims.cli.proof_words import sentence
    from claims.proof.errors import BrokenToken
    from claims.proof.records import AcceptanceReceipt

    token, keys = _token(read_input(receipt)), _certificates(key.read_bytes())
    try:
        found = AcceptanceReceipt.verify(token, keys)
    except BrokenToken:
        code = _fault_of(token, keys)
        say(f"{receipt}: {sentence(code, language)}")
        if as_json:
            emit({"holds": False, "code": code})
        return Exit.BLOCKED
    data = None if bundle is None else bundle.read_bytes()
    if data is not None and (hashlib.sha256(data).hexdigest(), len(data)) != (found.sha256, found.size):
        say(f"{receipt}: {sentence('receipt.other_bundle', language, bundle=bundle)}")
        if as_json:
            emit({"holds": False, "code": "receipt.other_bundle"})
        return Exit.BLOCKED
    facts = {"facility": found.facility, "sha256": found.sha256, "size": found.size}
    at = found.received_at.isoformat()
    say(sentence("receipt.signed", language, **facts, at=at, submission=found.submission))
    if as_json:
        emit(
            {
                "holds": True,
                "submission": found.submission,
                "facility": found.facility,
                "sha256": found.sha256,
                "size": found.size,
                "received_at": found.received_at.isoformat(),
            }
        )
    return Exit.FINE


@log.command("audit")
def audit(
    head: Annotated[
        list[Path] | None,
        typer.Option("--head", help="A signed head that you kept: the log must begin with it.", exists=True),
    ] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Replay the log against the database and name every row that was changed, removed or dated back."""
    from claims.cli.proof_words import sentence
    from claims.proof.audit_words import describe
    from claims.runtime.start import open_service

    service = open_service()
    keys = service.service_keys.certificates()
    kept = [_kept_head(path, keys) for path in head or ()]
    faults, waiting = 0, service.audit.count_waiting()
    with progress_bar("auditing", service.audit.count()) as bar:
        for fault in service.audit(kept_heads=kept, advance=bar.advance):
            faults += 1
            say(f"{fault.table} {fault.key}: {describe(fault.code, language)}")
            if as_json:
                emit({"code": fault.code, "table": fault.table, "key": fault.key})
    say(sentence("audit.faults" if faults else "audit.fine", language, count=faults))
    if waiting:
        say(sentence("audit.waiting", language, count=waiting))
    return Exit.BLOCKED if faults else Exit.FINE


@log.command("head")
def show_head() -> None:
    """Write the newest signed head: keep it elsewhere, and `claims log audit --head` compares."""
    from claims.runtime.start import open_service

    head = open_service().log.latest_head()
    if head is None:
        raise typer.BadParameter("the log is empty")
    typer.echo(head.token)


@evidence_keys.command("list")
def list_keys(language: Language = "vi") -> None:
    """List the keys that ever signed, and the certificate that others trust."""
    from claims.cli.admin_words import sentence
    from claims.runtime.start import open_service

    keys = open_service().service_keys
    current = keys.current().key_id
    for key_id, certificate in keys.certificates().items():
        until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        now = [sentence("evidence_key.signs_now", language)] if key_id == current else []
        say("  ".join((key_id, sentence("evidence_key.until", language, until=until), *now)))
    for certificate in keys.chain():
        say(sentence("evidence_key.trusted", language, subject=certificate.subject.rfc4514_string()))


@evidence_keys.command("rotate")
def rotate(language: Language = "vi") -> None:
    """Make a new key, which signs from now on; other processes take it up within a minute."""
    from claims.cli.admin_words import sentence
    from claims.runtime.start import open_service

    key = open_service().service_keys.rotate()
    until = f"{key.certificate.not_valid_after_utc:%Y-%m-%d}"
    say(sentence("evidence_key.rotated", language, key=key.key_id, until=until))


@evidence_keys.command("certificate")
def certificate() -> None:
    """Write the certificate that others trust (PEM): put it into the service/ of whoever checks archives."""
    from claims.runtime.start import open_service
    from signing.certificates import to_pem

    typer.echo(to_pem(open_service().service_keys.chain()[-1]).decode(), nl=False)


def _kept_head(path: Path, keys: Mapping[str, x509.Certificate]) -> str:
    from claims.proof.errors import BrokenToken
    from claims.proof.records import TreeHead

    token = path.read_bytes().decode("ascii", "replace").strip()
    try:
        TreeHead.verify(token, keys)
    except BrokenToken as error:
        raise typer.BadParameter(f"{path} is no head of this log: {error}", param_hint="--head") from error
    return token


def _token(data: bytes) -> str:
    """Return the receipt of a file, or nothing where there is none."""
    try:
        text = decode_text(data).strip()
        return str(json.loads(text).get("signed_receipt")) if text.startswith("{") else text.strip('"')
    except (ValueError, RecursionError):
        return ""


def _fault_of(token: str, keys: Mapping[str, x509.Certificate]) -> str:
    """Return what is wrong with a receipt that does not hold."""
    from claims.proof.errors import BrokenToken
    from claims.proof.records import RECEIPT_KIND, AcceptanceReceipt
    from claims.proof.tokens import missing_signer

    try:
        AcceptanceReceipt.read(token)
    except BrokenToken:
        return "receipt.none"
    return (
        "receipt.changed" if missing_signer(token, keys, kind=RECEIPT_KIND) is None else "receipt.unknown_key"
    )


def _certificates(data: bytes) -> Mapping[str, x509.Certificate]:
    from cryptography import x509

    from claims.proof.errors import BrokenToken
    from claims.proof.keys import by_key_id, read_key_set
    from signing.extensions import UNREADABLE

    try:
        if b"-----BEGIN" in data:
            return by_key_id(x509.load_pem_x509_certificates(data))
        certificates, _ = read_key_set(json.loads(data))
    except (BrokenToken, RecursionError, *UNREADABLE) as error:
        raise typer.BadParameter("neither a key set nor certificates", param_hint="--key") from error
    return {key_id: x509.load_der_x509_certificate(der) for key_id, der in certificates.items()}
