"""Verifying the signatures of bundles, as files, and reporting on it. Needs no service and no server."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.bundles import Output, deliver, judge
from claims.cli.inputs import MAX_BYTES, Inputs, TooLargeInput, find_files, free_path, read_input
from claims.cli.output import AsJson, Language, say
from claims.cli.trust import (
    AllowedNetworks,
    At,
    Facility,
    Online,
    Policy,
    Trust,
    moment,
    online_trust,
    registrations,
    trust_folder,
)

if TYPE_CHECKING:
    from claims.authorities.revocation import OnlineTrust
    from signing.errors import RecordUnreadable, Unparsable
    from signing.report.report import Report, Terms
    from signing.trust import TrustStore


_BEFORE_VALUES = (b"[", b"{", b",")
# A report has hundreds, and others in its texts.
_MOST_VALUES = 500_000


class _ReportKind(StrEnum):
    HTML = "html"
    JSON = "json"
    ETSI = "etsi"


Lists = Annotated[
    list[Path] | None,
    typer.Option("--crl", help="Further lists or OCSP responses (PEM or DER).", exists=True, dir_okay=False),
]


def verify(
    inputs: Inputs,
    trust: Trust = None,
    crl: Lists = None,
    at: At = None,
    facility: Facility = None,
    policy: Policy = None,
    online: Online = False,
    allow_network: AllowedNetworks = None,
    report: Annotated[
        _ReportKind | None,
        typer.Option(
            "--report",
            help="Write a report: html to read and print; json with all facts, which --recompute reads; "
            "etsi: XML after ETSI TS 119 102-2.",
        ),
    ] = None,
    output: Output = None,
    recompute: Annotated[
        bool,
        typer.Option(
            "--recompute",
            help="The inputs are reports (json): reach each verdict again from its facts.",
        ),
    ] = False,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Verify the signature of bundles, and nothing else.

    Says of every input what was found, in one sentence. Exit code 0 only if every signature is TOTAL-PASSED.
    With --online the authorities that the certificates name are asked who is revoked; where they do not
    answer, the verdict is INDETERMINATE, to be tried later.
    """
    from claims.cli.pages import describe_reason
    from claims.cli.signing_words import describe_unreadable, speaking
    from signing.canonical import DEFAULT_LIMITS
    from signing.errors import RecordUnreadable, Unparsable
    from signing.report.as_json import report_to_json
    from signing.report.words import describe_report

    paths = find_files(inputs)
    if report is not None and output is None and (as_json or (report is _ReportKind.JSON and len(paths) > 1)):
        raise typer.BadParameter("say where the reports go", param_hint="--output")
    _require("--report", report, where=output, name="--output")
    _require("--online", online, where=allow_network, name="--allow-network")
    if recompute and any((trust, crl, at, facility, policy, online)):
        raise typer.BadParameter("a report holds its own terms: give no others", param_hint="--recompute")
    with speaking(language):
        terms = None if recompute else _terms(trust, crl, at, facility, policy)
    asking = online_trust(terms.trust, allow_network or ()) if terms is not None and online else None
    most = MAX_BYTES if recompute else DEFAULT_LIMITS.max_bytes
    made: list[tuple[Path, Report]] = []

    def verify_one(path: Path) -> tuple[bool, dict[str, object]]:
        started = time.perf_counter()
        data = b""
        try:
            data = _read(path, most)
            done = _recompute(data) if terms is None else _report_on(data, terms, asking)
        except (OSError, RecordUnreadable, Unparsable) as error:
            sentence = {each: describe_unreadable(error, each, data) for each in ("vi", "en")}
            say(f"{path}: {sentence[language]}")
            return False, _not_judged(path, error, terms, sentence)
        if report is not None:
            made.append((path, done))
        verdict = done.verdict
        say(f"{path}: {verdict.indication}: {describe_report(done, language)}")
        for reason in (*verdict.reasons, *verdict.warnings):
            say(f"    {reason}: {describe_reason(reason, language)}")
        simple = report_to_json(done)["simple"]
        ms = round((time.perf_counter() - started) * 1000, 3)
        return verdict.has_passed, {"file": str(path), **dict(simple), "ms": ms}  # type: ignore[call-overload]

    code = judge(paths, "verifying", verify_one, as_json=as_json)
    if report is not None and made:
        _write(report, made, output, language)
    return code


def _require(needed: str, there: object, *, where: object, name: str) -> None:
    """Refuse an option that would say nothing, since another one is missing."""
    if where and not there:
        raise typer.BadParameter(f"says nothing without {needed}", param_hint=name)


def _terms(
    trust: Path | None,
    crl: Sequence[Path] | None,
    at: str | None,
    facility: str | None,
    policy: Path | None,
) -> "Terms":
    from signing.policy import DEFAULT_POLICY, load_policy
    from signing.report.report import Terms
    from signing.trust import TrustStore

    store = TrustStore.load(trust_folder(trust))
    return Terms(
        trust=_with_lists(store, crl or ()),
        at=moment(at),
        policy=DEFAULT_POLICY if policy is None else load_policy(policy),
        facility=facility,
        registered=registrations(trust),
    )


def _with_lists(store: "TrustStore", paths: Sequence[Path]) -> "TrustStore":
    from signing.trust_files import load_revocation_sources

    sources = [source for path in paths for source in load_revocation_sources(path)]
    return store.with_evidence((), sources) if sources else store


def _read(path: Path, most: int) -> bytes:
    from signing.errors import Unparsable

    try:
        return read_input(path, most=most)
    except TooLargeInput as error:
        raise Unparsable("too-large", str(error)) from error


def _report_on(data: bytes, terms: "Terms", asking: "OnlineTrust | None") -> "Report":
    from signing.canonical import parse
    from signing.elements import Refused
    from signing.facts import read_facts
    from signing.report.record import certificates_of
    from signing.report.report import report_on

    if asking is None:
        return report_on(data, terms)
    try:
        certificates = list(certificates_of(read_facts(parse(data), terms.policy)))
    except Refused:
        certificates = []  # the report says why
    return report_on(data, replace(terms, trust=asking.prepared_for(certificates, at=terms.at)))


def _recompute(data: bytes) -> "Report":
    from signing.errors import RecordUnreadable
    from signing.report.as_json import report_from_json

    # Two bytes of JSON can cost the reader sixty of memory.
    if sum(map(data.count, _BEFORE_VALUES)) > _MOST_VALUES:
        raise RecordUnreadable("it holds more than any report")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RecordUnreadable(f"it is not JSON: {error}") from error
    return report_from_json(document)


def _not_judged(
    path: Path,
    error: "OSError | RecordUnreadable | Unparsable",
    terms: "Terms | None",
    sentence: "Mapping[str, str]",
) -> dict[str, object]:
    """Return what is said of an input that comes to no report: all that is said of others, and no more."""
    from signing.verdict import Indication, Level, SubIndication

    entry: dict[str, object] = {
        "file": str(path),
        "indication": Indication.TOTAL_FAILED.value,
        "sub_indication": SubIndication.FORMAT_FAILURE.value,
        "reasons": [getattr(error, "code", "report.unreadable")],
        "warnings": [],
        "information": [],
        "signer": None,
        "level": Level.PLAIN.value,
        "scope": None,
        "signing_time": None,
        "best_signature_time": None,
        "facility": terms and terms.facility,
        "at": terms and terms.at.isoformat(),
        "sentence": sentence,
        "ms": 0.0,
    }
    if isinstance(error, OSError):
        # EN 319 102-1, 5.1.3: nothing is wrong with what nobody has seen.
        entry |= {
            "indication": Indication.INDETERMINATE.value,
            "sub_indication": SubIndication.SIGNED_DATA_NOT_FOUND.value,
            "reasons": ["file.unreadable"],
            "error": str(error),
        }
    return entry


def _write(
    kind: _ReportKind, made: Sequence[tuple[Path, "Report"]], output: Path | None, language: str
) -> None:
    """Write one document for all; of JSON one each, which is what is kept with a file."""
    from claims.cli.pages import signature_page
    from signing.report.as_etsi import report_to_etsi
    from signing.report.as_json import report_to_json

    if kind is _ReportKind.HTML:
        deliver(signature_page([(str(path), one) for path, one in made], language), output)
    elif kind is _ReportKind.ETSI:
        deliver(report_to_etsi(one for _, one in made), output)
    else:
        documents = [(path, _dump(report_to_json(one))) for path, one in made]
        if len(documents) == 1 and not (output and output.is_dir()):
            deliver(documents[0][1], output)
            return
        folder, taken = output or Path(), set[Path]()
        for path, document in documents:
            deliver(document, free_path(folder, path.name, ".report.json", taken))


def _dump(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
