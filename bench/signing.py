"""Milliseconds to verify and to sign a document on one core: ours, other libraries, and the limit.

The limit is the least that any verifier must do: one parse, one canonical form, SHA-256 of it, one public-key
operation; of a signer, the same with the private key. Ours does everything: policy, coverage, certificate
path and revocation (from its cache). The others are given the key and do the arithmetic alone. All take turns
in one process (the JDK and C each in its own), a batch each a round; the median over the rounds counts.
"""

import base64
import hashlib
import importlib
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from signxml.signer import XMLSigner
from signxml.verifier import XMLVerifier

from bench.figures import Figure
from claims.cli.output import progress_bar
from signing.canonical import parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.sign import Profile, sign_bundle
from signing.trust import TrustStore
from signing.verify import verify

# Its types lack half of it.
xmlsec: Any = importlib.import_module("xmlsec")

_SIZES: Final = {"20 KB": 15, "100 KB": 75, "2 MB": 1500}
_FACILITY: Final = "79999"
_JAVA: Final = Path(__file__).with_name("SignatureBench.java")
_C: Final = Path(__file__).with_name("SignatureBench.c")
_BATCH_S: Final = 0.05
_ROUNDS: Final = 9
_LIMIT: Final = "limit"
_OURS: Final = "ours"
# How many times as long they may take to verify as ours does, at least.
_FASTER_BY: Final[Mapping[str, float | None]] = {
    "signxml": 2.0,
    "python-xmlsec": 1.3,
    "libxmlsec1": None,
    "JDK": None,
}
_ANY: Final = dict.fromkeys(_FASTER_BY)
_OURS_XADES: Final = "ours, XAdES B-B"

Operation = Callable[[], object]
#: Seconds that an operation takes, on average over a batch of so many.
Timed = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class _Case:
    """One size and kind of key, with what is verified."""

    name: str
    key: FacilityKey
    unsigned: bytes
    plain: bytes
    xades: bytes
    trust: TrustStore


def measure(scale: int) -> Sequence[Figure]:
    """Time everything, in as many rounds as 200 goes into ``scale``."""
    rounds = max(3, min(_ROUNDS, scale // 200))
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder, _one_core(), _others(Path(folder)) as others:
        cases = list(_cases(Path(folder)))
        with progress_bar("signatures", len(cases) * rounds * 2) as bar:
            for case in cases:
                verifiers = _verifiers(case, others, Path(folder))
                figures += _compare(
                    f"verify {case.name}", verifiers, rounds, _verify_targets(case.name), _FASTER_BY
                )
                bar.advance(rounds)
                figures += _compare(f"sign {case.name}", _signers(case), rounds, {_OURS: 1.3}, _ANY)
                bar.advance(rounds)
    return figures


def _compare(
    title: str,
    timed: Mapping[str, Timed],
    rounds: int,
    targets: Mapping[str, float],
    others: Mapping[str, float | None],
) -> Iterator[Figure]:
    """Let everybody take turns; give medians, and the median of each round's ratio to the limit."""
    counts = {name: max(1, round(_BATCH_S / max(each(2), 1e-6))) for name, each in timed.items()}
    taken: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(rounds):
        for name, each in timed.items():
            taken[name].append(each(counts[name]))
    ours = taken[_OURS]
    for name, seconds in taken.items():
        yield Figure(f"{title}: {name}", statistics.median(seconds) * 1000, "ms")
    for name, target in targets.items():
        ratios = [one / limit for one, limit in zip(taken[name], taken[_LIMIT], strict=True)]
        label = f"{title}: {name} ÷ limit"
        yield Figure(label, statistics.median(ratios), "×", target=target, at_least=False)
    for name, wanted in others.items():
        if name in taken:
            ratios = [other / one for other, one in zip(taken[name], ours, strict=True)]
            yield Figure(f"{title}: {name} ÷ ours", statistics.median(ratios), "×", target=wanted)
    if _OURS_XADES in taken:
        ratios = [xades / one for xades, one in zip(taken[_OURS_XADES], ours, strict=True)]
        label = f"{title}: XAdES B-B ÷ plain"
        yield Figure(label, statistics.median(ratios), "×", target=1.25, at_least=False)


def _verify_targets(name: str) -> Mapping[str, float]:
    return {_OURS: 1.2 if name.startswith("2 MB") else 1.5}


def _cases(folder: Path) -> Iterator[_Case]:
    now = datetime.now(UTC)
    pki = DemoPki.create(at=now)
    trust = pki.trust_store(crls=[pki.revocation_list([], at=now), pki.root_revocation_list(at=now)])
    begins, ends = now - timedelta(days=1), now + timedelta(days=30)
    on_curve = ec.generate_private_key(ec.SECP256R1())
    keys = {
        "RSA-2048": pki.leaf(_FACILITY, valid_from=begins, valid_to=ends),
        "P-256": pki.leaf(_FACILITY, valid_from=begins, valid_to=ends, key=on_curve),
    }
    for kind, key in keys.items():
        (folder / f"{kind}.der").write_bytes(key.certificate.public_bytes(Encoding.DER))
        for size, kilobytes in _SIZES.items():
            unsigned = _document(kilobytes)
            yield _Case(
                f"{size} {kind}",
                key,
                unsigned,
                sign_bundle(unsigned, key.signer),
                sign_bundle(unsigned, key.signer, profile=Profile.XADES, at=now),
                trust,
            )


def _document(kilobytes: int) -> bytes:
    """Make a bundle whose tables hold so many kilobytes before base64, in files of four."""
    random = Random(kilobytes)
    files = "".join(
        f"<FILEHOSO><LOAIHOSO>XML{1 + number % 5}</LOAIHOSO>"
        f"<NOIDUNGFILE>{base64.b64encode(random.randbytes(4000)).decode()}</NOIDUNGFILE></FILEHOSO>"
        for number in range(max(1, kilobytes // 4))
    )
    return (
        f"<GIAMDINHHS><THONGTINDONVI><MACSKCB>{_FACILITY}</MACSKCB></THONGTINDONVI><THONGTINHOSO>"
        f"<NGAYLAP>20261102</NGAYLAP><SOLUONGHOSO>1</SOLUONGHOSO><DANHSACHHOSO><HOSO>{files}</HOSO>"
        "</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>"
    ).encode()


def _verifiers(case: _Case, others: "Mapping[str, _Other]", folder: Path) -> Mapping[str, Timed]:
    now = datetime.now(UTC)
    certificate = case.key.certificate
    pem = certificate.public_bytes(Encoding.PEM).decode()
    known = xmlsec.Key.from_memory(certificate.public_bytes(Encoding.DER), xmlsec.KeyFormat.CERT_DER)

    def ours(data: bytes) -> None:
        if not verify(parse(data), source=data, trust=case.trust, at=now).has_passed:
            raise AssertionError(case.name)

    def by_xmlsec() -> None:
        context = xmlsec.SignatureContext()
        context.key = known
        root = etree.fromstring(case.plain, _huge())
        context.verify(xmlsec.tree.find_node(root, xmlsec.Node.SIGNATURE))

    timed = {
        _LIMIT: _timed(_limit_of_verifying(case)),
        _OURS: _timed(lambda: ours(case.plain)),
        _OURS_XADES: _timed(lambda: ours(case.xades)),
        "python-xmlsec": _timed(by_xmlsec),
        "signxml": _timed(_by_signxml(case, pem)),
    }
    certificate_file = folder / f"{case.name.split()[-1]}.der"
    document = folder / f"{case.name.replace(' ', '-')}.xml"
    document.write_bytes(case.plain)
    for name, other in others.items():
        # What the JDK has compiled by then it keeps.
        other.verify(certificate_file, document, max(20, 100_000_000 // len(case.plain) // 10))
        timed[name] = partial(other.verify, certificate_file, document)
    return timed


def _by_signxml(case: _Case, pem: str) -> Operation:
    # signxml refuses right signatures that are inclusive and without a prefix, so it gets one of its own.
    root = etree.fromstring(case.unsigned, _huge())
    signed = _signxml_signer(case).sign(root, key=case.key.signer.private_key, cert=pem)
    data = etree.tostring(signed, encoding="UTF-8")
    return lambda: XMLVerifier().verify(data, x509_cert=pem)


def _signxml_signer(case: _Case) -> XMLSigner:
    is_rsa = isinstance(case.key.signer.private_key, rsa.RSAPrivateKey)
    return XMLSigner(signature_algorithm="rsa-sha256" if is_rsa else "ecdsa-sha256")


def _signers(case: _Case) -> Mapping[str, Timed]:
    private = case.key.signer.private_key
    pem = case.key.certificate.public_bytes(Encoding.PEM).decode()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    is_rsa = isinstance(private, rsa.RSAPrivateKey)
    known = xmlsec.Key.from_memory(secret, xmlsec.KeyFormat.PEM)

    def by_signxml() -> None:
        root = etree.fromstring(case.unsigned, _huge())
        etree.tostring(_signxml_signer(case).sign(root, key=private, cert=pem), encoding="UTF-8")

    def by_xmlsec() -> None:
        root = etree.fromstring(case.unsigned, _huge())
        algorithm = xmlsec.Transform.RSA_SHA256 if is_rsa else xmlsec.Transform.ECDSA_SHA256
        template = xmlsec.template.create(root, xmlsec.Transform.C14N, algorithm)
        root[-1].append(template)
        reference = xmlsec.template.add_reference(template, xmlsec.Transform.SHA256, uri="")
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(template))
        context = xmlsec.SignatureContext()
        context.key = known
        context.sign(template)
        etree.tostring(root, encoding="UTF-8")

    return {
        _LIMIT: _timed(_limit_of_signing(case)),
        _OURS: _timed(lambda: sign_bundle(case.unsigned, case.key.signer)),
        "python-xmlsec": _timed(by_xmlsec),
        "signxml": _timed(by_signxml),
    }


def _limit_of_verifying(case: _Case) -> Operation:
    public, private = case.key.certificate.public_key(), case.key.signer.private_key
    parser = _huge()
    if isinstance(private, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey):
        value = private.sign(b"", padding.PKCS1v15(), hashes.SHA256())
        check: Operation = lambda: public.verify(value, b"", padding.PKCS1v15(), hashes.SHA256())  # noqa: E731
    elif isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(public, ec.EllipticCurvePublicKey):
        signature = private.sign(b"", ec.ECDSA(hashes.SHA256()))
        check = lambda: public.verify(signature, b"", ec.ECDSA(hashes.SHA256()))  # noqa: E731
    else:
        raise TypeError(case.name)

    def limit() -> None:
        root = etree.fromstring(case.plain, parser)
        hashlib.sha256(etree.tostring(root, method="c14n")).digest()
        check()

    return limit


def _limit_of_signing(case: _Case) -> Operation:
    parser = _huge()

    def limit() -> None:
        root = etree.fromstring(case.unsigned, parser)
        hashlib.sha256(etree.tostring(root, method="c14n")).digest()
        case.key.signer.sign(b"")

    return limit


def _huge() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)


def _timed(operation: Operation) -> Timed:
    def timed(count: int) -> float:
        started = time.process_time()
        for _ in range(count):
            operation()
        return (time.process_time() - started) / count

    return timed


class _Other:
    """A process in another language that verifies on demand and times itself."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def verify(self, certificate: Path, document: Path, count: int) -> float:
        """Return the seconds that one verification took."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError
        stdin.write(f"{certificate} {document} {count}\n")
        stdin.flush()
        return int(stdout.readline()) / 1e9


@contextmanager
def _others(folder: Path) -> Iterator[Mapping[str, _Other]]:
    """Start those whose tools are here: a C compiler with libxmlsec1, a JDK."""
    with ExitStack() as stack:
        commands = {"libxmlsec1": _compiled(folder), "JDK": _java()}
        yield {
            name: _Other(stack.enter_context(_running(command)))
            for name, command in commands.items()
            if command is not None
        }


@contextmanager
def _running(command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        if process.stdin is not None:
            process.stdin.close()


def _java() -> Sequence[str] | None:
    java = shutil.which("java")
    return None if java is None or shutil.which("javac") is None else [java, str(_JAVA)]


def _compiled(folder: Path) -> Sequence[str] | None:
    compiler, config = shutil.which("cc"), shutil.which("pkg-config")
    if compiler is None or config is None:
        return None
    options = subprocess.run(
        [config, "--cflags", "--libs", "xmlsec1"], capture_output=True, text=True, check=False
    )
    if options.returncode:
        return None
    program = folder / "signature-bench"
    subprocess.run([compiler, "-O2", str(_C), "-o", str(program), *options.stdout.split()], check=True)
    return [str(program)]


@contextmanager
def _one_core() -> Iterator[None]:
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(everywhere)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, everywhere)
