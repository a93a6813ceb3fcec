"""Signing keys and their certificates: looking at them, asking for one, and a PKI for trials."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.inputs import read_text
from claims.cli.output import AsJson, Exit, Language, emit, say
from claims.cli.signers import (
    CertificateFile,
    Key,
    KeyFile,
    Module,
    PassphraseFile,
    Pkcs12,
    Remote,
    RemoteCredentials,
    SignerChoice,
    Token,
    open_signer,
)
from claims.cli.trust import Trust, read_registrations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.x509 import Certificate

    from signing.certificates import CertificateFacts

keys = typer.Typer(
    help="Signing keys: show one, ask for its certificate, make a PKI for trials.", no_args_is_help=True
)

_SOON_DAYS = 30


@keys.command("new-demo-pki")
def new_demo_pki(
    folder: Annotated[Path, typer.Argument(help="A folder that is new or empty.", show_default=False)],
    facility: Annotated[
        list[str] | None,
        typer.Option("--facility", help="Make a key for it; may be given several times."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make authorities, a time-stamping authority, facility keys and the trust folder to go with them.

    For trials only: nobody has checked who holds these keys.
    """
    from signing.demo_folder import write_demo_folder

    facilities = facility or ["99001"]
    for code in facilities:
        if not (len(code) == 5 and code.isascii() and code.isalnum() and code.isupper() | code.isdigit()):  # noqa: PLR2004 - MACSKCB
            raise typer.BadParameter(f"{code} is not a facility code (five digits or capital letters)")
    write_demo_folder(folder, facilities, at=datetime.now(UTC))
    say(f"{folder}: keys for {', '.join(facilities)}. FOR TRIALS ONLY: see README.txt there.")
    say(
        f"  sign:    claims sign BUNDLE --pkcs12 {folder}/keys/{facilities[0]}.p12 "
        f"--passphrase-file {folder}/passphrase.txt -o SIGNED"
    )
    say(f"  verify:  claims verify SIGNED --trust {folder}/trust")
    say(f"  stamp:   claims mock-tsa --folder {folder}")
    if as_json:
        emit({"folder": str(folder), "facilities": facilities})


@keys.command("show")
def show(
    file: Annotated[
        Path | None, typer.Argument(help="A certificate (PEM, DER or PKCS#7).", exists=True, dir_okay=False)
    ] = None,
    pkcs12: Pkcs12 = None,
    key_file: KeyFile = None,
    certificate_file: CertificateFile = None,
    module: Module = None,
    token: Token = None,
    key: Key = None,
    passphrase_file: PassphraseFile = None,
    remote: Remote = None,
    remote_credentials: RemoteCredentials = None,
    trust: Trust = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Show whose a certificate is, until when it lasts, and whether it may sign claims.

    Exit code 1 if a signature made with it now would not be accepted.
    """
    from claims.cli.signing_words import speaking

    if file is not None:
        facts = _read(file)
    else:
        choice = SignerChoice(
            pkcs12,
            key_file,
            certificate_file,
            passphrase_file,
            module,
            token,
            key,
            remote,
            remote_credentials,
            language=language,
        )
        with speaking(language), open_signer(choice) as signer:
            facts = _facts(signer.certificate)
    reasons = _reasons(facts)
    facilities = _facilities(trust, facts.sha256)
    for label, value in _lines(facts, facilities, language):
        say(f"{label:22} {value}")
    _say_verdict(facts, reasons, language)
    if as_json:
        emit(_to_json(facts, facilities, reasons))
    return Exit.BLOCKED if reasons else Exit.FINE


@keys.command("request")
def request(
    name: Annotated[str, typer.Option("--name", help="The facility's name as registered.")],
    user_id: Annotated[
        str, typer.Option("--id", help="Its number with its kind: MST:… (tax code) or MNS:… (budget code).")
    ],
    province: Annotated[str, typer.Option("--province", help="Its province or city.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Base of the two files: BASE.key.pem and BASE.csr.pem.")
    ],
    kind: Annotated[
        str, typer.Option("--kind", help="rsa-2048, rsa-3072, rsa-4096, p-256 or p-384.")
    ] = "rsa-3072",
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a new key, encrypted, and the request (PKCS#10) to take to a certification authority.

    Nothing is ever overwritten. What comes back signs with --key-file and --cert-file.
    """
    from signing.requests import KeyKind, Organisation, make_request, seal_key

    if kind not in set(KeyKind):
        raise typer.BadParameter(f"must be one of {', '.join(KeyKind)}", param_hint="--kind")
    key_path, request_path = (output.with_name(f"{output.name}.{end}.pem") for end in ("key", "csr"))
    for path in (key_path, request_path):
        if path.exists():
            raise typer.BadParameter(f"{path} is there already and stays as it is", param_hint="--output")
    if passphrase_file is not None:
        passphrase = read_text(passphrase_file).rstrip("\r\n")
    else:
        passphrase = str(typer.prompt("passphrase", hide_input=True, confirmation_prompt=True, err=True))
    if not passphrase:
        raise typer.BadParameter("a key is not kept without a passphrase", param_hint="--passphrase-file")
    key = KeyKind(kind).make()
    try:
        made = make_request(key, Organisation(name=name, user_id=user_id, province=province))
    except ValueError as error:  # X.520 bounds each of them: 64 characters of a name, 128 of a place
        raise typer.BadParameter(f"--name, --id or --province: {error}") from error
    _write_secret(key_path, seal_key(key, passphrase))
    request_path.write_bytes(made)
    say(f"{key_path}: the key; keep it and its passphrase to yourself")
    say(f"{request_path}: the request, for the certification authority")


def _write_secret(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _read(file: Path) -> "CertificateFacts":
    from signing.certificate_files import find_own_certificate
    from signing.elements import Refused

    found = find_own_certificate(file.read_bytes())
    if found is None:
        raise typer.BadParameter(f"{file} holds no certificate, or several; for a key file say --pkcs12")
    try:
        return _facts(found)
    except Refused as refusal:
        raise typer.BadParameter(f"{file}: {refusal.reason}") from refusal


def _facts(certificate: "Certificate") -> "CertificateFacts":
    from cryptography.hazmat.primitives.serialization import Encoding

    from signing.certificates import read_der_certificate

    return read_der_certificate(certificate.public_bytes(Encoding.DER))


def _reasons(facts: "CertificateFacts") -> list[str]:
    from signing.certificates import check_leaf
    from signing.policy import DEFAULT_POLICY, Severity

    found = check_leaf(facts, at=datetime.now(UTC), policy=DEFAULT_POLICY)
    return [str(reason) for reason in DEFAULT_POLICY.of_severity(Severity.FAIL, found)]


def _facilities(trust: Path | None, sha256: str) -> list[str]:
    return sorted(facility for facility, own in read_registrations(trust) or () if own == sha256)


def _key_kind(facts: "CertificateFacts") -> str:
    key = facts.public_key
    return "?" if key is None else f"{'RSA' if 'RSA' in type(key).__name__ else 'EC'} {key.key_size}"


_LABELS = {
    "subject": ("Chủ thể", "Subject"),
    "issuer": ("Tổ chức cấp", "Issuer"),
    "serial": ("Số sê-ri", "Serial number"),
    "sha256": ("SHA-256", "SHA-256"),
    "key": ("Khóa", "Key"),
    "valid": ("Hiệu lực", "Valid"),
    "facilities": ("Đăng ký cho cơ sở", "Registered for"),
}


def _lines(facts: "CertificateFacts", facilities: list[str], language: str) -> "Iterator[tuple[str, str]]":
    info = facts.info
    column = 0 if language == "vi" else 1
    values = {
        "subject": info.subject,
        "issuer": info.issuer,
        "serial": f"{info.serial:x}",
        "sha256": info.sha256,
        "key": _key_kind(facts),
        "valid": f"{info.not_before:%Y-%m-%d %H:%M}Z – {info.not_after:%Y-%m-%d %H:%M}Z",
        "facilities": ", ".join(facilities) or "–",
    }
    return ((_LABELS[name][column], value) for name, value in values.items())


def _say_verdict(facts: "CertificateFacts", reasons: list[str], language: str) -> None:
    from claims.bundle.findings import Finding, Severity
    from claims.bundle.messages import describe

    for reason in reasons:
        say(f"✗ {reason}: {describe(Finding(reason.upper(), Severity.CRITICAL), language)}")
    days = (facts.info.not_after - datetime.now(UTC)).days
    if reasons:
        return
    say(f"✓ còn {days} ngày" if language == "vi" else f"✓ {days} days left")
    if days < _SOON_DAYS:
        say("  → xin chứng thư mới ngay" if language == "vi" else "  → ask for the next certificate now")


def _to_json(facts: "CertificateFacts", facilities: list[str], reasons: list[str]) -> dict[str, object]:
    info = facts.info
    return {
        "subject": info.subject,
        "issuer": info.issuer,
        "serial": f"{info.serial:x}",
        "sha256": info.sha256,
        "key": _key_kind(facts),
        "not_before": info.not_before.isoformat(),
        "not_after": info.not_after.isoformat(),
        "days_left": (info.not_after - datetime.now(UTC)).days,
        "is_ca": facts.is_ca,
        "purposes": None if facts.extended_key_usages is None else sorted(facts.extended_key_usages),
        "facilities": facilities,
        "reasons": reasons,
    }
