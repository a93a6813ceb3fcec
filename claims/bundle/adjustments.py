"""Form 09/BH: what a facility asks to have changed in a claim that was assessed, as the gateway takes it.

The form is not published; element names and their order are those that hospital software writes whose files
the gateway takes (``HOSO_DIEUCHINH_GD``, one claim a file). It is signed over ``TT_HOSO``, whose Id is set
here, in the empty ``CHUKYDONVI`` (profile B).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

ROOT: Final = "HOSO_DIEUCHINH_GD"
#: What is asked for: other values, or that the claim or line be taken out.
CHANGE: Final = "1"
_NUMBER: Final = "09/BH"
# What XML cannot hold, and nobody typed on purpose.
_NOT_TEXT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Makers:
    """Who prepared the form, who heads the facility, and the day: what stands at its foot."""

    prepared_by: str
    head: str
    on: date


@dataclass(frozen=True, slots=True)
class AdjustedClaim:
    """The claim as it was sent; the names of the form's ``TT_XML1`` in lower case, in its order.

    Attributes:
        xml1_id: The gateway's number of the claim; empty where it has not told one.
        ky_qt: yyyyMM.
    """

    xml1_id: str
    ma_lk: str
    ma_bn: str
    ho_ten: str
    ma_the: str
    ngay_vao: str
    ngay_ra: str
    ky_qt: str
    trangthai: str = CHANGE


@dataclass(frozen=True, slots=True)
class AdjustedField:
    """A field of XML1 that is to have another value (``TT_XML1_DC``)."""

    stt: str
    truong_tt_goc: str
    tt_goc: str
    truong_tt_dieuchinh: str
    tt_dieuchinh: str
    lydo_dieuchinh: str


@dataclass(frozen=True, slots=True)
class AdjustedLine:
    """A row of XML2 or XML3 of which a field is to have another value (``CHIPHI``).

    Attributes:
        sobang_xml: The table's number: 2 or 3.
        id_cp: The gateway's number of the line; empty where it has not told one.
        stt_xml: STT of the row.
        lydo: Why the insurer does not pay it.
        tuchoi: The code of that reason.
    """

    stt: str
    sobang_xml: str
    id_cp: str
    stt_xml: str
    ngay_yl: str
    trangthai: str
    truong_tt_goc: str
    tt_goc: str
    lydo: str
    tuchoi: str
    truong_tt_dieuchinh: str
    tt_dieuchinh: str
    lydo_dieuchinh: str


@dataclass(frozen=True, slots=True)
class AdjustmentForm:
    """The form of one claim.

    Attributes:
        claim_fields: What is to change in XML1.
        lines: What is to change in XML2 and XML3.
    """

    facility: str
    claim: AdjustedClaim
    made: Makers
    claim_fields: Sequence[AdjustedField]
    lines: Sequence[AdjustedLine]


def write_adjustments(form: AdjustmentForm, *, name: str) -> bytes:
    """Write the form, ready to be signed: UTF-8 without a byte order mark and without layout.

    ``name`` is the Id that the signature refers to.
    """
    root = etree.Element(ROOT)
    signed = etree.SubElement(root, "TT_HOSO", Id=name)
    _write(
        etree.SubElement(signed, "TT_MAU"),
        (
            ("MAU_SO", _NUMBER),
            ("MA_CSKCB", form.facility),
            ("NGUOILAPBIEU", form.made.prepared_by),
            ("THUTRUONG_DV", form.made.head),
            ("NGAYTHANGNAM", f"{form.made.on:%Y%m%d}"),
        ),
    )
    _write(etree.SubElement(signed, "TT_XML1"), _fields_of(form.claim))
    changes = etree.SubElement(signed, "TT_DIEUCHINH")
    in_claim = etree.SubElement(changes, "DS_XML1_DIEUCHINH")
    for one in form.claim_fields:
        _write(etree.SubElement(in_claim, "TT_XML1_DC"), _fields_of(one))
    in_lines = etree.SubElement(changes, "DSCP_DIEUCHINH")
    for line in form.lines:
        _write(etree.SubElement(in_lines, "CHIPHI"), _fields_of(line))
    etree.SubElement(root, "CHUKYDONVI")
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def _write(parent: Element, values: Iterable[tuple[str, str]]) -> None:
    for name, text in values:
        etree.SubElement(parent, name).text = _NOT_TEXT.sub(" ", text)


def _fields_of(values: AdjustedClaim | AdjustedField | AdjustedLine) -> Iterable[tuple[str, str]]:
    return ((one.name.upper(), getattr(values, one.name)) for one in fields(values))
