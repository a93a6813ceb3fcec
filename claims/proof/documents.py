"""Whether the documents of an archive are those that its records name: all of them, and nothing else."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from claims.proof import archive
from claims.proof.errors import BrokenDocument
from claims.proof.reading import ArchiveFiles
from claims.proof.records import Record, gateway_receipt_digest, token_digest
from claims.proof.tokens import digest_of
from claims.proof.trusted import TRUST
from claims.proof.verdict import Broken

#: What a record names and an archive must then have, unless it was erased.
_LATER: Final = ("reception", "assessment.", "decision.", TRUST)
#: Which file of an archive a record means; those of the first line stay when content is erased.
_NAMED: Final = {
    "receipt": archive.RECEIPT,
    "gateway_receipt": archive.GATEWAY_ANSWER,
    "document": archive.ENCOUNTER,
    "trace": archive.TRACE,
    "report": archive.CHECK_REPORT,
}
_KEPT: Final = ("receipt", "gateway_receipt")


class Documents:
    """The documents beside what the records say of them; what they say is added to the facts."""

    def __init__(self, files: ArchiveFiles, chain: Sequence[Record], facts: dict[str, str]) -> None:
        self._read, self._files, self._chain = files, files.by_name, chain
        self._facts = facts

    def check(self) -> None:
        """Compare them.

        Raises:
            Broken: One is missing, too many, or not what was recorded.
        """
        if not self._chain:
            raise Broken("documents.no_records", archive.RECORDS)
        bundle = self._files.get(archive.BUNDLE)
        is_erased = any(each.kind == "erased" for each in self._chain)
        if bundle is None and not is_erased:
            raise Broken("documents.missing", archive.BUNDLE)
        if bundle is not None and _sha256(bundle) != self._chain[0].sha256:
            raise Broken("documents.digest", archive.BUNDLE)
        for name, entry in _NAMED.items():
            is_named = any(name in each.digests for each in self._chain)
            if is_named and entry not in self._files and not (is_erased and name not in _KEPT):
                raise Broken("documents.missing", entry)
        for name, entry, found in self._digests():
            expected = next(
                (each.digests[name] for each in reversed(self._chain) if name in each.digests), None
            )
            if found != expected:
                raise Broken("documents.digest", entry)
        self._check_later()
        self._check_history()

    def _digests(self) -> Sequence[tuple[str, str, str]]:
        files = self._files
        found = [
            (name, entry, _sha256(files[entry]))
            for name, entry in (("document", archive.ENCOUNTER), ("trace", archive.TRACE))
            if entry in files
        ]
        if archive.RECEIPT in files:
            found.append(("receipt", archive.RECEIPT, token_digest(self._read.line(archive.RECEIPT))))
        if archive.CHECK_REPORT in files:
            report = self._read.object(archive.CHECK_REPORT)
            inner = [report.get("stages"), report.get("findings")]
            found.append(("report", archive.CHECK_REPORT, _digest(inner, archive.CHECK_REPORT)))
            claims = _digest(report.get("claims"), archive.CHECK_REPORT)
            found.append(("claims", archive.CHECK_REPORT, claims))
        if archive.GATEWAY_ANSWER in files:
            receipt = self._read.object(archive.GATEWAY_RECEIPT)
            received = receipt.get("received_at")
            try:
                moment = None if received is None else datetime.fromisoformat(str(received))
                number = str(receipt.get("ma_giao_dich"))
                digest = gateway_receipt_digest(number, moment, files[archive.GATEWAY_ANSWER])
            # A time of the year 1 or 9999 may have none in another zone, and a text no spelling.
            except (BrokenDocument, ValueError, OverflowError) as error:
                raise Broken("documents.digest", archive.GATEWAY_RECEIPT) from error
            found.append(("gateway_receipt", archive.GATEWAY_RECEIPT, digest))
            self._facts["ma_giao_dich"] = number
        return found

    def _check_later(self) -> None:
        """What others said: all that the records name, as they name it last, and nothing else."""
        named = {name: each for record in self._chain for name, each in record.digests.items()}
        named = {name: each for name, each in named.items() if name.startswith(_LATER)}
        for entry in self._files:
            if not entry.startswith(archive.DOCUMENTS):
                continue
            name = entry.removeprefix(archive.DOCUMENTS).removesuffix(".json")
            if named.pop(name, None) != _sha256(self._files[entry]):
                raise Broken("documents.digest", entry)
        if named and all(each.kind != "erased" for each in self._chain):
            raise Broken("documents.missing", archive.document_entry(min(named)))

    def _check_history(self) -> None:
        history = self._read.json(archive.HISTORY)
        if not isinstance(history, list) or len(history) != len(self._chain):
            raise Broken("documents.history", archive.HISTORY)
        for number, (detail, record) in enumerate(zip(history, self._chain, strict=True), start=1):
            if _digest(detail, archive.HISTORY) != record.detail:
                raise Broken("documents.history", f"{archive.HISTORY}: {number}")


def _digest(document: object, name: str) -> str:
    try:
        return digest_of(document)
    except BrokenDocument as error:
        raise Broken("container.json", name) from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
