"""What was trusted on a day, by its digests."""

from dataclasses import replace

import pytest

from claims.proof.trusted import inventory_of, is_within, material_in, parts_of
from signing.report.record import TrustMaterial

MATERIAL = TrustMaterial(
    anchors=(b"root", b"other root"),
    tsa_anchors=(b"root",),
    intermediates=(b"issuing",),
    crls=(b"list", b"newer list"),
    responses=(b"answer",),
)


def test_an_inventory_is_the_same_in_whatever_order_the_files_were_read() -> None:
    turned = replace(MATERIAL, anchors=MATERIAL.anchors[::-1], crls=MATERIAL.crls[::-1])

    assert inventory_of(turned) == inventory_of(MATERIAL)
    assert inventory_of(replace(MATERIAL, crls=())) != inventory_of(MATERIAL)


def test_what_it_lists_is_found_again_by_digest() -> None:
    inventory = inventory_of(MATERIAL)

    found = material_in(inventory, parts_of(MATERIAL))

    assert inventory_of(found) == inventory
    assert set(found.crls) == set(MATERIAL.crls)
    with pytest.raises(KeyError):
        material_in(inventory, {})


@pytest.mark.parametrize(
    ("material", "expected"),
    [
        pytest.param(replace(MATERIAL, crls=(b"list",), anchors=()), True, id="part-of-it"),
        pytest.param(replace(MATERIAL, crls=(b"another",)), False, id="another-list"),
        pytest.param(replace(MATERIAL, anchors=(b"issuing",)), False, id="as-something-else"),
    ],
)
def test_a_report_may_rest_on_part_of_it_and_on_nothing_else(material: TrustMaterial, expected: bool) -> None:
    assert is_within(material, inventory_of(MATERIAL)) is expected


@pytest.mark.parametrize("stranger", [None, [], {}, {"crls": 7}, {"crls": [7]}], ids=repr)
def test_what_is_no_inventory_lists_nothing(stranger: object) -> None:
    assert is_within(MATERIAL, stranger) is False
