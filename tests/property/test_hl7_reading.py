"""Whatever order, duplicates or damage messages have, reading them is the same, or says what is wrong."""

import random
import time
from dataclasses import fields, is_dataclass
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.emr.encounter import Encounter, read_encounter
from claims.emr.hl7.reading import read_hl7
from claims.emr.synthetic import BENCHMARK_MIX, Mix, generate_encounters
from claims.emr.synthetic.hl7 import to_hl7

_NOT_CARRIED = {"origin", "documents", "extra"}


def _document(seed: int, mix: Mix = BENCHMARK_MIX) -> dict[str, object]:
    return next(
        iter(generate_encounters(seed=seed, count=1, facilities=("79999",), on=date(2026, 11, 2), mix=mix))
    )


def _carried(value: object) -> object:
    """Return a value without what HL7 has no place for; items in any order, and absent as good as empty."""
    if is_dataclass(value) and not isinstance(value, type):
        # The service of a result is that of its order; a document may repeat it.
        skipped = _NOT_CARRIED | ({"service"} if type(value).__name__ == "Result" else set())
        return {f.name: _carried(getattr(value, f.name)) for f in fields(value) if f.name not in skipped}
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return sorted((_carried(item) for item in value), key=repr)
    return value or None


_FEW = Mix(outpatient=50, outpatient_with_tests=30, day=15, inpatient=5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), shuffle=st.randoms(use_true_random=False))
def test_a_document_written_as_messages_in_any_order_is_read_back(seed: int, shuffle: random.Random) -> None:
    document = _document(seed, _FEW)
    messages = to_hl7(document)
    messages += shuffle.sample(messages, len(messages) // 3)
    shuffle.shuffle(messages)

    found = read_hl7(b"".join(messages))

    assert not found.refused
    assert not found.oddities
    assert [_carried(encounter) for encounter in found.encounters] == [_carried(read_encounter(document))]


def test_visits_mixed_in_one_input_are_those_read_one_by_one() -> None:
    streams = [
        to_hl7(document)
        for document in generate_encounters(
            seed=5, count=30, facilities=("79999", "79001"), on=date(2026, 11, 2), mix=_FEW
        )
    ]
    mixed = [message for stream in streams for message in stream]
    random.Random(1).shuffle(mixed)

    def by_link(encounters: list[Encounter]) -> dict[str | None, Encounter]:
        return {encounter.encounter.link_id: encounter for encounter in encounters}

    alone = by_link([encounter for stream in streams for encounter in read_hl7(stream).encounters])
    together = by_link(list(read_hl7(mixed).encounters))

    assert together == alone
    assert len(together) == 30


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 5), data=st.data())
def test_a_damaged_stream_never_crashes(seed: int, data: st.DataObject) -> None:
    stream = bytearray(b"\x0b" + b"\x1c\r\x0b".join(to_hl7(_document(seed, _FEW))) + b"\x1c\r")
    for _ in range(data.draw(st.integers(1, 20))):
        position = data.draw(st.integers(0, len(stream) - 1))
        match data.draw(st.sampled_from(("replace", "mark", "cut", "repeat"))):
            case "replace":
                stream[position] = data.draw(st.integers(0, 255))
            case "mark":
                stream[position] = data.draw(st.sampled_from(b'|^~\\&\r\n\x0b\x1c"-+.0'))
            case "cut":
                del stream[position : position + data.draw(st.integers(1, 200))]
            case _:
                stream[position:position] = stream[position : position + 300]
        stream = stream or bytearray(b"M")

    found = read_hl7(bytes(stream))

    assert all(refusal.code and refusal.reason for refusal in found.refused)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400).map(lambda tail: b"MSH|^~\\&|A|B|||20261102||ADT^A01|1\rPV1" + tail))
def test_any_bytes_behind_a_header_are_read_or_refused(data: bytes) -> None:
    read_hl7(data)


@pytest.mark.slow
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(b"ORC|NW|O1\rOBR|1|O1||A%d^x^L\r", id="services-of-one-order"),
        pytest.param(b"ORC|XO|O%d\rRXE||A^x^L\r", id="orders"),
        pytest.param(b"text of %d\r", id="stray-lines"),
        pytest.param(b"NTE|1||\\X\\\\X\\%d\r", id="escapes"),
    ],
)
def test_the_cost_of_a_message_grows_with_its_length_alone(lines: bytes) -> None:
    def cost(count: int) -> float:
        body = b"".join(lines.replace(b"%d", b"%d" % n) for n in range(count))
        data = b"MSH|^~\\&|A|79999|||20261102||ORM^O01|1\rPV1||O|" + b"|" * 16 + b"V1\r" + body
        begun = time.process_time()
        read_hl7(data)
        return time.process_time() - begun

    cost(500)
    small, large = (min(cost(count) for _ in range(2)) for count in (1_000, 8_000))

    # Eight times the length; a quadratic reader would need sixty-four times as long.
    assert large < 24 * max(small, 0.005)
