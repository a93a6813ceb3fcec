"""`claims build`: from what an EMR has to unsigned bundles, one for each claim."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from claims.cli.catalogues import CatalogueFolder, SystemsFile, load_lists, load_options
from claims.cli.inputs import (
    MAX_EXPORT_BYTES,
    Inputs,
    find_files,
    free_path,
    is_folder,
    read_input,
    stem_of,
    write_whole,
)
from claims.cli.output import AsJson, Bar, Exit, Language, emit, progress_bar, say
from claims.cli.parts import Parts

if TYPE_CHECKING:
    from claims.building.build import BuildSettings, Built
    from claims.building.reasons import Refused, Told
    from claims.catalogues.catalogue import Catalogue
    from claims.emr.encounter import Encounter
    from claims.emr.formats import ReadingOptions
    from claims.emr.inputs import Oddity, ReadEncounters
    from claims.emr.recognizing import Format

_REFUSED: Final = {"vi": "bị từ chối", "en": "refused"}
_MORE: Final = {
    "vi": "và {count} phát hiện khác; --json liệt kê tất cả",
    "en": "and {count} more; --json lists them all",
}
_MOST_TOLD: Final = 20  # findings of a claim on the screen
_NOT_IN_A_NAME: Final = re.compile(r"[^\w.-]+")


class _Format(StrEnum):
    AUTO = "auto"
    ENCOUNTER = "encounter"
    FHIR = "fhir"
    HL7 = "hl7"


def build(
    inputs: Inputs,
    input_format: Annotated[
        _Format, typer.Option("--format", help="What the inputs are; auto looks at each.")
    ] = _Format.AUTO,
    facility: Annotated[
        str | None, typer.Option("--facility", help="The facility whose encounters these are.")
    ] = None,
    catalogue: CatalogueFolder = None,
    mapping: SystemsFile = None,
    decision: Annotated[
        str,
        typer.Option(
            "--decision", help="Layout and formulas: auto (by the day the visit ends), 130, 4750, 3176."
        ),
    ] = "auto",
    draft: Annotated[
        bool,
        typer.Option(
            "--draft", help="Build what has gaps too: codes stay as they are, missing prices are zero."
        ),
    ] = False,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", help="Write where each value came from to this file.", dir_okay=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File; or folder, which several claims need."),
    ] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Build unsigned bundles from encounter documents, FHIR R4 or R5 bundles, and HL7 v2 messages.

    Each encounter that is over makes one bundle. HL7 messages of all inputs are put together by visit, and
    so are the files of a folder that hold FHIR resources of one type each, as a bulk export writes them.
    Without --output and --json a single bundle is written to standard output. What makes no claim
    is refused with its reasons, and never stops the rest: exit code 1.
    """
    from claims.building.build import BuildSettings
    from claims.emr.recognizing import Format
    from claims.localtime import local_date

    if trace is not None and str(trace) == "-" and (as_json or output is None):
        raise typer.BadParameter("standard output has something else to hold", param_hint="--trace")
    bench = _Bench(
        settings=BuildSettings(decision=_known_decision(decision)),
        made_on=local_date(datetime.now(UTC)),
        kind=None if input_format is _Format.AUTO else Format(input_format.value),
        options=load_options(mapping, facility=facility),
        facility=facility,
        catalogue=load_lists(catalogue, language),
        is_draft=draft,
        keeps_trace=trace is not None,
    )
    files = find_files(inputs)
    if output is None and not as_json and len(files) > 1:
        raise typer.BadParameter("several inputs: say where the results go", param_hint="--output")
    desk = _Desk(output, language=language, as_json=as_json, inputs=len(files))
    with progress_bar("building", len(files)) as bar:
        for outcome in bench.outcomes(files, bar):
            desk.hand_over(outcome)
            bar.advance()
    if trace is not None:
        document = {"claims": [claim for built in desk.traced for claim in built]}
        write_whole(trace, json.dumps(document, ensure_ascii=False, indent=1).encode())
    return Exit.BLOCKED if desk.refused else Exit.FINE


@dataclass(slots=True)
class _Outcome:
    """What became of one input."""

    path: Path
    built: list["Built"] = field(default_factory=list)
    traces: list[Mapping[str, object]] = field(default_factory=list)
    refused: "list[Refused]" = field(default_factory=list)
    oddities: Sequence["Oddity"] = ()


@dataclass(frozen=True, slots=True)
class _Opened:
    """An input that was opened, before its encounters are read."""

    path: Path
    kind: "Format | None"
    data: bytes
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """Turns inputs into bundles."""

    settings: "BuildSettings"
    made_on: date
    kind: "Format | None"
    options: "ReadingOptions"
    facility: str | None
    catalogue: "Catalogue | None"
    is_draft: bool
    keeps_trace: bool
    episodes: set[tuple[str, str]] = field(default_factory=set)

    def outcomes(self, files: Sequence[Path], bar: Bar) -> Iterator[_Outcome]:
        """Build every input, in order; what belongs together over several comes last."""
        from claims.emr.hl7.inputs import read_hl7_inputs
        from claims.emr.recognizing import Format

        waiting: list[_Opened] = []
        parts = Parts(is_alone=len(files) == 1)
        for path in files:
            opened = self._open(path)
            if parts.take(path, opened.kind, opened.data):
                continue
            if waiting or opened.kind is Format.HL7:
                waiting.append(opened)
            else:
                yield self._build(opened.path, self._read(opened), bar)
        messages = [opened.data for opened in waiting if opened.kind is Format.HL7]
        folded = read_hl7_inputs(messages, options=self.options.hl7)
        for opened in waiting:
            read = next(folded) if opened.kind is Format.HL7 else self._read(opened)
            yield self._build(opened.path, read, bar)
        for path, count, read in parts.read(self.options):
            bar.expect(1 - count)
            yield self._build(path, read, bar)

    def _open(self, path: Path) -> _Opened:
        from claims.emr.recognizing import detect_format

        try:
            data = read_input(path, most=MAX_EXPORT_BYTES)
        except OSError as error:
            return _Opened(path, None, b"", f"it cannot be read: {error.strerror or error}")
        return _Opened(path, self.kind or detect_format(data), data)

    def _read(self, opened: _Opened) -> "ReadEncounters":
        from claims.emr.formats import read_encounters
        from claims.emr.inputs import ReadEncounters, Refusal

        if opened.kind is None:
            return ReadEncounters((), (Refusal("", "unreadable", opened.error or ""),))
        return read_encounters(opened.data, opened.kind, self.options)

    def _build(self, path: Path, read: "ReadEncounters", bar: Bar) -> _Outcome:
        from claims.building.reasons import Refused, told_of_reading

        outcome = _Outcome(path, oddities=read.oddities)
        named: dict[str, list[Told]] = {}
        for one in read.refused:
            told = told_of_reading(one.code, one.pointer or None, one.detail)
            named.setdefault(one.encounter, []).append(told)
        outcome.refused += (Refused(name or None, reasons) for name, reasons in named.items())
        bar.expect(len(read.encounters) - 1)
        for number, encounter in enumerate(read.encounters):
            self._build_one(encounter, outcome)
            if number:
                bar.advance()
        return outcome

    def _build_one(self, encounter: "Encounter", outcome: _Outcome) -> None:
        from claims.building.build import CannotBuild, build_bundle
        from claims.building.reasons import Refused, told_of_building, told_of_reading
        from claims.building.trace import trace_to_json
        from claims.emr.inputs import Oddity

        name = _name_of(encounter)
        if self.facility is not None and encounter.facility not in {"", self.facility}:
            reason = f"it is of facility {encounter.facility}, not {self.facility}"
            told = told_of_reading("other-facility", "/facility", reason)
            outcome.refused.append(Refused(name, [told]))
            return
        try:
            built = build_bundle(
                [encounter],
                made_on=self.made_on,
                settings=self.settings,
                catalogue=self.catalogue,
                draft=self.is_draft,
            )
        except CannotBuild as error:
            # A draft is never refused for a gap, so a gap is no reason to name.
            reasons = [one for one in error.reasons if not (self.is_draft and one.is_gap)]
            outcome.refused.append(Refused(name, [*map(told_of_building, reasons or error.reasons)]))
            return
        episode = encounter.facility, built.claims[0].ma_lk
        if episode in self.episodes:
            detail = f"another encounter of this run has the key {episode[1]}: the one sent later replaces it"
            outcome.oddities = (*outcome.oddities, Oddity("", "same-episode", detail))
        self.episodes.add(episode)
        outcome.built.append(built)
        if self.keeps_trace:
            outcome.traces.append(trace_to_json(built))


@dataclass(slots=True)
class _Desk:
    """Hands over what was built: files, JSON lines, and sentences for people."""

    output: Path | None
    language: str
    as_json: bool
    inputs: int
    refused: int = 0
    traced: list[Sequence[Mapping[str, object]]] = field(default_factory=list)
    taken: set[Path] = field(default_factory=set)

    def hand_over(self, outcome: _Outcome) -> None:
        """Write the bundles of one input and say what became of it."""
        files = [self._write(outcome, built) for built in outcome.built]
        self.refused += len(outcome.refused)
        for traced in outcome.traces:
            self.traced.append(traced["claims"])  # type: ignore[arg-type]  # a list of objects by its own schema
        if self.as_json:
            emit(_to_json(outcome, files))
        self._tell(outcome, files)

    def _write(self, outcome: _Outcome, built: "Built") -> Path | None:
        if self.output is None:
            if not self.as_json:
                self._write_to_standard_output(outcome, built)
            return None
        several = len(outcome.built) > 1
        if not is_folder(self.output, max(self.inputs, len(outcome.built))):
            target = self.output
        else:
            ma_lk = _NOT_IN_A_NAME.sub("_", built.claims[0].ma_lk)
            stem = stem_of(outcome.path) or Path.cwd().stem
            target = free_path(self.output, f"{stem}-{ma_lk}" if several else stem, ".xml", self.taken)
        write_whole(target, built.bundle)
        return target

    def _write_to_standard_output(self, outcome: _Outcome, built: "Built") -> None:
        if len(outcome.built) > 1:
            raise typer.BadParameter("the input holds several claims: name a folder", param_hint="--output")
        typer.get_binary_stream("stdout").write(built.bundle)

    def _tell(self, outcome: _Outcome, files: Sequence[Path | None]) -> None:
        from claims.bundle.messages import describe
        from claims.cli.showing import words
        from claims.emr.scalars import plain
        from claims.emr.words import in_words

        for odd in outcome.oddities:
            odd_words = in_words(odd.code, odd.detail, self.language)
            place = f"{outcome.path}: {odd.pointer}" if odd.pointer else str(outcome.path)
            say(f"{place}: {odd_words}")
        for built, file in zip(outcome.built, files, strict=True):
            claim = built.claims[0]
            tables = ", ".join(f"{kind} {len(rows)}" for kind, rows in claim.tables.items())
            totals = f"T_TONGCHI_BV {plain(claim.totals.t_tongchi_bv)}, T_BHTT {plain(claim.totals.t_bhtt)}"
            say(f"{outcome.path}: {claim.ma_lk}: {tables}; {totals}" + (f" → {file}" if file else ""))
            for finding in built.findings[:_MOST_TOLD]:
                severity = words(self.language)[finding.severity]
                say(f"  {severity:8} {finding.code}: {describe(finding, self.language)}")
            if len(built.findings) > _MOST_TOLD:
                say("  " + _MORE[self.language].format(count=len(built.findings) - _MOST_TOLD))
        for refused in outcome.refused:
            name = f"{refused.encounter}: " if refused.encounter else ""
            say(f"{outcome.path}: {_REFUSED[self.language]}: {name}{refused.reason(self.language)}")


def _to_json(outcome: _Outcome, files: Iterable[Path | None]) -> dict[str, object]:
    return {
        "input": str(outcome.path),
        "claims": [_claim_to_json(built, file) for built, file in zip(outcome.built, files, strict=True)],
        "refused": [
            {
                "encounter": one.encounter,
                "reason": one.reason(),
                "reasons": [told.to_json() for told in one.reasons],
            }
            for one in outcome.refused
        ],
        "oddities": [
            {"pointer": odd.pointer, "code": odd.code, "detail": odd.detail} for odd in outcome.oddities
        ],
    }


def _claim_to_json(built: "Built", file: Path | None) -> dict[str, object]:
    from claims.bundle.messages import finding_to_json
    from claims.emr.scalars import plain

    claim = built.claims[0]
    return {
        "ma_lk": claim.ma_lk,
        "tables": {kind.value: len(rows) for kind, rows in claim.tables.items()},
        "totals": {
            "T_TONGCHI_BV": plain(claim.totals.t_tongchi_bv),
            "T_TONGCHI_BH": plain(claim.totals.t_tongchi_bh),
            "T_BHTT": plain(claim.totals.t_bhtt),
        },
        "findings": [finding_to_json(finding) for finding in built.findings],
        "file": None if file is None else str(file),
    }


def _name_of(encounter: "Encounter") -> str | None:
    visit = encounter.encounter
    return visit.link_id or next(iter(visit.origin), None) or visit.record_no or None


def _known_decision(decision: str) -> str | None:
    from xsd.catalog import default_catalog

    if decision == "auto":
        return None
    known = sorted({schema.decision for schema in default_catalog().schemas}, key=int)
    if decision not in known:
        raise typer.BadParameter(f"auto, {', '.join(known)}", param_hint="--decision")
    return decision
