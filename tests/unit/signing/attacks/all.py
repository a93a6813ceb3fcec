"""Every class of attacks, in the order in which a verifier meets them."""

from tests.unit.signing.attacks import (
    algorithms,
    certificates,
    content,
    crafted,
    element,
    ids,
    keys,
    parsing,
    placement,
    references,
    shape,
    statement,
    timestamps,
    transforms,
    xades,
)

FAMILIES = (
    parsing.FAMILY,
    placement.FAMILY,
    ids.FAMILY,
    shape.FAMILY,
    references.FAMILY,
    transforms.FAMILY,
    algorithms.FAMILY,
    keys.FAMILY,
    content.FAMILY,
    element.FAMILY,
    statement.FAMILY,
    xades.FAMILY,
    timestamps.FAMILY,
    certificates.FAMILY,
    crafted.FAMILY,
)
