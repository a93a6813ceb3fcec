"""The tree of RFC 6962, with the test vectors of its reference implementation."""

import hashlib

import pytest

from claims.proof.errors import BrokenProof
from claims.proof.merkle import (
    EMPTY_ROOT,
    Frontier,
    check_consistency,
    check_inclusion,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
)

LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", bytes(range(96, 112)).hex())
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
MANY = [leaf_hash(bytes([number])) for number in range(70)]


def node(level: int, position: int) -> bytes:
    if level == 0:
        return MANY[position]
    return node_hash(node(level - 1, 2 * position), node(level - 1, 2 * position + 1))


def root(size: int) -> bytes:
    return root_of(size, node)


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots_come_out(size: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf_hash(leaf))

    assert frontier.root.hex() == ROOTS[size - 1]
    assert root_of(size, _published).hex() == ROOTS[size - 1]


def _published(level: int, position: int) -> bytes:
    if level == 0:
        return leaf_hash(LEAVES[position])
    return node_hash(_published(level - 1, 2 * position), _published(level - 1, 2 * position + 1))


def test_published_paths_come_out() -> None:
    path = prove_inclusion(5, 8, _published)
    consistency = prove_consistency(6, 8, _published)

    assert [each.hex()[:16] for each in path] == ["bc1a0643b12e4d2d", "ca854ea128ed050b", "d37ee418976dd957"]
    assert [each.hex()[:16] for each in consistency] == [
        "0ebc5d3437fbe2db",
        "ca854ea128ed050b",
        "d37ee418976dd957",
    ]


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert root_of(0, node) == Frontier().root == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_every_leaf_of_every_tree_is_proved_and_no_other() -> None:
    for size in range(1, 20):
        for index in range(size):
            path = prove_inclusion(index, size, node)
            check_inclusion(MANY[index], index, size, path, root(size))
            for other in {(index + 1) % size, index} - {index}:
                with pytest.raises(BrokenProof):
                    check_inclusion(MANY[index], other, size, path, root(size))
            with pytest.raises(BrokenProof):
                check_inclusion(MANY[index], index, size, (*path, MANY[0]), root(size))
            if path:
                with pytest.raises(BrokenProof):
                    check_inclusion(MANY[index], index, size, path[:-1], root(size))


def test_every_tree_begins_with_every_smaller_one_and_no_other() -> None:
    for new in range(1, 40):
        for old in range(1, new + 1):
            path = prove_consistency(old, new, node)
            check_consistency(old, new, path, root(old), root(new))
            with pytest.raises(BrokenProof):
                check_consistency(old, new, path, MANY[60], root(new))
            with pytest.raises(BrokenProof):
                check_consistency(old, new, path, root(old), MANY[60])


@pytest.mark.parametrize(("index", "size"), [(5, 5), (-1, 3), (0, 0)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        prove_inclusion(index, size, node)
    with pytest.raises(BrokenProof):
        check_inclusion(MANY[0], index, size, (), root(1))
