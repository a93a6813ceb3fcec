"""What the worst bundles cost: CPU seconds and memory of one check each, in a process of its own.

Bundles of the shapes that are dear to a verifier or a checker, as large as the limits let them be: rows that
are all wrong, namespaces and attributes by the thousand, deep nesting, long texts, many references.
"""

import base64
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.figures import Figure
from claims.checking.samples import load_sample

_MOST_CPU_S = 2.0
_MOST_MEMORY_MB = 256.0

# What is imported is not the bundle's doing, nor what compiling the schemas takes once.
_CHECK = """
import datetime, pathlib, sys, time
from claims.checking.check import CheckTerms, SignatureTerms, check_bundle
from claims.checking.samples import load_sample
from claims.checking.samples.surroundings import sample_catalogue, sample_more
from signing.trust import TrustStore
from signing.policy import DEFAULT_POLICY
def peak():
    return int(pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
at = datetime.datetime(2026, 9, 20, 3, tzinfo=datetime.timezone.utc)
signature = SignatureTerms(TrustStore(anchors=[]), DEFAULT_POLICY, lambda *_: True)
terms = CheckTerms(signature=signature, catalogue=sample_catalogue(), more=sample_more())
check_bundle(load_sample("outpatient", ["XML3[*].SO_LUONG = many"]).write(), at=at, terms=terms)
data = pathlib.Path(sys.argv[1]).read_bytes()
before, started = peak(), time.process_time()
check_bundle(data, at=at, terms=terms)
print(time.process_time() - started, peak() - before)
"""


def measure(claims: int) -> Sequence[Figure]:
    """Check one bundle of every shape, however many claims are asked for."""
    del claims
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, data in _shapes().items():
            path = Path(folder) / "bundle.xml"
            path.write_bytes(data)
            command = [sys.executable, "-c", _CHECK, str(path)]
            done = subprocess.run(command, capture_output=True, check=True, text=True)
            cpu_s, memory_mb = map(float, done.stdout.split())
            size = f"{name}, {len(data) / 1e6:.1f} MB"
            figures += [
                Figure(size, cpu_s, "s CPU", _MOST_CPU_S, at_least=False),
                Figure(size, memory_mb, "MB", _MOST_MEMORY_MB, at_least=False),
            ]
    return figures


def _shapes() -> Mapping[str, bytes]:
    table = _table_of(_SAMPLE)
    (row,) = re.findall(r"<CHI_TIET_DVKT>.*?</CHI_TIET_DVKT>", table, re.DOTALL)[:1]
    fields = re.findall(r"<([A-Z0-9_]+)[/>]", row)[1:]
    wrong = "".join(f"<{field}>?</{field}>" for field in fields)
    repeated, foreign = "<STT>1</STT>" * 240, "<A/>" * 9
    crowded = re.sub(r"<NGUOI_THUC_HIEN>[^<]*", "<NGUOI_THUC_HIEN>" + ";".join(["1"] * 120), row)
    tables = {
        "right rows": row * 4000,
        "wrong rows": f"<CHI_TIET_DVKT>{wrong}</CHI_TIET_DVKT>" * 4000,
        "empty rows": "<CHI_TIET_DVKT/>" * 19_999,
        "repeated fields": f"<CHI_TIET_DVKT>{repeated}</CHI_TIET_DVKT>" * 800,
        "unknown fields": f"<CHI_TIET_DVKT>{foreign}</CHI_TIET_DVKT>" * 19_000,
        "renamed fields": row.replace("STT>", "STX>") * 4000,
        "long lists": crowded * 3000,
    }
    texts = {
        "namespaces": "".join(f' xmlns:n{n}="u{n}"' for n in range(20_000)),
        "attributes": "".join(f' a{n}="{n}"' for n in range(20_000)),
    }
    root = b"<GIAMDINHHS"
    envelopes = {name: _SAMPLE.replace(root, root + text.encode(), 1) for name, text in texts.items()}
    return {
        **{name: _with_rows(rows) for name, rows in tables.items()},
        **envelopes,
        "depth": b"<A>" * 200_000 + b"</A>" * 200_000,
        "elements": root + b">" + b"<A/>" * 4_000_000 + b"</GIAMDINHHS>",
        "a long text": _SAMPLE.replace(b"<CHUKYDONVI", b"<X>" + b"x" * 9_900_000 + b"</X><CHUKYDONVI", 1),
        "references": _SAMPLE.replace(b"<CHUKYDONVI/>", _REFERENCES).replace(
            b"<CHUKYDONVI></CHUKYDONVI>", _REFERENCES
        ),
    }


_SAMPLE = load_sample("outpatient").write()
_TABLE = re.compile(rb"<LOAIHOSO>XML3</LOAIHOSO>\s*<NOIDUNGFILE>([^<]*)")
_REFERENCES = (
    b'<CHUKYDONVI><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>'
    + b'<Reference URI=""><DigestValue>AAAA</DigestValue></Reference>' * 3_000
    + b"</SignedInfo></Signature></CHUKYDONVI>"
)


def _table_of(bundle: bytes) -> str:
    found = _TABLE.search(bundle)
    return "" if found is None else base64.b64decode(found[1]).decode()


def _with_rows(rows: str) -> bytes:
    table = _table_of(_SAMPLE)
    first, last = table.index("<CHI_TIET_DVKT>"), table.rindex("</CHI_TIET_DVKT>") + len("</CHI_TIET_DVKT>")
    text = base64.b64encode((table[:first] + rows + table[last:]).encode())
    return _TABLE.sub(b"<LOAIHOSO>XML3</LOAIHOSO><NOIDUNGFILE>" + text, _SAMPLE)
