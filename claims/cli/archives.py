"""Archives of submissions: fetching them from the service, and checking and renewing them without it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.bundles import Output, deliver
from claims.cli.inputs import Inputs, TooLargeInput, expand, read_input
from claims.cli.output import AsJson, Exit, Language, emit, progress_bar, say
from claims.cli.proof_words import sentence
from claims.cli.submissions import KeyFile, Url, open_api
from claims.cli.trust import At, Policy, Trust, moment, trust_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import CertificateRevocationList

    from claims.proof.verdict import ArchiveVerdict
    from signing.policy import Policy as SignaturePolicy
    from signing.trust import TrustStore

archives = typer.Typer(
    help="Everything that proves a submission, in one file: fetch it, check it offline, renew it.",
    no_args_is_help=True,
)


class _ReportKind(StrEnum):
    HTML = "html"


@archives.command("export")
def export(
    ids: Annotated[list[str], typer.Argument(help="Submission ids, sub_….", show_default=False)],
    folder: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the files, each named by its submission.")
    ] = Path(),
    url: Url = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Fetch the archives of submissions from the service.

    What is refused is named, and the others are fetched all the same; the exit code is 1 then.
    """
    from claims.client import ApiRefused, NotNow, NotTheService

    folder.mkdir(parents=True, exist_ok=True)
    refused = 0
    with open_api(url, key_file) as api, progress_bar("fetching", len(ids)) as bar:
        for submission_id in ids:
            path = folder / f"{submission_id}.asice"
            why = ""
            try:
                deliver(api.archive(submission_id), path)
            except (ApiRefused, NotNow, NotTheService) as refusal:
                why = f"{submission_id}: {refusal}"
            refused += bool(why)
            say(why or str(path))
            if as_json:
                emit({"id": submission_id, "file": None if why else str(path)})
            bar.advance()
    return Exit.BLOCKED if refused else Exit.FINE


@archives.command("verify")
def verify(
    inputs: Inputs,
    trust: Trust = None,
    at: At = None,
    policy: Policy = None,
    report: Annotated[
        _ReportKind | None, typer.Option("--report", help="Write a page to read and print: html.")
    ] = None,
    output: Output = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Check archives without a network, a database or the service: only anchors of trust are needed.

    Exit code 0 only if everything holds of every archive.
    """
    from claims.cli.pages import archive_page
    from claims.cli.signing_words import speaking
    from signing.trust import TrustStore

    with speaking(language):
        terms, store = _terms(policy), TrustStore.load(trust_folder(trust))
    when, paths = moment(at), _archives(inputs, language)
    made: list[tuple[str, ArchiveVerdict]] = []
    with progress_bar("verifying", len(paths)) as bar:
        for path in paths:
            verdict = _judge(path, store, when, terms)
            made.append((str(path), verdict))
            _tell(path, verdict, language)
            if as_json:
                emit(_to_json(path, verdict))
            bar.advance()
    if report is not None:
        deliver(archive_page(made, language), output)
    return Exit.FINE if made and all(verdict.holds for _, verdict in made) else Exit.BLOCKED


@archives.command("renew")
def renew(
    inputs: Inputs,
    tsa: Annotated[
        list[str] | None,
        typer.Option("--tsa", help="Time-stamping authorities; otherwise CLAIMS_TIMESTAMP_URLS."),
    ] = None,
    trust: Trust = None,
    policy: Policy = None,
    before: Annotated[
        int | None,
        typer.Option("--ending-within-days", help="Only those whose last protection ends so soon.", min=0),
    ] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Add an archive timestamp (XAdES B-LTA) to archives, each in its place, while what protects them holds.

    Run it by schedule with --ending-within-days, and keep trust/crls fresh: each renewal puts in the lists.
    """
    from claims.authorities.timestamping import HttpTimestampAuthority
    from claims.cli.proof_words import describe_obstacle
    from claims.cli.signing_words import speaking
    from claims.proof import words
    from claims.proof.container import MOST_BYTES
    from claims.proof.errors import BrokenArchive, BrokenContainer
    from claims.proof.renewal import RenewArchive, ends_at
    from claims.runtime.settings import load_settings
    from signing.errors import CannotExtend, TimestampFailed
    from signing.trust import TrustStore

    now = datetime.now(UTC)
    with speaking(language):
        terms, store = _terms(policy), TrustStore.load(trust_folder(trust))
    urls = tsa or [url.strip() for url in load_settings().timestamp_urls.split(",") if url.strip()]
    if not urls:
        raise typer.BadParameter("say who gives timestamps", param_hint="--tsa")
    renewing = RenewArchive(HttpTimestampAuthority(urls), store, _lists(now), terms)
    failed, paths = 0, _archives(inputs, language)
    with progress_bar("renewing", len(paths)) as bar:
        for path in paths:
            bar.advance()
            ends, why = None, ""
            try:
                data = read_input(path, most=MOST_BYTES)
                ends = ends_at(data, terms)
                if before is not None and ends is not None and (ends - now).days > before:
                    continue
                deliver(renewing(data, at=now), path)
            except TooLargeInput:
                why = words.describe("container.too_large", language)
            except OSError:
                why = words.describe("container.unreadable", language)
            except (BrokenContainer, BrokenArchive) as error:
                why = words.describe(error.code, language, error.entry)
            except CannotExtend as error:
                why = describe_obstacle(error, language)
            except TimestampFailed as error:
                why = f"{sentence('archive.not_stamped', language)}: {error}"
            failed += bool(why)
            say(f"{path}: {why or sentence('archive.renewed', language)}")
            if as_json:
                emit({"file": str(path), "ended": ends, "renewed": not why})
    return Exit.BLOCKED if failed or not paths else Exit.FINE


def _archives(inputs: Sequence[Path], language: str) -> list[Path]:
    """Return the files that are meant; that there are none is said, and never passes for all is well."""
    paths = expand(inputs)
    if not paths:
        say(f"{', '.join(map(str, inputs))}: {sentence('archive.none', language)}")
    return paths


def _judge(path: Path, trust: TrustStore, at: datetime, policy: SignaturePolicy) -> ArchiveVerdict:
    from claims.proof.container import MOST_BYTES
    from claims.proof.verdict import no_archive
    from claims.proof.verification import verify_archive

    try:
        data = read_input(path, most=MOST_BYTES)
    except TooLargeInput:
        return no_archive("container.too_large")
    except OSError:
        return no_archive("container.unreadable")
    return verify_archive(data, trust=trust, at=at, policy=policy)


def _terms(policy: Path | None) -> SignaturePolicy:
    from claims.proof.service_signature import ARCHIVE_POLICY, archive_policy
    from signing.policy import load_policy

    return ARCHIVE_POLICY if policy is None else archive_policy(load_policy(policy))


def _lists(now: datetime) -> list[CertificateRevocationList]:
    """Return a fresh list of this installation's own keys, if they are here."""
    from claims.runtime.clock import SystemClock
    from claims.runtime.service_keys import FolderOfServiceKeys
    from claims.runtime.settings import load_settings

    folder = load_settings().evidence_keys_folder
    if not folder.is_dir():
        return []
    found = FolderOfServiceKeys(folder, SystemClock()).revocation_list(at=now)
    return [] if found is None else [found]


def _tell(path: Path, verdict: ArchiveVerdict, language: str) -> None:
    from claims.proof import words
    from claims.proof.verdict import Answer

    say(f"{path}: {words.title(language, holds=verdict.holds)}")
    for name, value in words.facts(verdict.facts, language):
        say(f"    {name}: {value}")
    marks = {Answer.HOLDS: "✓", Answer.BROKEN: "✗", Answer.ABSENT: "–"}
    for each in verdict.statements:
        if each.answer in marks:
            said = f"{words.question(each, language)}: {words.answer(each, language)}"
            say(f"  {marks[each.answer]} {said}")
        if each.code:
            say(f"      {words.fault(each, language)}")
    if verdict.holds:
        say(f"    {words.as_of(verdict.facts, language)}")
    left = sum(each.answer is Answer.NOT_ASKED for each in verdict.statements)
    if left:
        say(f"  – {words.not_asked(left, language)}")


def _to_json(path: Path, verdict: ArchiveVerdict) -> dict[str, object]:
    return {
        "file": str(path),
        "holds": verdict.holds,
        "facts": dict(verdict.facts),
        "statements": [
            {"question": each.question, "answer": each.answer, "code": each.code, "place": each.place}
            for each in verdict.statements
        ],
    }
