"""Texts out of documents: XHTML narratives, attachments in base64, sections."""

import binascii
import html
import re
import unicodedata
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Final

from claims.emr.fhir import resources as fhir
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import Attachment, Narrative, Reference
from claims.emr.fhir.source import Source

_BLOCK: Final = re.compile(r"<\s*(?:br|/p|/div|/li|/tr|/h[1-6]|/td|/th)\b[^>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]*>")
_BLANKS: Final = re.compile(r"[ \t\r\f\v\xa0]+")
_LINES: Final = re.compile(r" ?\n[ \n]*")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MARKUP: Final = ("html", "xml")
_DEEPEST_SECTION: Final = 8


def narrative_words(narrative: Narrative | None) -> str:
    """Return the text of a narrative without its markup."""
    return _without_markup(narrative.div) if narrative and narrative.div else ""


def section_words(sections: Iterable[fhir.Section], depth: int = 0) -> Iterator[str]:
    """Return the texts of sections, each under its title."""
    for section in sections:
        text = narrative_words(section.text)
        if text:
            yield f"{section.title}: {text}" if section.title else text
        if depth < _DEEPEST_SECTION:
            yield from section_words(section.section, depth + 1)


def attachment_words(source: Source, attachment: Attachment | None, owner: Item[fhir.Resource]) -> str | None:
    """Return the text of an attachment; nothing when it is no text, or is not in the input."""
    if attachment is None:
        return None
    kind, data = attachment.content_type, attachment.data
    if data is None and attachment.url:
        binary = source.find_a(fhir.Binary, Reference(reference=attachment.url), owner)
        if binary is not None:
            kind, data = binary.resource.content_type or kind, binary.resource.data
    if data is None or not is_text(kind):
        return None
    try:
        text = b64decode("".join(data.split()), validate=True).decode("utf-8-sig")
    except (binascii.Error, ValueError):
        source.note(owner.pointer, "not-a-text", "an attachment is not UTF-8 text in base64; it is left out")
        return None
    if _CONTROL.search(text):
        source.note(
            owner.pointer, "control-character", "an attachment holds a control character; it is left out"
        )
        return None
    text = unicodedata.normalize("NFC", text)
    return (_without_markup(text) if any(mark in (kind or "") for mark in _MARKUP) else text).strip()


def is_text(content_type: str | None) -> bool:
    """Say whether content of a type is text; an unknown type may be."""
    kind = (content_type or "text/plain").partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind.endswith(("xhtml+xml", "/xhtml"))


def _without_markup(text: str) -> str:
    plain = html.unescape(_TAG.sub("", _BLOCK.sub("\n", text)))
    plain = _CONTROL.sub(" ", plain)
    return _LINES.sub("\n", _BLANKS.sub(" ", plain)).strip()
