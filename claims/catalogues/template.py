"""A catalogue to begin with: every list with its header and one example row, and what the columns mean."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from claims.catalogues.columns import MAPS_FOLDER, WITHOUT_MAP, Column, FileSpec, list_specs, map_spec
from claims.catalogues.items import Kind

#: What a map calls the local code and its system, and the code that they stand for.
_RENAMED_IN_MAPS: Final = frozenset({"local_system", "local_code", "code"})
_OWN_WORDS: Final = frozenset(
    {"source_code", "source_system", "national_code", "target_code", "card", "decision"}
)

_MANIFEST: Final = """\
# The facility whose catalogue this is, and what you call this version of it.
facility = ""
version = "1"

# Whether rows without a value in the column "approved" have been approved by the insurer's portal.
approved = true

# Optional: the systems whose codes are the local codes of a list, and those whose codes are national codes.
# [local_systems]
# drug = ["urn:example:pharmacy"]
# [national_systems]
# diagnosis = ["http://hl7.org/fhir/sid/icd-10"]
"""


class TemplateExists(FileExistsError):
    """A file of the template is there already: nothing is written over."""


def write_template(folder: Path) -> tuple[Path, ...]:
    """Write the files of an empty catalogue; return them.

    Raises:
        TemplateExists: One of them is there already; nothing was written.
    """
    files = dict(_files())
    for name in files:
        if (folder / name).exists():
            raise TemplateExists(str(folder / name))
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        # With a mark at the beginning spreadsheet programs know that it is UTF-8.
        (folder / name).write_text(text, encoding="utf-8-sig" if name.endswith(".csv") else "utf-8")
    return tuple(folder / name for name in files)


def describe_columns(spec: FileSpec) -> Iterator[str]:
    """Yield the lines of a Markdown table of a file's columns, in both languages."""
    yield "| column | other headers | type | tiếng Việt | English |"
    yield "| --- | --- | --- | --- | --- |"
    for column in spec.columns:
        name, *others = _headers(spec, column)
        also = ", ".join(f"`{header}`" for header in others)
        needed = " *" if column.is_required else ""
        labels = f"{column.labels['vi']} | {column.labels['en']}"
        yield f"| `{name}`{needed} | {also} | {column.type.value} | {labels} |"


def _files() -> Iterator[tuple[str, str]]:
    yield "catalogue.toml", _MANIFEST
    for spec in (*list_specs().values(), map_spec(Kind.LAB_INDEX)):
        yield spec.file, _example(spec)
    yield "README.md", "\n".join(_readme()) + "\n"


def _example(spec: FileSpec) -> str:
    rows = [
        [_headers(spec, column)[0] for column in spec.columns],
        [column.example for column in spec.columns],
    ]
    return "".join(",".join(_quoted(cell) for cell in row) + "\r\n" for row in rows)


def _headers(spec: FileSpec, column: Column) -> list[str]:
    """Return the names of a column, its own first; names of the Decision are written in capitals."""
    own, *others = column.headers
    is_renamed = spec.is_map and own in _RENAMED_IN_MAPS
    names = [*others[:1], own, *others[1:]] if is_renamed else [own, *others]
    return [name if name in _OWN_WORDS or name == own else name.upper() for name in names]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',;"\n') else cell


def _readme() -> Iterator[str]:
    yield "# Danh mục của cơ sở khám chữa bệnh / The facility's catalogue"
    yield ""
    yield "Mỗi tệp có một dòng tiêu đề và một dòng ví dụ; hãy thay dòng ví dụ."
    yield "Lưu CSV bằng UTF-8, hoặc dùng .xlsx."
    yield ""
    yield "Each file has its header and one example row; replace that row. Save CSV in UTF-8, or use .xlsx."
    for spec in (*list_specs().values(), map_spec(Kind.LAB_INDEX)):
        yield ""
        yield f"## {spec.file}: {spec.labels['vi']} / {spec.labels['en']}"
        yield ""
        yield from describe_columns(spec)
    yield ""
    maps = ", ".join(f"`{kind.value}.csv`" for kind in Kind if kind not in WITHOUT_MAP)
    yield f"`{MAPS_FOLDER}/` : {maps}"
