"""Catalogues on the command line: look a facility's lists over, begin new ones, list what is missing."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from claims.cli.inputs import MAX_EXPORT_BYTES, Inputs, find_files, read_input, read_text
from claims.cli.output import AsJson, Exit, Language, emit, progress_bar, say
from claims.cli.parts import Parts

if TYPE_CHECKING:
    from claims.building.errors import Reason
    from claims.building.gaplist import Lacking
    from claims.catalogues.catalogue import Catalogue
    from claims.catalogues.loading import LoadedCatalogue
    from claims.catalogues.problems import CatalogueProblem
    from claims.emr.encounter import Encounter
    from claims.emr.formats import ReadingOptions
    from claims.emr.inputs import ReadEncounters

catalogues = typer.Typer(help="Facilities' price lists, staff and code maps.", no_args_is_help=True)

CatalogueFolder = Annotated[
    Path | None,
    typer.Option(
        "--catalogue", help="Folder of the facility's lists and code maps.", exists=True, file_okay=False
    ),
]
SystemsFile = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        help="TOML file that says which systems FHIR and HL7 codes come from.",
        exists=True,
        dir_okay=False,
    ),
]
Folder = Annotated[Path, typer.Argument(help="The catalogue's folder.", show_default=False)]
#: On a screen nobody reads more; --json has them all.
_SHOWN: Final = 100
_REFUSED: Final = {"vi": "không đọc được", "en": "refused"}
_CSV_HEADER: Final = {
    "vi": ("số lần", "tệp danh mục", "loại thiếu", "mã", "tên gọi", "trường", "ví dụ", "nội dung"),
    "en": ("count", "file", "gap", "code", "display", "field", "example", "what is missing"),
}
_MORE: Final = {
    "vi": "… và {count} mục nữa; --csv hoặc --json liệt kê đầy đủ",
    "en": "… and {count} more; --csv or --json lists them all",
}
_MORE_PROBLEMS: Final = {
    "vi": "… và {count} lỗi nữa; --json liệt kê đầy đủ",
    "en": "… and {count} more; --json lists them all",
}
_WRITTEN: Final = {"vi": "đã ghi {count} tệp vào {folder}", "en": "{count} files written to {folder}"}
_UNREADABLE: Final = {"vi": "không đọc được: {why}", "en": "cannot be read: {why}"}
_NO_LIST: Final = {"vi": "không có danh mục nào", "en": "no list"}
_NOTHING_WRONG: Final = {"vi": "không có lỗi", "en": "nothing wrong"}
_WEIGHTS: Final = {
    "vi": {"error": "{count} lỗi", "warning": "{count} cảnh báo"},
    "en": {"error": "{count} error(s)", "warning": "{count} warning(s)"},
}
_TOTAL: Final = {
    "vi": "Thiếu {kinds} mục, tổng cộng {count} lần",
    "en": "{kinds} thing(s) missing, {count} time(s)",
}


@catalogues.command("check")
def check_catalogue(folder: Folder, language: Language = "vi", as_json: AsJson = False) -> int:
    """Read a catalogue and report every row that cannot be used, with what to do about it.

    Exit code 1 if a row or a file is left out.
    """
    from claims.catalogues.loading import load_catalogue

    _require_folder(folder)
    found = load_catalogue(folder)
    counts = dict(_counts(found))
    if as_json:
        _emit_report(found, counts)
    _say_report(found, counts, language)
    return Exit.BLOCKED if found.has_errors else Exit.FINE


@catalogues.command("template")
def write_catalogue_template(folder: Folder, language: Language = "vi") -> None:
    """Write the files of a new catalogue: headers, one example row each, and a README."""
    from claims.catalogues.template import TemplateExists, write_template

    try:
        files = write_template(folder)
    except TemplateExists as error:
        raise typer.BadParameter(f"{error} is there already", param_hint="FOLDER") from error
    say(_WRITTEN[language].format(count=len(files), folder=folder))


@catalogues.command("gaps")
def list_catalogue_gaps(
    inputs: Inputs,
    catalogue: CatalogueFolder = None,
    mapping: SystemsFile = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Write the list as CSV to standard output, for a spreadsheet.")
    ] = False,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """List what a hospital's encounters still lack: each unmapped code, price or value once, with its count.

    Reads the same inputs as ``claims build``. Exit code 1 if anything is missing, or could not be read.
    """
    from claims.building.gaplist import list_gaps

    options, lists = load_options(mapping), load_lists(catalogue, language)
    desk = _Desk(options, language)
    lacking = list_gaps(_reasons(find_files(inputs), lists, desk))
    if as_csv:
        _write_csv(lacking, language)
    for one in lacking if as_json else ():
        emit(_gap_to_json(one))
    if not as_csv:
        _say_gaps(lacking, language)
    return Exit.BLOCKED if lacking or desk.unread else Exit.FINE


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise typer.BadParameter(f"{folder} is no folder", param_hint="FOLDER")


def load_options(mapping: Path | None, *, facility: str | None = None) -> "ReadingOptions":
    """Read how a hospital's own systems are called.

    Raises:
        MalformedOptions: The file cannot be used.
    """
    from claims.emr.formats import parse_options

    return parse_options("" if mapping is None else read_text(mapping), facility=facility)


def load_lists(folder: Path | None, language: str) -> "Catalogue | None":
    """Read a catalogue and tell people what is wrong with it."""
    from claims.catalogues.loading import load_catalogue

    if folder is None:
        return None
    found = load_catalogue(folder)
    if found.problems:
        _say_report(found, dict(_counts(found)), language)
    return found.catalogue


def _counts(found: "LoadedCatalogue") -> Iterator[tuple[str, int]]:
    from claims.catalogues.columns import MAPS_FOLDER, list_of

    for kind, table in found.catalogue.tables.items():
        spec = list_of(kind)
        yield (kind.value if spec is None else spec.stem), len(table)
    yield from ((f"{MAPS_FOLDER}/{kind}", len(table)) for kind, table in found.catalogue.maps.items())


def _emit_report(found: "LoadedCatalogue", counts: dict[str, int]) -> None:
    from claims.catalogues.problems import problem_to_json

    emit(
        {
            "facility": found.catalogue.facility or None,
            "version": found.catalogue.version,
            "sha256": found.catalogue.sha256,
            "rows": counts,
            "problems": [problem_to_json(problem) for problem in found.problems],
        }
    )


def say_problems(problems: "Sequence[CatalogueProblem]", language: str) -> None:
    """Say what is wrong with the rows of lists, a line each; not more than a person would read."""
    from claims.catalogues.problems import describe_problem, gravest_first
    from claims.cli.showing import words

    for problem in gravest_first(problems)[:_SHOWN]:
        say(f"{words(language)[problem.weight]:8} {problem.place}: {describe_problem(problem, language)}")
    if len(problems) > _SHOWN:
        say(_MORE_PROBLEMS[language].format(count=len(problems) - _SHOWN))


def _say_report(found: "LoadedCatalogue", counts: dict[str, int], language: str) -> None:
    say_problems(found.problems, language)
    rows = ", ".join(f"{name} {count}" for name, count in counts.items()) or _NO_LIST[language]
    weights = Counter(problem.weight.value for problem in found.problems)
    known = (_WEIGHTS[language][weight].format(count=count) for weight, count in sorted(weights.items()))
    summary = ", ".join(known) or _NOTHING_WRONG[language]
    say(f"{found.catalogue.version}: {rows}; {summary}")


def _reasons(
    files: Sequence[Path], catalogue: "Catalogue | None", desk: "_Desk"
) -> "Iterator[tuple[str, Sequence[Reason]]]":
    """Build every encounter and return why it cannot be built."""
    from claims.building.build import CannotBuild, build_bundle
    from claims.localtime import local_date

    made_on = local_date(datetime.now(UTC))
    for name, encounter in desk.encounters(files):
        try:
            build_bundle([encounter], made_on=made_on, catalogue=catalogue)
        except CannotBuild as error:
            yield name, error.reasons


@dataclass(slots=True)
class _Desk:
    """Reads inputs and says what cannot be read.

    Attributes:
        unread: How many inputs, or parts of them, could not be read.
    """

    options: "ReadingOptions"
    language: str
    unread: int = 0

    def encounters(self, files: Sequence[Path]) -> "Iterator[tuple[str, Encounter]]":
        """Read the encounters of all inputs; HL7 messages belong together, and so do parts of an export."""
        from claims.emr.formats import read_encounters
        from claims.emr.hl7.reading import read_hl7
        from claims.emr.recognizing import Format, detect_format

        messages: list[bytes] = []
        parts = Parts(is_alone=len(files) == 1)
        with progress_bar("reading", len(files)) as bar:
            for path in files:
                data = self._read(path)
                if data is None:
                    pass
                elif (kind := detect_format(data)) is Format.HL7:
                    messages.append(data)
                elif not parts.take(path, kind, data):
                    yield from self._named(str(path), read_encounters(data, kind, self.options))
                bar.advance()
        for path, _, read in parts.read(self.options):
            yield from self._named(str(path), read)
        if messages:
            yield from self._named("HL7", read_hl7(messages, options=self.options.hl7))

    def _read(self, path: Path) -> bytes | None:
        try:
            return read_input(path, most=MAX_EXPORT_BYTES)
        except OSError as error:
            why = error.strerror or error
            say(f"{path}: {_UNREADABLE[self.language].format(why=why)}")
            self.unread += 1
            return None

    def _named(self, name: str, read: "ReadEncounters") -> "Iterator[tuple[str, Encounter]]":
        from claims.building.reasons import told_of_reading

        for refused in read.refused:
            told = told_of_reading(refused.code, refused.pointer, refused.detail)
            said = told.sentence(self.language)
            say(f"{name}: {_REFUSED[self.language]}: {refused.encounter} {said}")
        self.unread += len(read.refused)
        for encounter in read.encounters:
            visit = encounter.encounter
            yield visit.link_id or next(iter(visit.origin), "") or name, encounter


def _write_csv(lacking: "Iterable[Lacking]", language: str) -> None:
    from claims.spreadsheets import csv_file

    rows = (
        (
            *(one.count, one.file, one.code, one.item, one.display, one.field, one.example),
            _describe(one, language),
        )
        for one in lacking
    )
    sys.stdout.writelines(csv_file(_CSV_HEADER[language], rows))


def _gap_to_json(one: "Lacking") -> dict[str, object]:
    from claims.building.reasons import told_of_building

    return {
        "count": one.count,
        "file": one.file or None,
        "gap": one.code,
        "code": one.item or None,
        "display": one.display or None,
        "field": one.field,
        "example": one.example,
        "message": told_of_building(one.reason).said,
    }


def _say_gaps(lacking: "Sequence[Lacking]", language: str) -> None:
    for one in lacking[:_SHOWN]:
        display = f" ({one.display})" if one.display else ""
        say(f"{one.count:6} × {one.field}: {_describe(one, language)}{display}")
    if len(lacking) > _SHOWN:
        say(_MORE[language].format(count=len(lacking) - _SHOWN))
    say(_TOTAL[language].format(kinds=len(lacking), count=sum(one.count for one in lacking)))


def _describe(one: "Lacking", language: str) -> str:
    from claims.building.gaps import gap_findings
    from claims.bundle.messages import describe

    (finding,) = gap_findings([one.reason], claim=1, tables={})
    return describe(finding, language)
