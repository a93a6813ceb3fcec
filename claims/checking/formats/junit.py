"""Reports as JUnit XML, which build servers show: a suite for each file, cases for stages and what blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from claims.checking.formats.places import place_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element as Element

    from claims.checking.formats.checked import CheckedFile

_BLOCKING: Final = frozenset({"error", "critical"})
# What XML 1.0 cannot hold may stand in a file's name.
_IMPOSSIBLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def to_junit(files: Sequence[CheckedFile], language: str) -> bytes:
    """Return the reports as JUnit XML."""
    root = etree.Element("testsuites", name="claims check")
    counts = [_suite(root, file, language) for file in files]
    root.set("tests", str(sum(tests for tests, _ in counts)))
    root.set("failures", str(sum(failures for _, failures in counts)))
    root.set("errors", str(sum(file.document is None for file in files)))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _suite(root: Element, file: CheckedFile, language: str) -> tuple[int, int]:
    suite = etree.SubElement(root, "testsuite", name=_text(file.name))
    if file.document is None:
        case = etree.SubElement(suite, "testcase", name="read", classname=_text(file.name))
        etree.SubElement(case, "error", message=_text(file.error))
        return _count(suite, 1, 0, 1, 0.0)
    skipped = _stages(suite, file)
    blocking = [one for one in file.findings if one["severity"] in _BLOCKING]
    for finding in blocking:
        _case(suite, file, finding, language)
    told = [one for one in file.findings if one["severity"] not in _BLOCKING]
    if told:
        etree.SubElement(suite, "system-out").text = "\n".join(_line(one, language) for one in told)
    seconds = sum(stage["ms"] for stage in file.document["stages"]) / 1000
    tests = len(file.document["stages"]) + len(blocking)
    suite.set("skipped", str(skipped))
    return _count(suite, tests, len(blocking), 0, seconds)


def _count(suite: Element, tests: int, failures: int, errors: int, seconds: float) -> tuple[int, int]:
    suite.set("tests", str(tests))
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    suite.set("time", f"{seconds:.3f}")
    return tests, failures


def _stages(suite: Element, file: CheckedFile) -> int:
    """Write a case for each stage; a failed one fails by its findings' own cases. Return how many skipped."""
    skipped = 0
    for stage in (file.document or {})["stages"]:
        seconds = f"{stage['ms'] / 1000:.6f}"
        case = etree.SubElement(
            suite, "testcase", name=f"stage {stage['name']}", classname=_text(file.name), time=seconds
        )
        if stage["outcome"] == "skipped":
            skipped += 1
            etree.SubElement(case, "skipped", message=stage["why"] or "")
    return skipped


def _case(suite: Element, file: CheckedFile, finding: Mapping[str, Any], language: str) -> None:
    name = " ".join(part for part in (finding["code"], place_of(finding, language)) if part)
    case = etree.SubElement(suite, "testcase", name=_text(name), classname=_text(file.name))
    message = finding["message"][language]
    failure = etree.SubElement(case, "failure", type=finding["severity"], message=_text(message))
    failure.text = _text("\n".join((message, finding["next"][language], finding["clause"][language])))


def _line(finding: Mapping[str, Any], language: str) -> str:
    place = place_of(finding, language)
    where = f" ({place})" if place else ""
    return _text(f"{finding['severity']} {finding['code']}{where}: {finding['message'][language]}")


def _text(text: str) -> str:
    return _IMPOSSIBLE.sub("\ufffd", text)
