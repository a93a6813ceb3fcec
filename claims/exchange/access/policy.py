"""The table of rights (``policy.toml``), typed: what each role may do, and in what kinds of place.

Code asks for actions by their names and never for roles. An action that the table does not know is a fault
of ours and stops start-up.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from claims.bundle.diagnoses import plain_code
from claims.errors import ClaimsError
from claims.exchange.access.places import PlaceKind


class About(StrEnum):
    """What an action is about, which says in what places a right to it counts."""

    RECORDS = "records"
    OWN = "own"
    SERVICE = "service"
    SELF = "self"


class MalformedPolicy(ClaimsError):
    """The table of rights, or code that refers to it, makes no sense."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that one may or may not do."""

    name: str
    about: About
    sentence: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Role:
    """What somebody is here for.

    Attributes:
        is_machine: Whether it is a scope of API keys and clients; otherwise a role of people.
        places: For which kinds of place it may be given.
        may: The names of the actions it allows.
        is_given_by_nation: Whether only those give it to a key whose own right counts for the nation.
    """

    name: str
    is_machine: bool
    sentence: Mapping[str, str]
    places: tuple[PlaceKind, ...]
    may: frozenset[str]
    is_given_by_nation: bool = False


@dataclass(frozen=True, slots=True)
class RecordClass:
    """A class of records that needs a right of its own.

    Attributes:
        right: The action whose holders may see them.
        diagnoses: Beginnings of the ICD-10 codes that put a claim into the class, without their dots.
        source: Where it is written that they are protected.
    """

    name: str
    sentence: Mapping[str, str]
    right: str
    tables: frozenset[str]
    diagnoses: tuple[str, ...]
    source: str

    def holds(self, *, tables: Collection[str], diagnoses: Collection[str]) -> bool:
        """Return whether a claim with these tables and diagnoses belongs to it."""
        return not self.tables.isdisjoint(tables) or any(
            plain_code(code).startswith(self.diagnoses) for code in diagnoses
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole table."""

    actions: Mapping[str, Action]
    roles: Mapping[str, Role]
    classes: Mapping[str, RecordClass]

    def action(self, name: str) -> Action:
        """Return an action.

        Raises:
            MalformedPolicy: The table has none of this name.
        """
        if name not in self.actions:
            raise MalformedPolicy(f"policy.toml has no action {name}")
        return self.actions[name]

    def role(self, name: str) -> Role | None:
        """Return a role or scope, or None when the table has none of this name."""
        return self.roles.get(name)

    def classes_of(self, *, tables: Collection[str], diagnoses: Collection[str]) -> frozenset[str]:
        """Return the protected classes that a claim belongs to."""
        return frozenset(
            one.name for one in self.classes.values() if one.holds(tables=tables, diagnoses=diagnoses)
        )


@cache
def load_policy() -> Policy:
    """Return the table of rights.

    Raises:
        MalformedPolicy: It contradicts itself.
    """
    text = resources.files(__package__).joinpath("policy.toml").read_text("utf-8")
    document = tomllib.loads(text)
    policy = Policy(
        actions={name: _action(name, one) for name, one in document["actions"].items()},
        roles={
            name: _role(name, one, is_machine=kind == "scopes")
            for kind in ("roles", "scopes")
            for name, one in document[kind].items()
        },
        classes={name: _record_class(name, one) for name, one in document["classes"].items()},
    )
    _require_sense(policy, len(document["roles"]) + len(document["scopes"]))
    return policy


def _require_sense(policy: Policy, written_roles: int) -> None:
    if len(policy.roles) != written_roles:
        raise MalformedPolicy("a role and a scope have one name")
    for role in policy.roles.values():
        for name in role.may:
            policy.action(name)
    for record_class in policy.classes.values():
        policy.action(record_class.right)
    unused = policy.actions.keys() - {name for role in policy.roles.values() for name in role.may}
    if unused:
        raise MalformedPolicy(f"nobody may {', '.join(sorted(unused))}")


def _sentence(document: Mapping[str, Any]) -> Mapping[str, str]:
    return {"vi": document["vi"], "en": document["en"]}


def _action(name: str, document: Mapping[str, Any]) -> Action:
    return Action(name, About(document["about"]), _sentence(document))


def _role(name: str, document: Mapping[str, Any], *, is_machine: bool) -> Role:
    return Role(
        name,
        is_machine,
        _sentence(document),
        tuple(PlaceKind(kind) for kind in document["places"]),
        frozenset(document["may"]),
        is_given_by_nation=document.get("is_given_by_nation", False),
    )


def _record_class(name: str, document: Mapping[str, Any]) -> RecordClass:
    return RecordClass(
        name,
        _sentence(document),
        document["right"],
        frozenset(document["tables"]),
        tuple(map(plain_code, document["diagnoses"])),
        document["source"],
    )
