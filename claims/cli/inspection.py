"""Looking at bundles: `claims inspect` shows one, `claims diff` what changed between two."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from claims.cli.inputs import Inputs, find_files, read_input, write_whole
from claims.cli.output import AsJson, Exit, Language, emit, say

if TYPE_CHECKING:
    from claims.bundle.comparison import ClaimChange, Comparison, FieldChange, RowChange
    from claims.bundle.contents import Contents, ReadClaim
    from claims.cli.showing import ShownFile

_WORDS: Final = {
    "vi": {"unread": "không đọc được tệp", "empty": "không có hồ sơ nào đọc được"},
    "en": {"unread": "cannot be read", "empty": "holds no claim that can be read"},
}

Html = Annotated[
    Path | None, typer.Option("--html", help="Write a page of its own to this file instead.", dir_okay=False)
]


def inspect(
    inputs: Inputs,
    table: Annotated[
        list[str] | None, typer.Option("--table", help="Show this table only, such as XML2; may be repeated.")
    ] = None,
    language: Language = "vi",
    html: Html = None,
    as_json: AsJson = False,
) -> int:
    """Show bundles as tables: signed or not, of any Decision, broken ones as far as they go.

    Also shows a check-in document (XML0) and one decoded table. Signatures are not verified. Exit code 1
    when a file held nothing that could be shown.
    """
    from claims.bundle.kinds import TableKind
    from claims.cli.showing import show_file

    only = [name.upper() for name in table or ()]
    for name in only:
        if name not in TableKind.__members__:
            raise typer.BadParameter(f"{name} is none of XML0 to XML15", param_hint="--table")
    at = datetime.now(UTC)
    shown: list[ShownFile] = []
    failed = 0
    for path in find_files(inputs):
        try:
            data = read_input(path)
        except OSError as error:
            failed += 1
            say(f"{path}: {_WORDS[language]['unread']}: {error}")
            if as_json:
                emit({"file": str(path), "error": str(error)})
            continue
        file = show_file(str(path), data, at=at, language=language, only=only)
        failed += not file.claims
        if as_json:
            emit(_file_to_json(file))
        if html is not None:
            shown.append(file)
        elif not as_json:
            _print_file(file, language)
    if html is not None:
        from claims.cli.pages import inspection_page

        write_whole(html, inspection_page(shown, language))
    return Exit.BLOCKED if failed else Exit.FINE


def diff(
    old: Annotated[Path, typer.Argument(help="The earlier version.", dir_okay=False)],
    new: Annotated[
        Path, typer.Argument(help="The later version; one of the two may be '-'.", dir_okay=False)
    ],
    spelling: Annotated[
        bool,
        typer.Option("--spelling", help="List also what is only written in another way: 10.50 for 10.5."),
    ] = False,
    language: Language = "vi",
    html: Html = None,
    as_json: AsJson = False,
) -> int:
    """Show what changed between two versions of a claim: totals first, then rows, then fields.

    Exit code 0 when both say the same, 1 when they differ, 2 when one cannot be read.
    """
    from claims.bundle.comparison import compare

    before, after = (_contents(path, language) for path in (old, new))
    if before is None or after is None:
        return Exit.USAGE
    comparison = compare(before, after, spelling=spelling)
    if as_json:
        emit(_comparison_to_json(comparison, old, new))
    if html is not None:
        from claims.cli.pages import comparison_page

        write_whole(html, comparison_page(comparison, (str(old), str(new)), language))
    elif not as_json:
        from claims.cli.terminal import print_comparison

        print_comparison(comparison, (str(old), str(new)), language)
    return Exit.FINE if comparison.is_equal else Exit.BLOCKED


def _contents(path: Path, language: str) -> "Contents | None":
    """Read one side of a comparison, or say why it cannot be."""
    from claims.bundle.contents import read_contents
    from claims.bundle.messages import describe
    from claims.cli.showing import words
    from claims.localtime import local_date

    try:
        contents = read_contents(read_input(path), today=local_date(datetime.now(UTC)))
    except OSError as error:
        say(f"{path}: {_WORDS[language]['unread']}: {error}")
        return None
    if any(claim.tables for claim in contents.claims):
        return contents
    say(f"{path}: {_WORDS[language]['empty']}")
    for finding in contents.findings:
        say(f"  {words(language)[finding.severity]:8} {finding.code}: {describe(finding, language)}")
    return None


def _print_file(file: "ShownFile", language: str) -> None:
    from claims.cli.terminal import print_file

    print_file(file, language)


def _file_to_json(file: "ShownFile") -> dict[str, object]:
    from claims.bundle.messages import finding_to_json

    contents = file.contents
    return {
        "file": file.name,
        "document": contents.document.value,
        "root": contents.root,
        "facility": contents.source.facility,
        "made_on": contents.source.made_on,
        "signatures": contents.signatures,
        "signature_verified": None,
        "claims": [_claim_to_json(claim, [view.kind for view in views]) for claim, views in file.claims],
        "findings": [finding_to_json(finding) for finding in file.findings],
    }


def _claim_to_json(claim: "ReadClaim", kinds: Sequence[str]) -> dict[str, object]:
    return {
        "ma_lk": claim.ma_lk,
        "on": claim.on.isoformat(),
        "decision": claim.decision,
        "fits": claim.fits,
        "tables": {
            str(table.kind): [dict(row.fields) for row in table.rows]
            for table in claim.tables
            if table.kind in kinds
        },
    }


def _comparison_to_json(comparison: "Comparison", old: Path, new: Path) -> dict[str, object]:
    return {
        "old": str(old),
        "new": str(new),
        "equal": comparison.is_equal,
        "facility": None if comparison.facility is None else _field_to_json(comparison.facility),
        "claims": [_change_to_json(claim) for claim in comparison.claims],
    }


def _change_to_json(claim: "ClaimChange") -> dict[str, object]:
    return {
        "ma_lk": claim.ma_lk,
        "change": claim.change.value,
        "totals": {total.name: _field_to_json(total) for total in claim.totals},
        "tables": {
            str(table.kind): {"same": table.same, "rows": [_row_to_json(row) for row in table.rows]}
            for table in claim.tables
        },
    }


def _row_to_json(row: "RowChange") -> dict[str, object]:
    return {
        "change": row.change.value,
        "old_row": row.old and row.old.number,
        "new_row": row.new and row.new.number,
        "fields": {change.name: _field_to_json(change) for change in row.fields},
    }


def _field_to_json(change: "FieldChange") -> dict[str, object]:
    difference = change.difference
    return {
        "change": change.change.value,
        "old": change.old,
        "new": change.new,
        "difference": None if difference is None else f"{difference:f}",
    }
