"""The verifiers that are compared: ours, and others as their documentation says to use them."""

import importlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from signing.canonical import parse
from signing.errors import Unparsable
from signing.verify import verify
from tests.differential.documents import Corpus

# Its types lack half of it.
xmlsec: Any = importlib.import_module("xmlsec")

JAVA_SOURCE = Path(__file__).parents[1] / "integration" / "java" / "XmlSignatures.java"
OURS = "ours"

#: Judges documents in files; answers "accepted" or why not, for each.
Verifier = Callable[[Sequence[Path]], list[str]]
ACCEPTED = "accepted"


def ours(corpus: Corpus) -> Verifier:
    """Return our verifier."""
    trust = corpus.pki.trust_store()

    def judge(data: bytes) -> str:
        try:
            root = parse(data)
        except Unparsable as error:
            return error.code
        verdict = verify(root, trust=trust, at=corpus.at, source=data)
        return ACCEPTED if verdict.has_passed else verdict.reasons[0].value

    return lambda paths: [judge(path.read_bytes()) for path in paths]


def python_xmlsec(corpus: Corpus) -> Verifier:
    """Return libxmlsec1 from Python, given the keys: it cannot be told as of when to judge certificates."""
    keys = [
        xmlsec.Key.from_memory(key.certificate.public_bytes(Encoding.DER), xmlsec.KeyFormat.CERT_DER)
        for key in corpus.keys.values()
    ]

    def judge(data: bytes) -> str:
        said = "no signature"
        for key in keys:
            try:
                root = etree.fromstring(data)
                node = xmlsec.tree.find_node(root, xmlsec.Node.SIGNATURE)
                if node is None:
                    return said
                xmlsec.tree.add_ids(root, ["Id", "ID", "id"])
                context = xmlsec.SignatureContext()
                context.key = key
                context.verify(node)
            except (etree.XMLSyntaxError, xmlsec.Error) as error:
                said = type(error).__name__
            else:
                return ACCEPTED
        return said

    return lambda paths: [judge(path.read_bytes()) for path in paths]


def signxml(corpus: Corpus, folder: Path) -> Verifier:
    """Return signxml, with a file of trusted certificates."""
    file = folder / "trusted.pem"
    file.write_bytes(
        b"".join(each.public_bytes(Encoding.PEM) for each in (corpus.pki.root, corpus.pki.issuing))
    )
    # The most references that it can be told to expect; none of the documents is refused for their number.
    config = SignatureConfiguration(expect_references=True, verification_time=corpus.at)

    def judge(data: bytes) -> str:
        try:
            XMLVerifier().verify(data, ca_pem_file=str(file), expect_config=config)
        except Exception as error:  # noqa: BLE001 - whatever it raises, it does not accept
            return type(error).__name__
        return ACCEPTED

    return lambda paths: [judge(path.read_bytes()) for path in paths]


def xmlsec1(corpus: Corpus, folder: Path) -> Verifier | None:
    """Return libxmlsec1's command line tool, if it is there."""
    program = shutil.which("xmlsec1")
    if program is None:
        return None
    corpus.pki.write(folder)
    options = [
        program, "--verify", "--enabled-key-data", "x509",
        "--verification-time", f"{corpus.at:%Y-%m-%d %H:%M:%S}",
        "--trusted-pem", str(folder / "anchors" / "demo-root-ca.pem"),
        "--untrusted-pem", str(folder / "intermediates" / "demo-issuing-ca.pem"),
    ]  # fmt: skip

    environment = {**os.environ, "TZ": "UTC"}

    def judge(path: Path) -> str:
        command = [*options, str(path)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment)
        return ACCEPTED if done.returncode == 0 else "refused"

    return lambda paths: [judge(path) for path in paths]


def jdk() -> Verifier | None:
    """Return the JDK's verifier, which takes the key of the certificate that is there and trusts it."""
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        return None

    def judge(paths: Sequence[Path]) -> list[str]:
        command = [java, str(JAVA_SOURCE), "verify", *map(str, paths)]
        done = subprocess.run(command, capture_output=True, timeout=600, check=True)
        lines = done.stdout.decode().removesuffix("\n").split("\n")  # what it quotes may hold other line ends
        return [ACCEPTED if line == "true" else line.partition(":")[0] for line in lines]

    return judge
