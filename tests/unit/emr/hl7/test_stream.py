"""A synthetic stream is what other HL7 software takes for HL7."""

from datetime import date

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from claims.emr.synthetic import Mix, generate_encounters
from claims.emr.synthetic.hl7 import to_hl7

# The library wants every segment of a choice, puts TQ1 into the first group that may have one, and knows no
# suffix of OBX-3 (HL7 v2.5.1, 7.1.4); such messages it can only read.
_READ_ONLY = ("ORM^O01", "RDE^O11", "&GDT")


@pytest.mark.slow
def test_another_library_reads_and_validates_every_kind_of_message() -> None:
    documents = generate_encounters(
        seed=4, count=4, facilities=("79999",), on=date(2026, 11, 2), mix=Mix(0, 1, 1, 0)
    )
    seen: dict[tuple[bytes, bool], bytes] = {}
    for document in documents:
        for message in to_hl7(document):
            seen.setdefault((message.split(b"|")[8], b"&GDT" in message), message)

    for message in seen.values():
        # Segments of our own making are no part of the published structures.
        standard = "\r".join(line for line in message.decode().split("\r") if not line.startswith("Z"))
        parsed = parse_message(standard, validation_level=VALIDATION_LEVEL.TOLERANT)

        assert len(parsed.children) > 1
        if not any(mark in standard for mark in _READ_ONLY):
            assert parsed.validate()
    assert len(seen) >= 7
