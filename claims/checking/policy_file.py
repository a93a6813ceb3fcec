"""A policy as a file.

It is TOML::

    name = "thanh-pho-2026"
    unknown_fields = "warning"          # optional

    [groups]                            # optional: names for several facilities
    quan-1 = ["79024", "79025"]

    [[change]]
    rules = ["XML3.MA_DICH_VU.code", "*.absent"]
    severity = "warning"                # off, info, warning, error, critical
    facilities = ["quan-1", "79001"]    # optional: all of them
    from = 2026-03-01                   # optional: days of receipt, both counted
    until = 2026-06-30                  # optional
    by = "Trưởng phòng KHTH"            # these three are demanded
    on = 2026-02-20
    why = "Danh mục mới chưa được nạp"

A later change takes the place of an earlier one.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, cast

from claims.bundle.findings import Severity
from claims.checking.explaining import known_codes, nearest_codes
from claims.checking.policy import Change, CheckPolicy, expand_facilities, is_fixed
from claims.errors import ClaimsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from signing.canonical import Limits

_OFF: Final = "off"
_OWN: Final = "OWN."
_FACILITY: Final = re.compile(r"[0-9A-Z]{5}")
_KEYS: Final = frozenset({"name", "unknown_fields", "groups", "change"})
_CHANGE_KEYS: Final = frozenset({"rules", "severity", "facilities", "from", "until", "by", "on", "why"})


class UnreadablePolicy(ClaimsError):
    """A policy file makes no sense.

    Attributes:
        path: The file.
        detail: What is wrong, and where in it.
    """

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


def load_policy(path: Path, *, limits: Limits | None = None, own_codes: Collection[str] = ()) -> CheckPolicy:
    """Read a policy; ``own_codes`` are those of the hospital's own rules, which it may name as well.

    Raises:
        UnreadablePolicy: It cannot be read, or something in it is missing, unknown or makes no sense.
    """
    try:
        data = path.read_bytes()
        read = _read(tomllib.loads(data.decode("utf-8-sig")), own_codes)
    except OSError as error:
        raise UnreadablePolicy(path, error.strerror or str(error)) from error
    except (ValueError, TypeError) as error:  # TOML's and UTF-8's own errors are ValueErrors
        raise UnreadablePolicy(path, str(error)) from error
    return CheckPolicy(
        limits=limits or CheckPolicy().limits,
        unknown_fields=read.unknown_fields,
        changes=read.changes,
        name=read.name,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _read(facts: Mapping[str, object], own_codes: Collection[str]) -> CheckPolicy:
    _refuse_unknown(facts, _KEYS, "")
    groups = facts.get("groups", {})
    if not isinstance(groups, dict):
        raise TypeError("groups is not a table")
    members = {name: _texts(codes, f"groups.{name}") for name, codes in groups.items()}
    for name, codes in members.items():
        _refuse_unless_facilities(codes, f"groups.{name}")
    changes = facts.get("change", [])
    if not isinstance(changes, list):
        raise TypeError("changes are written as [[change]]")
    unknown_fields = _severity(facts.get("unknown_fields", Severity.WARNING.value), "unknown_fields")
    if unknown_fields is None:
        raise ValueError("unknown_fields: what no Decision has is at least an info")
    return CheckPolicy(
        unknown_fields=unknown_fields,
        changes=tuple(
            _change(change, f"change {number}", members, own_codes)
            for number, change in enumerate(cast("list[object]", changes), 1)
        ),
        name=_text(facts, "name", "the policy"),
    )


def _change(
    facts: object, where: str, groups: Mapping[str, tuple[str, ...]], own_codes: Collection[str]
) -> Change:
    if not isinstance(facts, dict):
        raise TypeError(f"{where} is not a table")
    _refuse_unknown(facts, _CHANGE_KEYS, f"{where}: ")
    if "severity" not in facts:
        raise ValueError(f"{where}: severity is missing")
    facilities = facts.get("facilities")
    if facilities is not None:
        named = _texts(facilities, f"{where}: facilities")
        _refuse_unless_facilities([name for name in named if name not in groups], f"{where}: facilities")
    first, last = (_day(facts.get(key), f"{where}: {key}") for key in ("from", "until"))
    if first and last and last < first:
        raise ValueError(f"{where}: until is before from")
    on = _day(facts.get("on"), f"{where}: on")
    if on is None:
        raise ValueError(f"{where}: on is missing: the day it was decided")
    return Change(
        rules=_rules(facts.get("rules"), where, own_codes),
        severity=_severity(facts["severity"], where),
        facilities=None if facilities is None else expand_facilities(_texts(facilities, where), groups),
        first_day=first,
        last_day=last,
        by=_text(facts, "by", where),
        on=on,
        why=_text(facts, "why", where),
    )


def _rules(value: object, where: str, own_codes: Collection[str]) -> tuple[str, ...]:
    rules = _texts(value, f"{where}: rules")
    if not rules:
        raise ValueError(f"{where}: rules is empty")
    for rule in rules:
        if is_fixed(rule):
            raise ValueError(f"{where}: no policy may change {rule}")
        is_own = rule.startswith(_OWN) and not own_codes  # nobody has said which there are
        known = (*known_codes(), *own_codes)
        if not is_own and not any(fnmatchcase(code, rule) for code in known):
            near = ", ".join(nearest_codes(rule)) or "none is like it"
            raise ValueError(f"{where}: there is no rule {rule} (nearest: {near})")
    return rules


def _severity(value: object, where: str) -> Severity | None:
    if value == _OFF:
        return None
    try:
        return Severity(cast("str", value))
    except ValueError:
        known = ", ".join((_OFF, *Severity))
        raise ValueError(f"{where}: {value!r} is not a severity: {known}") from None


def _refuse_unless_facilities(codes: Collection[str], where: str) -> None:
    for code in codes:
        if not _FACILITY.fullmatch(code):
            raise ValueError(f"{where}: {code!r} is neither a facility's code nor a group")


def _refuse_unknown(facts: Mapping[str, object], known: frozenset[str], where: str) -> None:
    unknown = facts.keys() - known
    if unknown:
        raise ValueError(f"{where}{min(unknown)} is not known here")


def _text(facts: Mapping[str, object], key: str, where: str) -> str:
    value = facts.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {key} is missing")
    return value.strip()


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{where} is not a list of texts")
    return tuple(value)


def _day(value: object, where: str) -> date | None:
    if value is None or type(value) is date:
        return value
    raise TypeError(f"{where} is not a day, written as 2026-03-01 without quotes")
