"""`claims schema`: the tables of every Decision, as the schemas describe them."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from claims.cli.output import AsJson, Language, emit

if TYPE_CHECKING:
    from claims.bundle.codes import Code
    from xsd.catalog import Edition, Field, TableSchema

schemas = typer.Typer(help="Show the tables, fields and code lists of the Decisions.", no_args_is_help=True)

_Row = TypeVar("_Row")
_WIDTH_UNSEEN = 200  # of lines for a pipe or a file, whose reader's width nobody knows

On = Annotated[
    datetime | None,
    typer.Option(
        "--on",
        "--date",
        formats=["%Y-%m-%d"],
        help="Day an episode ends. Without it, today.",
        show_default=False,
    ),
]
Decision = Annotated[
    str | None,
    typer.Option("--decision", help="Number of a Decision or amendment, such as 4750.", show_default=False),
]

_WORDS = {
    "order": ("STT", "no."),
    "field": ("Chỉ tiêu", "field"),
    "type": ("Kiểu", "type"),
    "length": ("Độ dài", "length"),
    "required": ("Bắt buộc", "required"),
    "label": ("Tên gọi", "label"),
    "label_vi": ("Tiếng Việt", "Vietnamese"),
    "label_en": ("Tiếng Anh", "English"),
    "since": ("Từ QĐ", "since"),
    "codes": ("Danh mục", "code list"),
    "note": ("Ghi chú", "note"),
    "table": ("Bảng", "table"),
    "fields": ("Số chỉ tiêu", "fields"),
    "root": ("Phần tử gốc", "root element"),
    "code": ("Mã", "code"),
    "from": ("Từ ngày", "from"),
    "to": ("Đến ngày", "to"),
    "confidence": ("Độ chắc chắn", "confidence"),
}
_REQUIRED = {
    "yes": ("có", "yes"),
    "conditional": ("có điều kiện", "conditional"),
    "no": ("không", "no"),
}
_TYPES = {
    "string": ("chuỗi", "text"),
    "integer": ("số nguyên", "whole number"),
    "decimal": ("số thập phân", "decimal"),
    "date": ("ngày", "date"),
    "datetime": ("ngày giờ", "date and time"),
    "list": ("nhiều giá trị", "several values"),
}


@schemas.command("list")
def list_schemas(
    on: On = None, decision: Decision = None, language: Language = "vi", as_json: AsJson = False
) -> None:
    """List the Decisions with their days and tables: all, or those in force on a day or of a number."""
    from xsd.catalog import default_catalog

    catalog = default_catalog()
    editions = [one for one in catalog.editions if decision is None or one.is_named(decision)]
    if on is not None:
        editions = [one for one in editions if one.is_in_force(on.date())]
    if not editions:
        raise typer.BadParameter("no Decision answers to this; `claims schema list` shows them all")
    if as_json:
        emit({"decisions": [_edition_to_json(edition) for edition in editions]})
        return
    for edition in editions:
        _print_edition(edition, language)


@schemas.command("show")
def show_schema(
    table: Annotated[str, typer.Argument(help="XML0 to XML15, or ENVELOPE.", show_default=False)],
    on: On = None,
    decision: Decision = None,
    codes: Annotated[
        str | None,
        typer.Option("--codes", help="Show the code list of this field instead.", show_default=False),
    ] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> None:
    """Show one table: its fields in order, with types, lengths, labels and code lists."""
    from claims.localtime import local_date
    from xsd.catalog import SchemaNotFound, find_schema

    day = local_date(datetime.now(UTC)) if on is None else on.date()
    try:
        schema = find_schema(table.upper(), on=day, decision=decision)
    except SchemaNotFound as error:
        raise typer.BadParameter(f"{error}; `claims schema list` shows what there is") from error
    if codes is not None:
        _show_codes(schema, codes.upper(), language, as_json=as_json)
    elif as_json:
        emit(_schema_to_json(schema))
    else:
        _print_schema(schema, language)


def _show_codes(schema: "TableSchema", name: str, language: str, *, as_json: bool) -> None:
    from claims.bundle.codes import list_codes

    field = schema.field_by_name.get(name)
    if field is None:
        raise typer.BadParameter(f"{schema.table} has no field {name} under Decision {schema.decision}")
    if field.code_list is None:
        raise typer.BadParameter(f"{name} has no code list")
    found = list_codes(field.code_list)
    if as_json:
        emit(
            {
                "table": schema.table,
                "field": name,
                "code_list": field.code_list,
                "codes": [_code_to_json(code) for code in found],
            }
        )
        return
    columns: Sequence[tuple[str, Callable[[Code], str]]] = (
        ("code", lambda code: code.code),
        ("label", lambda code: code.label_vi if language == "vi" else code.label_en),
        ("from", lambda code: _shown_day(code.valid_from)),
        ("to", lambda code: _shown_day(code.valid_to)),
        ("confidence", lambda code: code.confidence.value),
    )
    _print_table(f"{name}: {field.code_list}", language, columns, found)


def _print_edition(edition: "Edition", language: str) -> None:
    label = edition.label_vi if language == "vi" else edition.label_en
    until = "…" if edition.valid_to is None else edition.valid_to.isoformat()
    columns: Sequence[tuple[str, Callable[[TableSchema], str]]] = (
        ("table", lambda schema: schema.table),
        ("label", lambda schema: schema.label_vi if language == "vi" else schema.label_en),
        ("fields", lambda schema: str(len(schema.fields))),
        ("root", lambda schema: schema.root),
    )
    title = f"{edition.name}: {label} ({edition.valid_from.isoformat()} – {until})"
    _print_table(title, language, columns, edition.tables.values())


def _print_schema(schema: "TableSchema", language: str) -> None:
    english = language == "en"
    label = schema.label_en if english else schema.label_vi
    columns: Sequence[tuple[str, Callable[[Field], str]]] = (
        ("order", lambda field: str(field.order)),
        ("field", lambda field: field.name),
        ("type", lambda field: _TYPES[field.type][english]),
        ("length", lambda field: "n" if field.max_length is None else str(field.max_length)),
        ("required", lambda field: _REQUIRED[field.required][english]),
        ("label_vi", lambda field: field.label_vi),
        ("label_en", lambda field: field.label_en),
        ("since", lambda field: field.since),
        ("codes", lambda field: field.code_list or ""),
        ("note", lambda field: field.notes or ""),
    )
    until = "…" if schema.valid_to is None else schema.valid_to.isoformat()
    number = schema.decision + (f" + {schema.amendment}" if schema.amendment else "")
    title = f"{schema.table}: {label} ({number}, {schema.valid_from.isoformat()} – {until})"
    _print_table(title, language, columns, schema.fields)


def _print_table(
    title: str,
    language: str,
    columns: Sequence[tuple[str, Callable[[_Row], str]]],
    rows: Iterable[_Row],
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for word, _ in columns:
        # Names are copied from here, so they stay whole; sentences give way.
        is_name = word in {"field", "table", "code", "codes"}
        table.add_column(_WORDS[word][language == "en"], no_wrap=is_name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(row)) for _, shown in columns))
    width = None if sys.stdout.isatty() else _WIDTH_UNSEEN
    Console(file=sys.stdout, highlight=False, width=width).print(table)


def _edition_to_json(edition: "Edition") -> dict[str, object]:
    return {
        "decision": edition.decision,
        "amendment": edition.amendment,
        "valid_from": edition.valid_from,
        "valid_to": edition.valid_to,
        "label": {"vi": edition.label_vi, "en": edition.label_en},
        "tables": {table: len(schema.fields) for table, schema in edition.tables.items()},
    }


def _schema_to_json(schema: "TableSchema") -> dict[str, object]:
    return {
        "table": schema.table,
        "decision": schema.decision,
        "amendment": schema.amendment,
        "valid_from": schema.valid_from,
        "valid_to": schema.valid_to,
        "label": {"vi": schema.label_vi, "en": schema.label_en},
        "root": schema.root,
        "list": schema.list_element,
        "row": schema.row_element,
        "fields": [_field_to_json(field) for field in schema.fields],
    }


def _field_to_json(field: "Field") -> dict[str, object]:
    return {
        "order": field.order,
        "name": field.name,
        "type": field.type,
        "kind": field.kind,
        "max_length": field.max_length,
        "fraction_digits": field.fraction_digits,
        "required": field.required,
        "label": {"vi": field.label_vi, "en": field.label_en},
        "since": field.since,
        "code_list": field.code_list,
        "note": field.notes,
    }


def _code_to_json(code: "Code") -> dict[str, object]:
    return {
        "code": code.code,
        "label": {"vi": code.label_vi, "en": code.label_en},
        "valid_from": _shown_day(code.valid_from) or None,
        "valid_to": _shown_day(code.valid_to) or None,
        "confidence": code.confidence.value,
    }


def _shown_day(day: date) -> str:
    """Return a day as text; one that stands for no limit is empty."""
    return "" if day in {date.min, date.max} else day.isoformat()


@schemas.command("encounter")
def show_encounter() -> None:
    """Print the JSON Schema of the encounter document."""
    from claims.emr.schema import encounter_schema

    emit(encounter_schema())
