"""Working on bundles as files: build, sign, verify, check. Needs no service and no server."""

import csv
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from claims.bundle.findings import Severity
from claims.cli.inputs import Inputs, output_paths, read_input, write_whole
from claims.cli.output import AsJson, Exit, emit, progress_bar, say

Trust = Annotated[
    Path | None,
    typer.Option(
        "--trust",
        help="Folder with anchors/, intermediates/, crls/ and facilities.csv (code, certificate SHA-256).",
        exists=True,
        file_okay=False,
    ),
]
At = Annotated[
    str | None,
    typer.Option("--at", help="Judge as of this ISO 8601 time instead of now.", show_default=False),
]
Facility = Annotated[str | None, typer.Option("--facility", help="The facility whose bundle it must be.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File, or a folder when there are several inputs.")
]


def sign(
    inputs: Inputs,
    pkcs12: Annotated[
        Path, typer.Option("--pkcs12", help="The facility's key and certificate.", dir_okay=False)
    ],
    output: Output = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            "--passphrase-file", help="File with the passphrase; otherwise it is asked for.", dir_okay=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Sign bundles: one XML signature over the whole document, inside CHUKYDONVI."""
    from signing.keys import load_pkcs12
    from signing.sign import sign_bundle

    signer = load_pkcs12(pkcs12.read_bytes(), _passphrase(passphrase_file))

    def sign_one(path: Path, target: Path | None) -> dict[str, object]:
        _deliver(sign_bundle(read_input(path), signer), target)
        return {"input": str(path), "file": None if target is None else str(target), "refused": []}

    return _each(inputs, output, ".signed.xml", "signing", sign_one, as_json=as_json)


def verify(
    inputs: Inputs,
    trust: Trust = None,
    at: At = None,
    facility: Facility = None,
    as_json: AsJson = False,
) -> int:
    """Verify the signature of bundles, and nothing else.

    Exit code 0 only if every signature is TOTAL-PASSED.
    """
    from signing.canonical import parse
    from signing.certificates import TrustStore
    from signing.errors import Unparsable
    from signing.verify import verify as verify_signature

    store, registered, moment = TrustStore.load(_trust_folder(trust)), _registrations(trust), _moment(at)

    def verify_one(path: Path) -> tuple[bool, dict[str, object]]:
        started = time.perf_counter()
        entry: dict[str, object] = {"file": str(path), "level": "plain", "facility": facility}
        try:
            root = parse(read_input(path))
        except Unparsable as error:
            say(f"{path}: cannot be read: {error}")
            return False, {
                **entry,
                "indication": "TOTAL-FAILED",
                "sub_indication": "FORMAT_FAILURE",
                "reasons": [error.code],
            }
        named = facility or root.findtext("THONGTINDONVI/MACSKCB")
        verdict = verify_signature(root, trust=store, at=moment)
        reasons = [str(reason) for reason in verdict.reasons]
        passed = verdict.has_passed
        signer = verdict.signer
        if (
            passed
            and signer is not None
            and registered is not None
            and not registered(str(named), signer.sha256, moment)
        ):
            passed, reasons = False, ["certificate.other_facility"]
        indication = verdict.indication if passed == verdict.has_passed else "TOTAL-FAILED"
        say(f"{path}: {indication}" + (f" ({', '.join(reasons)})" if reasons else ""))
        return passed, {
            **entry,
            "indication": str(indication),
            "sub_indication": None if verdict.sub_indication is None else str(verdict.sub_indication),
            "reasons": reasons,
            "signer": None
            if signer is None
            else {
                "subject": signer.subject,
                "issuer": signer.issuer,
                "serial": str(signer.serial),
                "sha256": signer.sha256,
                "not_before": signer.not_before.isoformat(),
                "not_after": signer.not_after.isoformat(),
            },
            "facility": named,
            "scope": verdict.scope,
            "ms": round((time.perf_counter() - started) * 1000, 3),
        }

    return _judge(inputs, "verifying", verify_one, as_json=as_json)


def check(
    inputs: Inputs,
    trust: Trust = None,
    at: At = None,
    facility: Facility = None,
    language: Annotated[
        str, typer.Option("--language", help="Language of sentences on the screen: vi or en.")
    ] = "vi",
    unknown_fields: Annotated[
        Severity,
        typer.Option("--unknown-fields", help="Weight of a field that no Decision has; error blocks."),
    ] = Severity.WARNING,
    as_json: AsJson = False,
) -> int:
    """Check bundles as the service does before sending, without sending.

    The signature is checked when --trust is given. Exit code 1 if anything would keep a bundle
    from being sent.
    """
    from claims.bundle.messages import describe
    from claims.checking.check import CheckPolicy, SignatureTerms, check_bundle
    from claims.checking.report import report_to_json
    from claims.cli.showing import place_of
    from signing.certificates import TrustStore
    from signing.policy import DEFAULT_POLICY

    moment, registered = _moment(at), _registrations(trust)
    terms = None
    if trust is not None:
        terms = SignatureTerms(TrustStore.load(trust), DEFAULT_POLICY, registered or (lambda *_: True))

    def check_one(path: Path) -> tuple[bool, dict[str, object]]:
        report = check_bundle(
            read_input(path),
            at=moment,
            signature=terms,
            expected_facility=facility,
            policy=CheckPolicy(unknown_fields=unknown_fields),
        )
        say(
            f"{path}: {'acceptable' if report.is_acceptable else 'blocked'}, "
            f"{len(report.findings)} finding(s)"
        )
        for finding in report.findings:
            where = place_of(finding, language)
            place = f" ({where})" if where else ""
            say(f"  {finding.severity.value:8} {finding.code}{place}: {describe(finding, language)}")
        return report.is_acceptable, {"file": str(path), **report_to_json(report)}

    return _judge(inputs, "checking", check_one, as_json=as_json)


def _each(
    inputs: Sequence[Path],
    output: Path | None,
    suffix: str,
    label: str,
    make: Callable[[Path, Path | None], dict[str, object]],
    *,
    as_json: bool,
) -> int:
    """Make something of every input; one that is refused is said and never stops the rest."""
    from claims.errors import ClaimsError
    from signing.errors import SigningError

    if output is None and (len(inputs) > 1 or as_json):
        raise typer.BadParameter("say where the results go", param_hint="--output")
    targets = [None] if output is None else list(output_paths(inputs, output, suffix=suffix))
    refused = 0
    with progress_bar(label, len(inputs)) as bar:
        for path, target in zip(inputs, targets, strict=True):
            try:
                entry = make(path, target)
            except (ClaimsError, SigningError, OSError) as error:
                refused += 1
                say(f"{path}: refused: {error}")
                entry = {
                    "input": str(path),
                    "claims": [],
                    "refused": [{"encounter": None, "reason": str(error)}],
                }
            if as_json:
                emit(entry)
            bar.advance()
    return Exit.BLOCKED if refused else Exit.FINE


def _judge(
    inputs: Sequence[Path],
    label: str,
    judge: Callable[[Path], tuple[bool, dict[str, object]]],
    *,
    as_json: bool,
) -> int:
    failed = 0
    with progress_bar(label, len(inputs)) as bar:
        for path in inputs:
            try:
                passed, entry = judge(path)
            except OSError as error:
                say(f"{path}: cannot be read: {error}")
                passed, entry = False, {"file": str(path), "error": str(error)}
            failed += not passed
            if as_json:
                emit(entry)
            bar.advance()
    return Exit.BLOCKED if failed else Exit.FINE


def _deliver(data: bytes, target: Path | None) -> None:
    if target is None:
        typer.get_binary_stream("stdout").write(data)
    else:
        write_whole(target, data)


def _passphrase(file: Path | None) -> str:
    if file is not None:
        return file.read_text("utf-8").rstrip("\r\n")
    return str(typer.prompt("passphrase", hide_input=True, err=True))


def _moment(at: str | None) -> datetime:
    if at is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise typer.BadParameter("not an ISO 8601 time", param_hint="--at") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _trust_folder(trust: Path | None) -> Path:
    from claims.runtime.settings import load_settings

    return trust or load_settings().trust_folder


def _registrations(trust: Path | None) -> Callable[[str, str, datetime], bool] | None:
    """Return the registrations in the folder's facilities.csv, or None when it has no such file."""
    file = None if trust is None else trust / "facilities.csv"
    if file is None or not file.is_file():
        return None
    with file.open(encoding="utf-8-sig", newline="") as lines:
        known = {(row[0].strip(), row[1].strip().lower()) for row in csv.reader(lines) if len(row) > 1}
    return lambda facility, sha256, _at: (facility, sha256) in known
