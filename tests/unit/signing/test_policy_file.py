"""A policy file is read strictly, and a fault in it is said with the key it lies at."""

import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from signing.errors import PolicyUnreadable
from signing.policy import DEFAULT_POLICY, load_policy, read_policy

DEFAULT: dict[str, Any] = tomllib.loads(DEFAULT_POLICY.content.decode())
TABLES = [""] + [name for name, value in DEFAULT.items() if isinstance(value, dict)]


def keys() -> Iterator[tuple[str, str]]:
    """Yield every key of the default policy with the table it stands in."""
    for name, value in DEFAULT.items():
        if isinstance(value, dict):
            yield from ((name, key) for key in value)
        yield "", name


KEYS = pytest.mark.parametrize(("table", "key"), list(keys()))


def write(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, list):
        return "[" + ", ".join(map(write, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{write(key)} = {write(each)}" for key, each in value.items()) + " }"
    return repr(value)


def edited(table: str, changes: dict[str, object], *, without: str = "") -> bytes:
    """Return the default policy with other values in a table, or one less."""
    content = {name: dict(value) if isinstance(value, dict) else value for name, value in DEFAULT.items()}
    target = content[table] if table else content
    target.update(changes)
    target.pop(without, None)
    return "\n".join(f"{write(key)} = {write(value)}" for key, value in content.items()).encode()


def path_of(table: str, key: str) -> str:
    shown = f'"{key}"' if "." in key else key
    return f"{table}.{shown}" if table else shown


def test_the_tests_write_what_they_read() -> None:
    assert tomllib.loads(edited("", {}).decode()) == DEFAULT


@KEYS
def test_every_key_must_be_there(table: str, key: str) -> None:
    with pytest.raises(PolicyUnreadable, match="is missing") as refused:
        read_policy(edited(table, {}, without=key))

    assert refused.value.key == path_of(table, key)


@KEYS
@pytest.mark.parametrize("value", [1.5, datetime(2030, 1, 1)], ids=["fraction", "moment"])  # noqa: DTZ001
def test_every_value_must_be_of_its_kind(table: str, key: str, value: object) -> None:
    with pytest.raises(PolicyUnreadable, match="must be ") as refused:
        read_policy(edited(table, {key: value}))

    assert refused.value.key == path_of(table, key)


@pytest.mark.parametrize("table", TABLES)
def test_a_key_that_is_not_known_is_an_error(table: str) -> None:
    with pytest.raises(PolicyUnreadable, match="is not known here") as refused:
        read_policy(edited(table, {"sha-1": True}))

    assert refused.value.key == path_of(table, "sha-1")


@pytest.mark.parametrize(
    ("table", "key", "value", "said"),
    [
        pytest.param("", "version", 2, "must be 1", id="another-version"),
        pytest.param("", "version", True, "must be a whole number", id="a-flag-is-no-number"),
        pytest.param("", "name", " ", "must not be empty", id="no-name"),
        pytest.param("digests", "sha256", 1, "must be true, false or a date", id="a-number-is-no-flag"),
        pytest.param("digests", "sha256", "2030-12-31", "must be true, false or a date", id="a-quoted-date"),
        pytest.param("digests", "sha512", date(1999, 12, 31), "must be of the years", id="too-early"),
        pytest.param("signatures", "rsa-sha256", date(9999, 12, 31), "must be of the years", id="too-late"),
        pytest.param("keys", "P-256", date.max, "must be of the years", id="curve-too-late"),
        pytest.param("keys", "rsa-min-bits", 1023, "must be from 1024 to 16384", id="short-key"),
        pytest.param("keys", "rsa-max-bits", 2047, "must be from 2048 to 16384", id="longest-below-shortest"),
        pytest.param("keys", "rsa-min-bits-later", [1], "must be a list of tables", id="steps-of-numbers"),
        pytest.param("references", "containers", ["A", 1], "must be a list of texts", id="no-text"),
        pytest.param("references", "containers", ["A", "A"], "names something twice", id="twice"),
        pytest.param("references", "containers", ["//A"], "is not a path of element names", id="xpath"),
        pytest.param("references", "containers", ["A[1]"], "is not a path of element names", id="predicate"),
        pytest.param("references", "containers", ["*"], "is not a path of element names", id="wildcard"),
        pytest.param("references", "containers", ["."], "is not a path of element names", id="dot"),
        pytest.param("references", "containers", ["{u}A"], "is not a path of element names", id="namespace"),
        pytest.param("references", "containers", [""], "is not a path of element names", id="empty-text"),
        pytest.param("references", "elements", ["A"], "is not a root and an element", id="root-alone"),
        pytest.param("references", "elements", ["A/B/C"], "is not a root and an element", id="deeper"),
        pytest.param("references", "elements", ["A/*"], "is not a root and an element", id="any-element"),
        pytest.param("limits", "certificates", 0, "must be from 1 to 64", id="no-certificate"),
        pytest.param("limits", "inclusive-prefixes", -1, "must be from 0 to 64", id="negative"),
        pytest.param("certificates", "purposes", ["email"], "is not an object identifier", id="no-oid"),
        pytest.param("timestamps", "policies", ["1.02"], "is not an object identifier", id="leading-zero"),
        pytest.param(
            "severity", "certificate.usage", "ignore", "must be one of fail, warn, inform", id="severity"
        ),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_an_error(table: str, key: str, value: object, said: str) -> None:
    with pytest.raises(PolicyUnreadable, match=said) as refused:
        read_policy(edited(table, {key: value}))

    assert refused.value.key == path_of(table, key)


@pytest.mark.parametrize(
    "reason", ["signature.digest_mismatch", "certificate.expired", "certificate.revoked"]
)
def test_what_makes_a_signature_worthless_cannot_be_let_pass(reason: str) -> None:
    with pytest.raises(PolicyUnreadable, match="is not known here"):
        read_policy(edited("severity", {reason: "warn"}))


def step(year: int, bits: object) -> dict[str, object]:
    return {"from": date(year, 1, 1), "bits": bits}


@pytest.mark.parametrize(
    ("steps", "key", "said"),
    [
        pytest.param([step(2031, 4096), step(2030, 8192)], "", "later than the one before", id="order"),
        pytest.param([step(2030, 3072), step(2030, 4096)], "", "later than the one before", id="same-day"),
        pytest.param([step(2030, 4096), step(2031, 3072)], "", "ask for more", id="shorter-again"),
        pytest.param([step(2030, 2048)], "", "ask for more", id="no-longer-than-today"),
        pytest.param([step(2030, 512)], "[0].bits", "must be from 1024", id="too-short"),
        pytest.param([step(2030, 3072), step(2031, "4096")], "[1].bits", "whole number", id="text"),
        pytest.param([{"bits": 3072}], "[0].from", "is missing", id="no-day"),
        pytest.param([{**step(2030, 3072), "to": 1}], "[0].to", "is not known here", id="unknown"),
    ],
)
def test_a_step_to_longer_keys_that_makes_no_sense_is_an_error(
    steps: list[dict[str, object]], key: str, said: str
) -> None:
    with pytest.raises(PolicyUnreadable, match=said) as refused:
        read_policy(edited("keys", {"rsa-min-bits-later": steps}))

    assert refused.value.key == f"keys.rsa-min-bits-later{key}"


def test_no_key_may_have_to_be_longer_than_the_longest() -> None:
    with pytest.raises(PolicyUnreadable, match="from 9000"):
        read_policy(edited("keys", {"rsa-min-bits-later": [step(2030, 9000)]}))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff", id="not-utf-8"),
        pytest.param(b"version = ", id="cut-short"),
        pytest.param(b"a = 1\na = 2", id="a-key-twice"),
        pytest.param(b"[digests]\n[digests]", id="a-table-twice"),
        pytest.param(b"a = " + (b"[" * 400 + b"\n") * 25, id="too-deep"),
        pytest.param(b"a = 2030-02-30", id="no-such-day"),
        pytest.param(b"<policy/>", id="xml"),
    ],
)
def test_what_is_not_toml_is_an_error(content: bytes) -> None:
    with pytest.raises(PolicyUnreadable, match="the file is not TOML") as refused:
        read_policy(content)

    assert refused.value.key == ""


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbf" + DEFAULT_POLICY.content, id="byte-order-mark"),
        pytest.param(DEFAULT_POLICY.content.replace(b"\n", b"\r\n"), id="line-ends-of-windows"),
    ],
)
def test_what_editors_do_to_a_file_does_not_matter(content: bytes) -> None:
    assert read_policy(content).severities == DEFAULT_POLICY.severities


def test_nothing_need_be_accepted_in_place_of_the_document() -> None:
    assert read_policy(edited("references", {"elements": []})).signed_elements == set()


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyUnreadable, match=r"none\.toml: No such file"):
        load_policy(tmp_path / "none.toml")


def test_a_fault_is_said_with_the_file_and_the_key(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(edited("keys", {"P-256": "yes"}))

    with pytest.raises(PolicyUnreadable, match=r"mine\.toml: keys\.P-256: must be true, false or a date"):
        load_policy(tmp_path / "mine.toml")


def test_a_policy_is_loaded_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(edited("", {"name": "Trạm y tế"}))

    assert load_policy(path).name == "Trạm y tế"
    assert load_policy(path).content == path.read_bytes()
