"""Callers in memory: known for some seconds, and never longer than their key lives."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest

from claims.exchange.access.callers import WhoCalls
from claims.exchange.access.clients import PREFIX as CLIENT
from claims.exchange.access.clients import RecognizeToken
from claims.exchange.access.errors import UnknownKey
from claims.exchange.access.keys import Authenticate, IssueKey, Scope
from claims.exchange.access.principal import Principal, PrincipalKind
from claims.exchange.access.sessions import KeepSessions
from claims.exchange.submission import FacilityCode
from claims.runtime.callers import KnownCallers
from tests.fakes import NOON, SetClock
from tests.unit.exchange.access.test_keys import KeysInMemory


class Watch:
    """A steady clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Tokens:
    """Knows every client's token."""

    def __call__(self, _token: str, *, certificate: bytes | None) -> Principal:
        return Principal(str(certificate), PrincipalKind.CLIENT, frozenset())


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr("time.monotonic", watch)
    return watch


@pytest.fixture
def keys() -> KeysInMemory:
    return KeysInMemory()


@pytest.fixture
def known(keys: KeysInMemory) -> KnownCallers:
    clock = SetClock()
    asked = WhoCalls(Authenticate(keys, clock), cast("KeepSessions", None), cast("RecognizeToken", Tokens()))
    return KnownCallers(asked, clock, remember_s=5)


@pytest.fixture
def issue(keys: KeysInMemory) -> Callable[..., str]:
    make = IssueKey(keys, SetClock())
    scopes = frozenset({Scope.SUBMIT})
    return lambda lives=None: make(
        facility=FacilityCode("99001"),
        scopes=scopes,
        label="test",
        expires_at=None if lives is None else NOON + timedelta(seconds=lives),
    )


def test_a_caller_is_recalled_after_it_was_asked_for(known: KnownCallers, issue: Callable[..., str]) -> None:
    token = issue()
    before = known.recall(token)

    caller = known(token)

    assert before is None
    assert known.recall(token) == caller


def test_memory_ends(known: KnownCallers, issue: Callable[..., str], watch: Watch) -> None:
    token = issue()
    known(token)

    watch.now += 5.1

    assert known.recall(token) is None


def test_a_key_that_expires_is_not_remembered_beyond(
    known: KnownCallers, issue: Callable[..., str], watch: Watch
) -> None:
    token = issue(2)
    known(token)

    watch.now += 2.1

    assert known.recall(token) is None


def test_what_opens_nothing_is_not_remembered(known: KnownCallers, issue: Callable[..., str]) -> None:
    token = issue() + "x"

    with pytest.raises(UnknownKey):
        known(token)

    assert known.recall(token) is None


def test_a_clients_token_is_never_remembered_as_it_may_be_bound_to_a_certificate(known: KnownCallers) -> None:
    token = f"{CLIENT}abc"

    caller = known(token, certificate=b"x")

    assert caller.id == "b'x'"
    assert known.recall(token) is None
