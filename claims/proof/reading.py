"""The files of an archive, read as what a stranger handed over."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from claims.proof import archive
from claims.proof.verdict import Broken

#: What is parsed of a stranger. What is longer is read if the service signed it, keys never: they tell that.
MOST_UNSIGNED: Final = 2**20


@dataclass(slots=True)
class ArchiveFiles:
    """The files of an archive by name, without the signature over them and the list of what there is.

    Attributes:
        are_signed: Whether the service is known to have signed them all.
    """

    by_name: Mapping[str, bytes]
    are_signed: bool = False

    def line(self, name: str) -> str:
        """Return the one line that a file is."""
        text = self.text(name)
        if not text.endswith("\n") or "\n" in text[:-1]:
            raise Broken("container.line", name)
        return text[:-1]

    def text(self, name: str) -> str:
        """Return a file of plain letters."""
        data = self.parsable(name)
        if not data.isascii():
            raise Broken("container.line", name)
        return data.decode("ascii")

    def json(self, name: str) -> object:
        """Return the document that a file is."""
        try:
            document: object = json.loads(self.parsable(name))
        except (ValueError, RecursionError) as error:
            raise Broken("container.json", name) from error
        return document

    def parsable(self, name: str) -> bytes:
        """Return a file, unless it is too much to be parsed of a stranger."""
        data = self.by_name.get(name)
        if data is None:
            raise Broken("container.missing", name)
        if len(data) > MOST_UNSIGNED and not (self.are_signed and name != archive.KEYS):
            raise Broken("container.unread", name)
        return data

    def object(self, name: str) -> Mapping[str, object]:
        """Return the JSON object that a file is."""
        document = self.json(name)
        if not isinstance(document, dict):
            raise Broken("container.json", name)
        return document
