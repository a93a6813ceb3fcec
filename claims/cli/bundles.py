"""Checking bundles as files, and what every command over several files shares."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from claims.bundle.findings import Severity
from claims.cli.inputs import Inputs, output_paths, read_input, write_whole
from claims.cli.output import AsJson, Exit, emit, progress_bar, say
from claims.cli.trust import At, Facility, Trust, moment, registrations

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File, or a folder when there are several inputs.")
]


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
    from claims.checking.check import CheckPolicy, CheckTerms, SignatureTerms, check_bundle
    from claims.checking.report import report_to_json
    from claims.cli.showing import place_of
    from signing.certificates import TrustStore
    from signing.policy import DEFAULT_POLICY

    now, registered = moment(at), registrations(trust)
    signature = None
    if trust is not None:
        signature = SignatureTerms(TrustStore.load(trust), DEFAULT_POLICY, registered or (lambda *_: True))
    policy = CheckPolicy(unknown_fields=unknown_fields)
    terms = CheckTerms(signature=signature, expected_facility=facility, policy=policy)

    def check_one(path: Path) -> tuple[bool, dict[str, object]]:
        report = check_bundle(
            read_input(path),
            at=now,
            terms=terms,
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

    return judge(inputs, "checking", check_one, as_json=as_json)


def each(
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


def judge(
    inputs: Sequence[Path],
    label: str,
    judge: Callable[[Path], tuple[bool, dict[str, object]]],
    *,
    as_json: bool,
) -> int:
    """Judge every input and say whether all passed; one that cannot be read never stops the rest."""
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


def deliver(data: bytes, target: Path | None) -> None:
    """Write a result to its file, or to standard output."""
    if target is None:
        typer.get_binary_stream("stdout").write(data)
    else:
        write_whole(target, data)
