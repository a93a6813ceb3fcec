"""Reports as SARIF 2.1.0 (OASIS), which build tools read: findings with rule, file, line and column."""

from __future__ import annotations

import json
import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from claims.checking.formats.checked import CheckedFile

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {"info": "note", "warning": "warning", "error": "error", "critical": "error"}


def to_sarif(files: Sequence[CheckedFile], language: str) -> bytes:
    """Return the reports as one SARIF run. Lines and columns are the file's own, as far as they are known."""
    codes = sorted({one["code"] for file in files for one in file.findings})
    places = {code: place for place, code in enumerate(codes)}
    first = {one["code"]: one for file in reversed(files) for one in reversed(file.findings)}
    run = {
        "tool": {
            "driver": {
                "name": "eHoSo",
                "language": language,
                "rules": [_rule(first[code], language) for code in codes],
                "properties": {"ruleSets": _rule_sets(files)},
            }
        },
        "artifacts": [{"location": {"uri": _uri(file.name)}} for file in files],
        "results": [
            _result(finding, number, file, places[finding["code"]], language)
            for number, file in enumerate(files)
            for finding in file.findings
        ],
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": all(file.document is not None for file in files),
                "toolExecutionNotifications": [
                    {
                        "level": "error",
                        "message": {"text": file.error},
                        "locations": [_artifact(number, file)],
                    }
                    for number, file in enumerate(files)
                    if file.document is None
                ],
            }
        ],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")


def _rule(finding: Mapping[str, Any], language: str) -> Mapping[str, object]:
    return {
        "id": finding["code"],
        "fullDescription": {"text": finding["clause"][language]},
        "help": {"text": finding["next"][language]},
        "properties": {
            "rule": finding["rule"],
            "category": finding["category"],
            "group": finding["group"],
            "confidence": finding["confidence"],
        },
    }


def _result(
    finding: Mapping[str, Any], number: int, file: CheckedFile, rule: int, language: str
) -> Mapping[str, object]:
    location = _artifact(number, file)
    line, column = finding["envelope_line"], finding["envelope_column"]
    if line:
        location["physicalLocation"]["region"] = {"startLine": line} | (
            {"startColumn": column} if column else {}
        )
    logical = ".".join(str(part) for part in _logical(finding))
    if logical:
        location["logicalLocations"] = [{"fullyQualifiedName": logical, "kind": "member"}]
    facts = ("severity", "claim", "table", "row", "stt", "field", "line", "column", "value")
    return {
        "ruleId": finding["code"],
        "ruleIndex": rule,
        "level": _LEVELS[finding["severity"]],
        "message": {"text": finding["message"][language]},
        "locations": [location],
        "properties": {key: finding[key] for key in facts if finding[key] is not None},
    }


def _logical(finding: Mapping[str, Any]) -> Iterable[object]:
    if finding["claim"]:
        yield f"HOSO[{finding['claim']}]"
    if finding["table"]:
        yield f"{finding['table']}[{finding['row']}]" if finding["row"] else finding["table"]
    if finding["field"]:
        yield finding["field"]


def _artifact(number: int, file: CheckedFile) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(file.name), "index": number}}}


def _uri(name: str) -> str:
    path = PurePath(name)
    # A name that is no UTF-8 is bytes to the file system, and bytes in an address.
    return path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))


def _rule_sets(files: Sequence[CheckedFile]) -> Sequence[str]:
    documents = (file.document for file in files if file.document is not None)
    return sorted({one["rule_set"]["sha256"] for one in documents if one["rule_set"]})
