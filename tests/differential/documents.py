"""Documents that several verifiers judge: right signatures of every shape, every attack, and mutants."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from cryptography.hazmat.primitives.asymmetric import ec

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE
from signing.demo_pki import DemoPki
from signing.sign import Profile, sign_bundle
from tests.fuzz.mutants import mutate
from tests.unit.signing.attacks.all import FAMILIES
from tests.unit.signing.attacks.table import Workshop
from tests.unit.signing.documents import BUNDLE, DAY, ENVELOPED, NOW, Recipe, sign_like, transform

_TEXTS = (
    b"PFRPTkdfSE9QLz4=",
    "Bệnh viện Đà Nẵng &lt;&amp;&gt; \"'".encode(),
    b"<![CDATA[<A>&]]>",
    b"a&#13;b\tc",
    b"  x  ",
    b"<B xmlns='urn:b' z='1' a='2'><c:C xmlns:c='urn:c' c:d='&quot;'/></B>",
    b"<!-- comment -->x<?target data?>",
    b"",
)


@dataclass(frozen=True)
class Document:
    """One document to be judged.

    Attributes:
        kind: ``valid``, ``attack`` or ``mutant``.
        name: What it is.
        data: Its bytes.
    """

    kind: str
    name: str
    data: bytes


class Corpus:
    """Makes the documents, always the same but for the keys."""

    def __init__(self) -> None:
        self.pki = DemoPki.create(at=NOW - 100 * DAY)
        validity = (NOW - 30 * DAY, NOW + 30 * DAY)
        on_curve = ec.generate_private_key(ec.SECP256R1())
        self.keys = {
            "rsa": self.pki.leaf("01001", valid_from=validity[0], valid_to=validity[1]),
            "ec": self.pki.leaf("01002", valid_from=validity[0], valid_to=validity[1], key=on_curve),
        }
        other = self.pki.leaf("01099", valid_from=validity[0], valid_to=validity[1])
        self._workshop = Workshop(self.pki, self.keys["rsa"], self.keys["ec"], other)

    @property
    def at(self) -> datetime:
        """As of when the documents are judged."""
        return NOW

    def make(self, count: int, *, seed: int = 1) -> list[Document]:
        """Make so many documents: those of fixed number first, then mutants."""
        documents = [*self._valid(), *self._attacks()]
        mutants = self._mutants(seed)
        while len(documents) < count:
            documents.append(next(mutants))
        return documents

    def _valid(self) -> Iterator[Document]:
        names = {"1.0": C14N_1_0, "1.1": C14N_1_1, "exclusive": C14N_EXCLUSIVE}
        # The enveloped-signature transform alone leaves Canonical XML 1.0 to follow.
        documents = [(f"{name}, stated", ENVELOPED + transform(c14n), c14n) for name, c14n in names.items()]
        documents.append(("1.0, implied", ENVELOPED, C14N_1_0))
        for number, text in enumerate(_TEXTS):
            bundle = BUNDLE.replace(b"PFRPTkdfSE9QLz4=", text)
            for kind, key in self.keys.items():
                for profile in (Profile.PLAIN, Profile.XADES):
                    signed = sign_bundle(bundle, key.signer, profile=profile, at=NOW)
                    yield Document("valid", f"profile {profile.value}, {kind}, text {number}", signed)
            for prefix in ("", "ds"):
                for info_name, info in names.items():
                    for name, transforms, c14n in documents:
                        recipe = Recipe(
                            prefix=prefix, signed_info_c14n=info, document_c14n=c14n, transforms=transforms
                        )
                        signed = sign_like(recipe, self.keys["rsa"], bundle)
                        shown = (
                            f"{prefix or 'no prefix'}, SignedInfo {info_name}, document {name}, text {number}"
                        )
                        yield Document("valid", shown, signed)

    def _attacks(self) -> Iterator[Document]:
        for family in FAMILIES:
            for attack in family.attacks:
                # Those of other trust or times say nothing about a document.
                if attack.trust is None and attack.at == NOW:
                    yield Document("attack", f"{family.title}: {attack.tried}", attack.make(self._workshop))

    def _mutants(self, seed: int) -> Iterator[Document]:
        random = Random(seed)
        signed = [sign_bundle(BUNDLE, key.signer) for key in self.keys.values()]
        number = 0
        while True:
            yield Document("mutant", f"mutant {seed}/{number}", mutate(random, random.choice(signed)))
            number += 1
