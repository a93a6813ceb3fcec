"""Retention on the command line: holds, erasure, and handing archives over to another place."""

from __future__ import annotations

import getpass
from collections import Counter
from datetime import datetime
from typing import Annotated

import typer

from claims.cli.inputs import Reason
from claims.cli.output import AsJson, Exit, Language, emit, progress_bar, say
from claims.cli.proof_words import describe_error, sentence, speaking
from claims.localtime import VIETNAM

retention = typer.Typer(
    help="Hold submissions, and erase the content of those whose time is over.", no_args_is_help=True
)

Id = Annotated[str, typer.Argument(help="Submission id, sub_….", show_default=False)]


@retention.command("show")
def show(submission: Id, language: Language = "vi", as_json: AsJson = False) -> None:
    """Say how long a submission is kept, by the class of its claims, and whether it is held."""
    from claims.exchange.access.places import EVERYWHERE
    from claims.exchange.submission import SubmissionId
    from claims.runtime.start import open_service

    with speaking(language):
        found = open_service().retain.look(SubmissionId(submission), within=EVERYWHERE)
    states = (("retention.mark_held", found.is_held), ("retention.mark_erased", found.is_erased))
    marks = "".join(sentence(code, language) for code, is_so in states if is_so)
    kept = {"record_class": found.record_class, "until": found.kept_until.isoformat()}
    say(sentence("retention.kept", language, submission=submission, marks=marks, **kept))
    if as_json:
        newest = found.newest_hold_at
        emit(
            {
                "id": submission,
                "record_class": found.record_class,
                "kept_until": found.kept_until.isoformat(),
                "is_held": found.is_held,
                "newest_hold_at": None if newest is None else newest.isoformat(),
                "is_erased": found.is_erased,
            }
        )


@retention.command("hold")
def hold(submission: Id, reason: Reason, language: Language = "vi") -> None:
    """Let nothing of a submission be erased until it is released; the same reason twice is one hold."""
    from claims.exchange.access.places import EVERYWHERE
    from claims.exchange.submission import SubmissionId
    from claims.runtime.start import open_service

    with speaking(language):
        open_service().retain.hold(
            SubmissionId(submission), within=EVERYWHERE, actor=getpass.getuser(), reason=reason
        )
    say(sentence("retention.held", language, submission=submission))


@retention.command("release")
def release(
    submission: Id,
    reason: Reason,
    seen: Annotated[
        datetime | None,
        typer.Option(
            "--seen",
            help="newest_hold_at of `show --json`: if it has been held again since, nothing is released.",
            formats=["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"],
        ),
    ] = None,
    language: Language = "vi",
) -> None:
    """End all holds on a submission."""
    from claims.exchange.access.places import EVERYWHERE
    from claims.exchange.submission import SubmissionId
    from claims.runtime.start import open_service

    with speaking(language):
        open_service().retain.release(
            SubmissionId(submission), within=EVERYWHERE, actor=getpass.getuser(), reason=reason, seen=seen
        )
    say(sentence("retention.released", language, submission=submission))


@retention.command("erase")
def erase(submission: Id, reason: Reason, language: Language = "vi") -> None:
    """Erase the content of a submission whose time is over; what proves that it existed stays.

    Bundle, origin, reports, what was read of its claims, assessments and reviews are deleted. Backups keep
    them for as long as they are kept themselves.
    """
    from claims.exchange.access.places import EVERYWHERE
    from claims.exchange.submission import SubmissionId
    from claims.runtime.start import open_service

    with speaking(language):
        open_service().retain.erase(
            SubmissionId(submission), within=EVERYWHERE, actor=getpass.getuser(), reason=reason
        )
    say(sentence("retention.erased", language, submission=submission))


def export(
    since: Annotated[
        datetime,
        typer.Option(
            "--since",
            help="Only what was received since: a moment, or a day as it begins in Vietnam.",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"],
        ),
    ],
    to: Annotated[str, typer.Option("--to", help="A folder, or s3://BUCKET/PREFIX (AWS_… variables).")],
    facility: Annotated[str | None, typer.Option("--facility", help="Only this facility's.")] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Write archives to a folder or an S3-compatible store; when it was broken off, run it again to go on.

    What is there is left alone until something happens to its submission: then it is written anew. What has
    no archive that could be written, or that the store does not take, is named, and the exit code is 1.
    """
    from claims.runtime.archive_store import open_archives
    from claims.runtime.handover import hand_over
    from claims.runtime.start import open_service

    moment = since if since.tzinfo else since.replace(tzinfo=VIETNAM)
    count: Counter[str] = Counter()
    with speaking(language):
        store = open_archives(to)
        try:
            with progress_bar("exporting", 0) as bar:
                for one in hand_over(
                    open_service(), store, since=moment, facility=facility, expect=bar.expect
                ):
                    bar.advance()
                    count["written"] += one.file is not None
                    count["left"] += one.error is not None
                    count["not_logged"] += not one.is_logged
                    if one.error is not None:
                        say(f"{one.submission}: {describe_error(one.error, language)}")
                    if as_json and one.error is not None:
                        emit({"id": one.submission, "error": str(one.error)})
                    if as_json and one.file is not None:
                        emit({"file": one.file})
        finally:
            say(sentence("export.done", language, count=count["written"], to=to))
            for each in ("left", "not_logged"):
                if count[each]:
                    say(sentence(f"export.{each}", language, count=count[each]))
    return Exit.BLOCKED if count["left"] else Exit.FINE
