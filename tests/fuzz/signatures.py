"""Runs mutants of signed documents past the verifier: ``./run fuzz [--seconds N] [--seed N]``.

A mutant may pass only if what is covered is still, octet for octet, what was signed; nothing may be raised
but that the bytes cannot be parsed. A mutant that breaks this is written to the folder, named after its seed.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from signing.canonical import C14N_1_0, canonicalize_document, parse
from signing.demo_pki import DemoPki
from signing.errors import Unparsable
from signing.sign import Profile, sign_bundle
from signing.trust import TrustStore
from signing.verify import verify
from tests.fuzz.mutants import mutate
from tests.unit.signing.documents import BUNDLE, DAY, NOW
from tests.unit.signing.forging import ADJUSTMENTS

_TELL_EVERY_S = 5.0


@dataclass(frozen=True)
class Target:
    """A signed document, and what its verified content looks like."""

    name: str
    signed: bytes
    canonical: bytes


class Fuzzer:
    """Mutates signed documents of every profile."""

    def __init__(self, seed: int) -> None:
        pki = DemoPki.create(at=NOW - 100 * DAY)
        key = pki.leaf("01001", valid_from=NOW - 30 * DAY, valid_to=NOW + 30 * DAY)
        self.seed = seed
        self.trust: TrustStore = pki.trust_store()
        self.counts: Counter[str] = Counter()
        self.targets = [
            self._target(profile.value, sign_bundle(document, key.signer, profile=profile, at=NOW))
            for profile, document in (
                (Profile.PLAIN, BUNDLE),
                (Profile.XADES, BUNDLE),
                (Profile.ELEMENT, ADJUSTMENTS),
            )
        ]

    def run_one(self, number: int) -> bytes | None:
        """Try one mutant; return it if it is a failure."""
        random = Random(f"{self.seed}/{number}")
        target = random.choice(self.targets)
        mutant = mutate(random, target.signed)
        try:
            outcome = self._judge(mutant, target)
        except Exception as error:  # noqa: BLE001 - whatever is raised is the finding
            outcome = f"raised {type(error).__name__}"
        self.counts[outcome] += 1
        return mutant if outcome.startswith(("passed changed", "raised")) else None

    def _judge(self, mutant: bytes, target: Target) -> str:
        try:
            root = parse(mutant)
        except Unparsable:
            return "not parsed"
        verdict = verify(root, trust=self.trust, at=NOW)
        by_bytes = verify(parse(mutant), trust=self.trust, at=NOW, source=mutant)
        if (by_bytes.indication, by_bytes.reasons) != (verdict.indication, verdict.reasons):
            return "passed changed its mind, once read from its bytes"
        if not verdict.has_passed or verdict.content is None:
            return "refused"
        same = canonicalize_document(verdict.content, C14N_1_0) == target.canonical
        return "passed unchanged" if same else "passed changed"

    def _target(self, name: str, signed: bytes) -> Target:
        verdict = verify(parse(signed), trust=self.trust, at=NOW)
        if verdict.content is None:
            raise ValueError(f"{name} does not verify: {verdict.reasons}")
        return Target(name, signed, canonicalize_document(verdict.content, C14N_1_0))


def main() -> int:
    """Fuzz for a while; exit code 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="./run fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="which mutants (default 1)")
    parser.add_argument("--folder", type=Path, default=Path("fuzz"), help="where failures are written")
    options = parser.parse_args()
    fuzzer = Fuzzer(options.seed)
    started = shown = time.monotonic()
    number = failures = 0
    while time.monotonic() - started < options.seconds:
        mutant = fuzzer.run_one(number)
        if mutant is not None:
            failures += 1
            options.folder.mkdir(parents=True, exist_ok=True)
            (options.folder / f"{options.seed}-{number}.xml").write_bytes(mutant)
        number += 1
        if time.monotonic() - shown > _TELL_EVERY_S:
            shown = time.monotonic()
            sys.stderr.write(f"{number} mutants, {failures} failures\n")
    for outcome, count in fuzzer.counts.most_common():
        sys.stdout.write(f"{count:9} {outcome}\n")
    sys.stdout.write(f"{number:9} mutants of seed {options.seed}, {failures} failures\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
