"""Compares verifiers and writes the table of disagreements: ``python -m tests.differential.compare``."""

import argparse
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.differential.documents import Corpus, Document
from tests.differential.explanations import EXPLANATIONS, OF_OTHERS
from tests.differential.verifiers import (
    ACCEPTED,
    OURS,
    Verifier,
    jdk,
    ours,
    python_xmlsec,
    signxml,
    xmlsec1,
)

_HEAD = """\
# Beside other verifiers

Made by `python -m tests.differential.compare` on {day}, which is run by hand. A sample of it is a test, and
so are [documents of any shape](../../tests/differential/generated.py) that XML allows, signed by libxmlsec1.
{total} documents: {valid} with right signatures of every shape, {attack} attacks of [the table](attacks.md)
and {mutant} mutants. Every verifier trusts the same root, as of the same time, and is used as documented;
the JDK takes the key of the certificate that is there. What the others let pass is for their callers to
refuse, which is what a verifier of claims has to do.
"""

#: What each verifier says of each document, by the verifier's name.
Answers = Mapping[str, Sequence[str]]


def ask(documents: Sequence[Document], corpus: Corpus, folder: Path, *, everybody: bool) -> Answers:
    """Let verifiers judge the documents; ``everybody`` includes those that are slow to start."""
    verifiers: dict[str, Verifier | None] = {
        OURS: ours(corpus),
        "python-xmlsec": python_xmlsec(corpus),
        "signxml": signxml(corpus, folder),
    }
    if everybody:
        verifiers |= {"xmlsec1": xmlsec1(corpus, folder), "JDK": jdk()}
    paths = []
    for number, document in enumerate(documents):
        path = folder / f"{number}.xml"
        path.write_bytes(document.data)
        paths.append(path)
    return {name: verifier(paths) for name, verifier in verifiers.items() if verifier is not None}


def disagreements(documents: Sequence[Document], answers: Answers) -> Mapping[tuple[str, str], list[int]]:
    """Return where another verifier accepts what ours refuses, or the other way round.

    By what ours says and the other's name; each with the numbers of the documents.
    """
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for name, said in answers.items():
        for number, (mine, other) in enumerate(zip(answers[OURS], said, strict=True)):
            if name != OURS and (mine == ACCEPTED) != (other == ACCEPTED):
                found[mine, name].append(number)
    return found


def unexplained(documents: Sequence[Document], answers: Answers) -> list[str]:
    """Return the disagreements for which there is no explanation."""
    return [
        f"ours: {mine}, {name}: {answers[name][number]}: {documents[number].name}"
        for (mine, name), numbers in disagreements(documents, answers).items()
        for number in numbers
        if not explain(mine, name, documents[number])
    ]


def explain(mine: str, name: str, document: Document) -> str:
    """Return why the two disagree; nothing if that is not known."""
    if mine != ACCEPTED:
        return EXPLANATIONS.get(mine, "")
    return next((why for who, fits, why in OF_OTHERS if who == name and fits(document)), "")


def page(documents: Sequence[Document], answers: Answers) -> str:
    """Return the page of what was compared and what came out."""
    others = [name for name in answers if name != OURS]
    kinds = Counter(document.kind for document in documents)
    lines = [
        _HEAD.format(day=datetime.now(UTC).date(), total=len(documents), **kinds),
        "| verifier | valid accepted | attacks accepted | mutants accepted |",
        "| --- | --- | --- | --- |",
    ]
    for name, said in answers.items():
        accepted = Counter(
            document.kind for document, answer in zip(documents, said, strict=True) if answer == ACCEPTED
        )
        counts = [str(accepted[kind]) for kind in ("valid", "attack", "mutant")]
        lines.append(f"| {name} | {' | '.join(counts)} |")
    found = disagreements(documents, answers)
    lines += ["", "## Ours refuses, others accept", "", f"| ours says | {' | '.join(others)} | why |"]
    lines.append("| --- |" + " --- |" * (len(others) + 1))
    for reason in sorted({mine for mine, _ in found if mine != ACCEPTED}):
        counts = [str(len(found.get((reason, name), ()))) for name in others]
        lines.append(f"| `{reason}` | {' | '.join(counts)} | {EXPLANATIONS.get(reason, '?')} |")
    lines += ["", "## Ours accepts, others refuse", "", "| who refuses | documents | why |"]
    lines.append("| --- | --- | --- |")
    for name in others:
        by_reason: defaultdict[str, int] = defaultdict(int)
        for number in found.get((ACCEPTED, name), ()):
            by_reason[explain(ACCEPTED, name, documents[number]) or "?"] += 1
        lines += [f"| {name} | {count} | {why} |" for why, count in sorted(by_reason.items())]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Compare and write the page; exit code 1 if something is not explained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=2500)
    parser.add_argument("--page", type=Path, help="where to write the page")
    options = parser.parse_args()
    corpus = Corpus()
    documents = corpus.make(options.documents)
    with tempfile.TemporaryDirectory() as folder:
        answers = ask(documents, corpus, Path(folder), everybody=True)
    if options.page:
        options.page.write_text(page(documents, answers), "utf-8")
    left = unexplained(documents, answers)
    sys.stdout.writelines(f"{line}\n" for line in left)
    sys.stdout.write(f"{len(documents)} documents, {len(left)} disagreements without an explanation\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
