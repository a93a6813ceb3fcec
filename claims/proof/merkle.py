"""The Merkle tree of RFC 6962 and RFC 9162, section 2.1: its hashes, its proofs and how they are checked.

Proofs are made from the hashes of complete subtrees, which never change once they are complete; where these
are kept is for others.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from claims.proof.errors import BrokenProof

#: Returns the hash of the complete subtree of this level (0: a leaf) at this position.
Node = Callable[[int, int], bytes]

EMPTY_ROOT: Final = hashlib.sha256().digest()
HASH_BYTES: Final = 32


def leaf_hash(record: bytes) -> bytes:
    """Return the hash of a leaf: one that no inner node can have."""
    return hashlib.sha256(b"\0" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """A tree that leaves are appended to; of everything before it holds one hash a level."""

    size: int = 0
    _peaks: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> None:
        """Append the hash of a leaf."""
        # As many complete subtrees end here as the old size has ones at its end.
        size = self.size
        while size & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            size >>= 1
        self._peaks.append(leaf)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The tree's hash."""
        if not self._peaks:
            return EMPTY_ROOT
        *higher, root = self._peaks
        for peak in reversed(higher):
            root = node_hash(peak, root)
        return root


def root_of(size: int, node: Node) -> bytes:
    """Return the hash of the tree of the first leaves."""
    return _range(0, size, node) if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Return the path from a leaf to the hash of the tree of this size (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in a tree of this size")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(start, middle, node))
            start = middle
    return tuple(reversed(path))


def prove_consistency(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """Return what leads from the hash of a smaller tree to that of a larger one (RFC 9162, 2.1.4.1)."""
    if not 0 < old <= new:
        raise ValueError("no smaller tree")
    path: list[bytes] = []
    start, end, is_whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(start, middle, node))
            start, is_whole = middle, False
    if not is_whole:
        path.append(_range(start, end, node))
    return tuple(reversed(path))


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Pass if the path leads from the leaf's hash to the root (RFC 9162, 2.1.3.2).

    Raises:
        BrokenProof: It does not.
    """
    if not 0 <= index < size:
        raise BrokenProof("the leaf lies outside the tree")
    at, last, found = index, size - 1, leaf
    for step in path:
        if not last:
            raise BrokenProof("the path is too long")
        if at & 1 or at == last:
            found = node_hash(step, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    if last or found != root:
        raise BrokenProof("the path leads elsewhere")


def check_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Pass if the larger tree begins with the smaller one (RFC 9162, 2.1.4.2).

    Raises:
        BrokenProof: It does not.
    """
    if not 0 < old <= new or (old == new) != (not path):
        raise BrokenProof("no proof of these sizes")
    if old == new:
        if old_root != new_root:
            raise BrokenProof("two trees of one size differ")
        return
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    smaller = larger = steps[0]
    for step in steps[1:]:
        if not last:
            raise BrokenProof("the path is too long")
        if at & 1 or at == last:
            smaller, larger = node_hash(step, smaller), node_hash(step, larger)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            larger = node_hash(larger, step)
        at, last = at >> 1, last >> 1
    if last or smaller != old_root or larger != new_root:
        raise BrokenProof("the larger tree does not begin with the smaller one")


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the hash of a complete subtree from those of its members, a power of two of them."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def _split(count: int) -> int:
    """Return the largest power of two below a count."""
    return 1 << (count - 1).bit_length() - 1


def _range(start: int, end: int, node: Node) -> bytes:
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(count)
    return node_hash(_range(start, middle, node), _range(middle, end, node))
