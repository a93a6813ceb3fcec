"""Dated answers: files of settings, each a list of steps that say from which day which value counts.

A file ``NAME.toml`` of this package may be added to by a folder of later data; a later file wins on the same
day. The settings of a file are the fields of a dataclass: each an ``int``, a ``str`` or a ``frozenset[str]``.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any, get_origin

from claims.bundle.format import UnusableFormatFolder, format_files
from claims.bundle.money.dated import Dated


def read_answers(file: str, kind: type[Any]) -> Mapping[str, Dated[Any]]:
    """Collect the steps of every file of a name, by setting.

    Raises:
        UnusableFormatFolder: An added file names an unknown setting, or a value that it does not take.
    """
    types = {field.name: get_origin(field.type) or field.type for field in fields(kind)}
    found: dict[str, dict[date, object]] = {name: {} for name in types}
    for path in format_files(file):
        for name, steps in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if name not in types:
                raise UnusableFormatFolder(path, f"{name}: there is no such setting")
            found[name].update(_steps(path, name, steps, types[name]))
    return {name: Dated(tuple(sorted(steps.items(), key=_first_day))) for name, steps in found.items()}


def _steps(path: Path, name: str, steps: object, wanted: object) -> Iterator[tuple[date, object]]:
    for step in steps if isinstance(steps, list) else [steps]:
        begins, value = (step.get("from"), step.get("value")) if isinstance(step, dict) else (None, None)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = frozenset(value)
        if type(begins) is not date or type(value) is not wanted:
            raise UnusableFormatFolder(path, f"{name}: each step needs a day (from) and a fitting value")
        yield begins, value


def _first_day(step: tuple[date, object]) -> date:
    return step[0]
