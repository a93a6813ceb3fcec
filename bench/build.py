"""Encounters per second on one core, from each kind of input to an unsigned bundle, beside the limit.

The limit is the least that any builder must do: parse the input into plain values, and serialise the tables
that come out (XML, base64). Both are measured on the same encounters, in turn, in CPU seconds.
A large FHIR bundle is read in a process of its own, so that its memory is not that of something else.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import pybase64
from lxml import etree

from bench.figures import Figure
from claims.building.build import build_bundle
from claims.cli.output import progress_bar
from claims.emr.formats import ReadingOptions, read_encounters
from claims.emr.recognizing import Format
from claims.emr.synthetic import BENCHMARK_MIX, generate_encounters
from claims.emr.synthetic.fhir import Release, fhir_json, to_fhir
from claims.emr.synthetic.hl7 import to_hl7

_SEED = 7
_ON = date(2026, 11, 2)
_FACILITY = "79999"
_ROUNDS = 3
_MEGABYTE = 1_000_000
_LARGE = 20 * _MEGABYTE
_DOCUMENTS_OF_LARGE_BUNDLES = 400

# What a bundle costs before it is read: the interpreter and what is imported.
_READ_IN_A_PROCESS_OF_ITS_OWN = """
import pathlib, sys
from claims.emr.fhir.reading import read_fhir
def peak():
    # ru_maxrss would begin with what the parent had when it started this process.
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])
before = peak()
data = pathlib.Path(sys.argv[1]).read_bytes()
read = read_fhir(data)
print((peak() - before) / len(data), len(read.encounters))
"""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of input: its name, its encounters, how they are built, and the least that this takes."""

    name: str
    inputs: Sequence[bytes]
    build: Callable[[bytes], bytes]
    parse: Callable[[bytes], object]
    target: float | None = None


def measure(claims: int) -> Sequence[Figure]:
    """Build a tenth as many encounters of the benchmark mix from every kind of input; return the figures."""
    made = generate_encounters(
        seed=_SEED, count=max(100, claims // 10), facilities=[_FACILITY], on=_ON, mix=BENCHMARK_MIX
    )
    # A bundle from FHIR or HL7 carries no papers, so none is asked for.
    documents = [{**document, "documents": {}} for document in made]
    kinds = _kinds(documents)
    figures: list[Figure] = []
    with progress_bar("building", _ROUNDS * len(kinds)) as bar:
        spent = {kind.name: [_Spent() for _ in range(_ROUNDS)] for kind in kinds}
        for number in range(_ROUNDS):
            for kind in kinds:
                spent[kind.name][number] = _spend(kind)
                bar.advance()
    for kind in kinds:
        best = min(spent[kind.name], key=lambda one: one.building_s)
        count = len(kind.inputs)
        figures += [
            Figure(f"{kind.name}: encounters", count / best.building_s, "1/s per core", target=kind.target),
            Figure(
                f"{kind.name}: limit (parse input, serialise output)", count / best.limit_s, "1/s per core"
            ),
            Figure(f"{kind.name}: share of the limit", best.limit_s / best.building_s, "of 1"),
        ]
    return [*figures, *_large_bundles()]


def _kinds(documents: Sequence[dict[str, Any]]) -> Sequence[_Kind]:
    decoder = msgspec.json.Decoder()
    return (
        _Kind(
            "encounter JSON",
            [json.dumps(document, ensure_ascii=False, default=str).encode() for document in documents],
            lambda data: _build(data, Format.ENCOUNTER),
            json.loads,
            target=200,
        ),
        _Kind(
            "FHIR R4",
            [fhir_json(to_fhir(document)) for document in documents],
            lambda data: _build(data, Format.FHIR),
            decoder.decode,
            target=100,
        ),
        _Kind(
            "FHIR R5",
            [fhir_json(to_fhir(document, release=Release.R5)) for document in documents],
            lambda data: _build(data, Format.FHIR),
            decoder.decode,
        ),
        _Kind(
            "HL7 v2",
            [b"\r".join(to_hl7(document)) for document in documents],
            lambda data: _build(data, Format.HL7),
            lambda data: [line.split(b"|") for line in data.split(b"\r")],
        ),
    )


@dataclass(frozen=True, slots=True)
class _Spent:
    building_s: float = 0.0
    limit_s: float = 0.0


def _spend(kind: _Kind) -> _Spent:
    """Build every input once, and do the least for every one of them."""
    started = time.process_time()
    bundles = [kind.build(data) for data in kind.inputs]
    built = time.process_time()
    trees = [_tables(bundle) for bundle in bundles]
    ready = time.process_time()
    for data, tables in zip(kind.inputs, trees, strict=True):
        kind.parse(data)
        for table in tables:
            pybase64.b64encode(etree.tostring(table, encoding="UTF-8"))
    return _Spent(built - started, time.process_time() - ready)


def _build(data: bytes, kind: Format) -> bytes:
    (encounter,) = read_encounters(data, kind, ReadingOptions()).encounters
    return build_bundle([encounter], made_on=_ON, draft=True).bundle


def _tables(bundle: bytes) -> list[etree._Element]:
    contents = etree.fromstring(bundle).iter("NOIDUNGFILE")
    return [etree.fromstring(pybase64.b64decode(content.text or "")) for content in contents]


def _large_bundles() -> Sequence[Figure]:
    """Read a bundle of a megabyte for its time, and one of twenty for its memory."""
    made = generate_encounters(
        seed=_SEED, count=_DOCUMENTS_OF_LARGE_BUNDLES, facilities=[_FACILITY], on=_ON, mix=BENCHMARK_MIX
    )
    entries: list[object] = []
    one: bytes | None = None
    size = 0
    while size < _LARGE:
        bundle = to_fhir(next(made))
        entries += bundle["entry"]
        size += len(fhir_json(bundle))
        if one is None and size >= _MEGABYTE:
            one = _bundle_of(entries)
    megabyte = one or b""
    took_s = min(_seconds_to_read(megabyte) for _ in range(5))
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(_bundle_of(entries))
        file.flush()
        command = [sys.executable, "-c", _READ_IN_A_PROCESS_OF_ITS_OWN, file.name]
        ran = subprocess.run(command, capture_output=True, check=True)
    times = float(ran.stdout.split()[0])
    return [
        Figure(
            "FHIR R4: reading a megabyte",
            took_s * 1000 / (len(megabyte) / _MEGABYTE),
            "ms CPU",
            25,
            at_least=False,
        ),
        Figure("FHIR R4: memory for a bundle of 20 MB", times, "times its size", 6, at_least=False),
    ]


def _bundle_of(entries: Sequence[object]) -> bytes:
    return fhir_json({"resourceType": "Bundle", "type": "collection", "entry": entries})


def _seconds_to_read(data: bytes) -> float:
    started = time.process_time()
    read_encounters(data, Format.FHIR, ReadingOptions())
    return time.process_time() - started
