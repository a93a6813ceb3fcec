"""Renders a bundle as the paper form: PDF/A-3a with the signed XML inside, signature panel and QR code."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Final, cast

import typst

from claims.bundle.contents import DocumentKind, read_contents
from claims.bundle.kinds import TableKind
from claims.bundle.views import view_table
from claims.errors import ClaimsError
from claims.localtime import local_date, local_time
from claims.paper.fitting import (
    FIELD_MM,
    HEADER_HEIGHTS_PT,
    SUM_WIDTHS_MM,
    WIDTHS_MM,
    breakable,
    takes_one_line,
)
from claims.paper.sheet import AMOUNTS, UNREAD, figure, read_sheet
from claims.paper.spelling import spell_amount
from claims.qr import points
from claims.reading_order import BOX, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from claims.bundle.contents import Contents, ReadClaim, ReadTable
    from claims.paper.sheet import Sheet
    from signing.verdict import Verdict

LANGUAGES: Final = ("vi", "en")
#: The papers that may travel with a claim, in their order.
_PAPERS: Final = tuple(TableKind(f"XML{number}") for number in range(7, 15))
_DIGEST_SHOWN: Final = 16
#: What is said of a table that stands twice in a claim; the form has the first.
_REPEATED: Final = "ENV.DUPLICATE_TABLE"
#: Of all that a form says; a statement of 500 rows says 80,000. So much takes seconds and some 500 MB.
_MOST_CHARACTERS: Final = 2_000_000
_FOLDER: Final = Path(__file__).parent
_STANDARD: Final = "a-3a"
#: Letters other than Latin (Vietnamese among them), Greek and what is usual between them.
_RARE: Final = re.compile(
    "[^\\x20-\\x7e\\xa0-\\u024f\\u0300-\\u036f\\u0391-\\u03c9\\u1e00-\\u1eff\\u200b‐-„•…‰₫≤≥]"
)
#: Characters that no font shows, as JSON writes them: a tab, and others that control something.
_CONTROL: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:(t)|[bf]|u00[01][0-9a-f])")
#: What each line of the money summary says, beside the place of its amount.
_PAID: Final = (("fund_pays", 2), ("patient_copays", 3), ("patient_pays", 5), ("others_pay", 4))

_of_thread: Final = local()


class CannotRender(ClaimsError):
    """There is nothing to show: the file is no bundle that can be read, not UTF-8, or too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What is known of the file that a form is made from.

    Attributes:
        at: When the form is made (aware); the PDF says so, and the same values make the same bytes.
        verdict: What a verification of the signature said; None: it was not verified.
        checked_at: At which moment the signature was judged; None with no verdict.
        submission_id: The submission; empty for a preview.
        receipt: The gateway's transaction number; empty without one.
        facility_name: What the facility is called; empty when that is not known.
        public_url: Where the QR code leads, without a slash at its end; empty: there is no code.
        language: ``vi`` or ``en``.
    """

    at: datetime
    verdict: Verdict | None = None
    checked_at: datetime | None = None
    submission_id: str = ""
    receipt: str = ""
    facility_name: str = ""
    public_url: str = ""
    language: str = "vi"


def render_pdf(bundle: bytes, copy: Copy) -> bytes:
    """Render every claim of a bundle.

    Raises:
        CannotRender: There is nothing to show.
    """
    contents = read_contents(bundle, today=local_date(copy.at))
    if contents.document is DocumentKind.UNREADABLE or not any(claim.tables for claim in contents.claims):
        raise CannotRender("the file holds no claim that can be read")
    try:
        bundle.decode()
    except UnicodeDecodeError as error:
        raise CannotRender("the file is not UTF-8") from error
    sha256 = hashlib.sha256(bundle).hexdigest()
    words = _words(copy.language)
    address = address_of(copy.public_url, copy.submission_id, sha256)
    qr = points(address) if address else []
    data = {
        "words": words,
        "language": copy.language,
        "title": _title(contents.claims[0], words),
        "facility": contents.source.facility or "",
        "facility_name": breakable(copy.facility_name, FIELD_MM),
        "is_draft": not copy.submission_id,
        "sha256": sha256,
        "attachment": f"{copy.submission_id or sha256[:_DIGEST_SHOWN]}.xml",
        "address": address,
        "qr_side": len(qr),
        "widths": WIDTHS_MM[1:],
        "header_heights": HEADER_HEIGHTS_PT[copy.language],
        "signature": [
            (label, breakable(value, FIELD_MM))
            for label, value in _signature(copy, contents.signatures, sha256, words)
        ],
        "claims": [
            _claim(claim, copy.language, words, left_out=left_out)
            for claim in contents.claims
            if (left_out := _left_out(claim, contents)) or claim.tables
        ],
    }
    written = in_order(json.dumps(data, ensure_ascii=False))
    if len(written) > _MOST_CHARACTERS:
        raise CannotRender(f"it says more than a form can hold ({_MOST_CHARACTERS} characters)")
    if "\\" in written:
        written = _CONTROL.sub(lambda found: found[1] + (" " if found[2] else BOX), written)
    # Files are text; a list of small numbers is JSON as Python writes it, and quicker.
    files = {"bundle.xml": bundle, "qr.json": str(list(b"".join(qr))).encode()}
    try:
        return _compile({**files, "data.json": written.encode()}, copy.at)
    except (typst.TypstError, UnicodeEncodeError):
        # PDF/A shows every letter or is none: what the form's fonts may lack becomes a box. The XML has it.
        return _compile({**files, "data.json": _RARE.sub(BOX, written).encode()}, copy.at)


def _compile(files: Mapping[str, bytes], at: datetime) -> bytes:
    # Its stub does not know of dictionaries, which its documentation has.
    project = cast("bytes", {"main.typ": _template(), **files})
    pdf = _compiler().compile(
        project,
        format="pdf",
        pdf_standards=_STANDARD,
        # It takes times of a fixed offset only.
        timestamp=at.astimezone(UTC).replace(microsecond=0),
    )
    if not isinstance(pdf, bytes):
        raise TypeError(type(pdf))
    return pdf


def _compiler() -> typst.Compiler:
    # One for each thread that makes forms: it does one thing at a time.
    found: typst.Compiler | None = getattr(_of_thread, "compiler", None)
    if found is None:
        # Its root is a folder that is there: else it is the process's, which may be gone.
        found = typst.Compiler(root=str(_FOLDER), font_paths=_fonts())
        _of_thread.compiler = found
    return found


def address_of(public_url: str, submission_id: str, sha256: str) -> str:
    """Return where the QR code leads: submission and beginning of the digest, nothing about people."""
    return (
        f"{public_url}/v/{submission_id}?d={sha256[:_DIGEST_SHOWN]}" if public_url and submission_id else ""
    )


def _left_out(claim: ReadClaim, contents: Contents) -> dict[str, str]:
    """Return which tables the file has of a claim and the form has not, by the word that says why."""
    told = [one for one in contents.findings if one.location.claim == claim.number]
    unread = {one.location.table for one in told} - {None, *(table.kind for table in claim.tables)}
    repeated = {one.location.table for one in told if one.code == _REPEATED}
    found = {"unread": unread, "repeated": repeated - {None}}
    return {
        word: ", ".join(sorted(map(str, tables), key=lambda name: (len(name), name)))
        for word, tables in found.items()
        if tables
    }


def _claim(
    claim: ReadClaim, language: str, words: Mapping[str, str], *, left_out: Mapping[str, str]
) -> dict[str, object]:
    sheet = read_sheet(claim, language)
    summary = claim.find_table(TableKind.XML1)
    row = None if summary is None or not summary.rows else summary.rows[0]
    return {
        "title": words["kind_inpatient" if sheet.is_inpatient else "kind_outpatient"],
        "episode": breakable(claim.ma_lk, FIELD_MM),
        "department": "" if row is None else breakable(row["MA_KHOA"], FIELD_MM),
        "patient": "" if row is None else breakable(row["MA_BN"], FIELD_MM),
        "person": _in_two_columns(
            [(words[name], value) for name, value in sheet.person]
            + [(words[name], tables) for name, tables in left_out.items()]
        ),
        "rows": [*_rows(sheet), *_totals(sheet, words)],
        "in_words": UNREAD if _counted(sheet, 0).is_nan() else spell_amount(_counted(sheet, 0)),
        "paid": [(words[name], figure(_counted(sheet, place)) or "0") for name, place in _PAID],
        "papers": [_paper(table, claim, language) for table in _papers(claim)],
    }


def _counted(sheet: Sheet, place: int) -> Decimal:
    """Return the amount that the claim stands for: what the summary says, or else what the rows make."""
    declared = sheet.declared[place]
    return sheet.totals[place] if declared is None else declared


def _rows(sheet: Sheet) -> Iterator[dict[str, object]]:
    for number, section in enumerate(sheet.sections, start=1):
        yield _sums("section", f"{number}. {section.title}", section.amounts)
        for line in section.lines:
            amount, *rest = _figures(line.amounts)
            cells = (
                line.name,
                line.unit,
                figure(line.quantity),
                line.price_hospital,
                line.price_insured,
                line.rate_service,
                amount,
                line.rate_insured,
                *rest,
            )
            fits = takes_one_line(cells)
            if not fits:
                cells = tuple(map(breakable, cells, WIDTHS_MM))
            yield {"kind": "line", "cells": cells, "fits": fits}


def _totals(sheet: Sheet, words: Mapping[str, str]) -> Iterator[dict[str, object]]:
    yield _sums("total", words["total"], sheet.totals)
    if any(
        declared is not None and declared != total
        for declared, total in zip(sheet.declared, sheet.totals, strict=True)
    ):
        yield _sums("total", words["declared"], sheet.declared)


def _figures(amounts: Sequence[Decimal | None]) -> list[str]:
    shown = [figure(amount) for amount in amounts]
    if len(shown) != len(AMOUNTS):
        raise ValueError(amounts)
    return shown


def _sums(kind: str, name: str, amounts: Sequence[Decimal | None]) -> dict[str, object]:
    first, *rest = _figures(amounts)
    cells = (name, first, "", *rest)
    fits = takes_one_line(cells, SUM_WIDTHS_MM)
    if not fits:
        cells = tuple(map(breakable, cells, SUM_WIDTHS_MM))
    return {"kind": kind, "cells": cells, "fits": fits}


def _papers(claim: ReadClaim) -> Iterator[ReadTable]:
    for kind in _PAPERS:
        table = claim.find_table(kind)
        if table is not None and table.rows:
            yield table


def _paper(table: ReadTable, claim: ReadClaim, language: str) -> dict[str, object]:
    view = view_table(table, on=claim.on, language=language)
    fields = [(column.label or column.name, cell) for column, cell in view.common]
    for number, row in enumerate(view.rows, start=1):
        fields += [
            (f"{number}. {column.label or column.name}", cell)
            for column, cell in zip(view.columns, row, strict=True)
        ]
    shown = [(label, f"{one.text} ({one.meaning})" if one.meaning else one.text) for label, one in fields]
    return {
        "kind": view.kind,
        "title": view.label or view.kind,
        "part": _in_two_columns([(label, text) for label, text in shown if text.strip()]),
    }


def _in_two_columns(fields: Sequence[tuple[str, str]]) -> dict[str, object]:
    return {
        "fields": [(label, breakable(text, FIELD_MM)) for label, text in fields],
        "fits": all(takes_one_line((f"{label}: {text}",), (FIELD_MM,)) for label, text in fields),
    }


def _signature(
    copy: Copy, signatures: int, sha256: str, words: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    verdict = copy.verdict
    if signatures == 0:
        yield words["verdict"], words["unsigned"]
    elif verdict is None:
        yield words["verdict"], words["unverified"]
    else:
        yield words["verdict"], words[verdict.indication.value]
        if verdict.signer is not None:
            yield words["signer"], verdict.signer.subject
            yield words["certificate"], f"{verdict.signer.serial:X}"
        if verdict.signing_time is not None:
            yield words["signed_at"], _spell(verdict.signing_time)
        if copy.checked_at is not None:
            yield words["checked_at"], _spell(copy.checked_at)
    if copy.submission_id:
        yield words["submission"], copy.submission_id
    if copy.receipt:
        yield words["receipt"], copy.receipt
    yield words["digest"], sha256


def _spell(moment: datetime) -> str:
    return f"{local_time(moment):%H:%M:%S %d/%m/%Y}"


def _title(claim: ReadClaim, words: Mapping[str, str]) -> str:
    # The title is what a file manager shows: the episode, never a name.
    return f"{words['claim']} {claim.ma_lk}"


@cache
def _words(language: str) -> Mapping[str, str]:
    text = (_FOLDER / "words.toml").read_text(encoding="utf-8")
    words: Mapping[str, str] = tomllib.loads(text)[language]
    return words


@cache
def _template() -> bytes:
    return (_FOLDER / "sheet.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    # They come with the compiler and none from the machine: one form looks alike everywhere.
    return typst.Fonts(include_system_fonts=False)
