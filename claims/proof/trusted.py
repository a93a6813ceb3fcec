"""What signatures were judged by when a bundle was checked: the trust of that day, named by its content.

Its *inventory* lists the SHA-256 of each certificate, list and answer, by what they are. The record of a
check names the digest of the inventory, so that whoever has the parts can show that these were known then.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from signing.report.record import TrustMaterial

#: What a record calls the inventory among the documents of a check.
TRUST: Final = "trust"
_KINDS: Final = tuple(field.name for field in fields(TrustMaterial))

Inventory = Mapping[str, list[str]]


def inventory_of(material: TrustMaterial) -> Inventory:
    """Return the digests of all parts, in hexadecimal, by what they are; in whatever order they came."""
    return {kind: sorted(map(_digest, getattr(material, kind))) for kind in _KINDS}


def parts_of(material: TrustMaterial) -> dict[str, bytes]:
    """Return the parts in DER, by their digests."""
    return {_digest(part): part for kind in _KINDS for part in getattr(material, kind)}


def read_inventory(data: bytes) -> Inventory:
    """Read an inventory.

    Raises:
        ValueError: It is none.
    """
    document = json.loads(data)
    if not isinstance(document, dict) or not all(isinstance(names, list) for names in document.values()):
        raise ValueError("no inventory")
    return {kind: [bytes.fromhex(name).hex() for name in map(str, names)] for kind, names in document.items()}


def material_in(inventory: Inventory, parts: Mapping[str, bytes]) -> TrustMaterial:
    """Return what an inventory lists, found by its digests.

    Raises:
        KeyError: A part is not there.
    """
    return TrustMaterial(**{kind: tuple(parts[name] for name in inventory.get(kind, ())) for kind in _KINDS})


def is_within(material: TrustMaterial, inventory: object) -> bool:
    """Whether there is nothing in it that an inventory, which may be a stranger's, does not list as that."""
    if not isinstance(inventory, dict):
        return False
    listed = {kind: names if isinstance(names := inventory.get(kind), list) else [] for kind in _KINDS}
    return all(_digest(part) in listed[kind] for kind in _KINDS for part in getattr(material, kind))


def _digest(part: bytes) -> str:
    return hashlib.sha256(part).hexdigest()
