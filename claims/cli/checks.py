"""Checking bundles as files: what a check is told, and running it over many files on every core."""

import gc
import signal
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Severity
from claims.checking.report import StageName
from claims.cli.history import source_of
from claims.cli.inputs import read_input
from claims.cli.trust import registrations

if TYPE_CHECKING:
    from claims.catalogues.catalogue import Catalogue
    from claims.checking.check import CheckTerms
    from claims.checking.formats.checked import CheckedFile
    from claims.checking.history.memory import MemoryHistory

#: A process takes half a second to start; fewer files are done sooner without.
_FEW: Final = 40
_AHEAD: Final = 8  # files that wait for each process, so that memory does not grow with their number
_STDIN: Final = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What a check was told, in plain values that travel to another process."""

    at: datetime
    trust: Path | None = None
    facility: str | None = None
    catalogue: Path | None = None
    policy: Path | None = None
    own_rules: Path | None = None
    unknown_fields: Severity | None = None
    until: StageName = StageName.HISTORY
    records_in: str | None = None
    history: "MemoryHistory | None" = None


@dataclass(slots=True)
class Tally:
    """What many checks came to."""

    files: int = 0
    blocked: int = 0
    codes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, file: "CheckedFile") -> None:
        """Count a file in."""
        self.files += 1
        self.blocked += not file.is_acceptable
        self.codes.update((one["code"], one["severity"]) for one in file.findings)


def make_terms(options: CheckOptions, *, tell_in: str | None = None) -> "CheckTerms":
    """Make the terms of a check; with a language, tell people what is wrong with the catalogue.

    Raises:
        ClaimsError: The policy, the own rules or the catalogue cannot be used.
        SigningError: The trust folder cannot.
    """
    from claims.checking.check import CheckTerms, SignatureTerms
    from claims.checking.own.rules import NO_OWN_RULES
    from claims.checking.own.trying import open_own_rules
    from claims.checking.policy import CheckPolicy
    from claims.checking.policy_file import load_policy
    from signing.policy import DEFAULT_POLICY
    from signing.trust import TrustStore

    signature = None
    if options.trust is not None:
        registered = registrations(options.trust) or (lambda *_: True)
        signature = SignatureTerms(TrustStore.load(options.trust), DEFAULT_POLICY, registered)
    own = NO_OWN_RULES if options.own_rules is None else open_own_rules(options.own_rules)
    policy = CheckPolicy() if options.policy is None else load_policy(options.policy, own_codes=own.rules)
    if options.unknown_fields is not None:
        policy = replace(policy, unknown_fields=options.unknown_fields)
    return CheckTerms(
        signature=signature,
        expected_facility=options.facility,
        policy=policy,
        catalogue=_catalogue(options.catalogue, tell_in),
        own_rules=own,
        until=options.until,
    )


def _catalogue(folder: Path | None, tell_in: str | None) -> "Catalogue | None":
    from claims.catalogues.loading import load_catalogue
    from claims.cli.catalogues import load_lists

    if folder is None or tell_in is not None:
        return load_lists(folder, tell_in or "")
    return load_catalogue(folder).catalogue


def check_file(path: Path, options: CheckOptions, terms: "CheckTerms") -> "CheckedFile":
    """Check one file; one that cannot be read is said so."""
    from claims.checking.formats.checked import CheckedFile

    try:
        data = read_input(path)
    except OSError as error:
        return CheckedFile(str(path), None, str(error))
    return check_data(path, data, options, terms)


def check_data(path: Path, data: bytes, options: CheckOptions, terms: "CheckTerms") -> "CheckedFile":
    """Check the bytes of a file."""
    from claims.checking.check import check_bundle
    from claims.checking.formats.checked import CheckedFile, describe_check
    from claims.checking.needs import Need

    if options.history is not None:
        terms = replace(terms, more={Need.HISTORY: options.history.seen_by(source_of(path))})
    try:
        report = check_bundle(data, at=options.at, terms=terms)
        return describe_check(str(path), data, report, records_in=options.records_in)
    except Exception as error:  # noqa: BLE001 - a fault of ours in one file must not stop the rest
        return CheckedFile(str(path), None, f"a fault in eHoSo: {type(error).__name__}: {error}")


def check_files(
    paths: Sequence[Path], options: CheckOptions, terms: "CheckTerms", *, jobs: int
) -> Iterator["CheckedFile"]:
    """Check files in their order, on several cores when there are many."""
    if jobs == 1 or len(paths) < _FEW or _STDIN in paths:
        for path in paths:
            yield check_file(path, options, terms)
        return
    waiting = deque(paths)
    while waiting:
        # A file that takes its process down takes the pool with it: what waits goes on in a new one.
        yield from _check_in_pool(waiting, options, jobs)


def _check_in_pool(waiting: deque[Path], options: CheckOptions, jobs: int) -> Iterator["CheckedFile"]:
    from claims.checking.formats.checked import CheckedFile

    running: deque[tuple[Path, Future[CheckedFile]]] = deque()
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_start, initargs=(options,))
    try:
        while waiting or running:
            while waiting and len(running) < jobs * _AHEAD:
                path = waiting.popleft()
                running.append((path, pool.submit(_check_here, path)))
            path, future = running[0]
            try:
                checked = future.result()
            except BrokenProcessPool:
                waiting.extendleft(path for path, _ in reversed(running))
                running.clear()
                yield _check_alone(waiting.popleft(), options)
                return
            running.popleft()
            yield checked
    except BrokenProcessPool:  # between two files
        waiting.extendleft(path for path, _ in reversed(running))
    finally:
        # Nothing that waits is begun any more, also when the reader stops halfway.
        pool.shutdown(wait=False, cancel_futures=True)


def _check_alone(path: Path, options: CheckOptions) -> "CheckedFile":
    """Check one file in a process of its own, which it may take down."""
    from claims.checking.formats.checked import CheckedFile

    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=_start, initargs=(options,)
    ) as pool:
        try:
            return pool.submit(_check_here, path).result()
        except BrokenProcessPool:
            return CheckedFile(str(path), None, "the process that checked it died; is it out of memory?")


_here: list[tuple[CheckOptions, "CheckTerms"]] = []  # of a process that checks: what it was told


def _start(options: CheckOptions) -> None:
    """Prepare a process for its files."""
    from claims.cli import use_format_folder_of_environment

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears it and ends the others
    use_format_folder_of_environment()
    gc.freeze()
    _here.append((options, make_terms(options)))


def _check_here(path: Path) -> "CheckedFile":
    ((options, terms),) = _here
    return check_file(path, options, terms)


def summary_to_json(tally: Tally) -> Mapping[str, object]:
    """Return what many checks came to as a JSON object."""
    return {
        "files": tally.files,
        "blocked": tally.blocked,
        "codes": [
            {"code": code, "severity": severity, "count": count}
            for (code, severity), count in tally.codes.most_common()
        ],
    }
