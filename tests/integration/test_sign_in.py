"""People sign in step by step; what is stolen, guessed, replayed or over opens nothing."""

import unicodedata
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pyotp
import pytest

from claims.exchange.access.attempts import BY_NAME, BY_NAME_AND_NETWORK, Client, Guard
from claims.exchange.access.errors import (
    AccessDenied,
    IllegalGrant,
    LoginTaken,
    NotSignedIn,
    SignInRefused,
    TooManyAttempts,
    WeakPassword,
)
from claims.exchange.access.passwords import Passwords
from claims.exchange.access.people import ManagePeople, grant_of
from claims.exchange.access.session import Stage
from claims.exchange.access.sessions import KeepSessions
from claims.exchange.access.sign_in import Opened, SignIn
from claims.storage.access_log import PostgresAccessLog
from claims.storage.people import PostgresPeople
from claims.storage.pool import Pool
from claims.storage.sealing import Seal
from claims.storage.sessions import PostgresAttempts, PostgresSessions
from tests.fakes import SetClock

OWN = "bún chả Hà Nội 36"
HOME = Client("192.0.2.1")
STRANGER = Client("198.51.100.7")


@dataclass
class Desk:
    """Everything that signing in takes, on a real database."""

    pool: Pool
    clock: SetClock

    def __post_init__(self) -> None:
        self.passwords = Passwords()
        self.people = PostgresPeople(self.pool, Seal(bytes(32)))
        self.store = PostgresSessions(self.pool)
        self.log = PostgresAccessLog(self.pool)
        self.manage = ManagePeople(self.people, self.store, self.passwords, self.log, self.clock)
        self.sessions = KeepSessions(
            self.store, self.people, self.clock, timedelta(minutes=30), timedelta(hours=10)
        )
        guard = Guard(PostgresAttempts(self.pool), self.clock, b"k" * 32)
        self.sign_in = SignIn(self.people, self.sessions, self.passwords, guard, self.clock, self.log)

    def code(self) -> str:
        secret = self.manage.find("an").totp_secret
        assert secret is not None
        return pyotp.TOTP(secret).at(self.clock.now())

    def enrolled(self) -> Opened:
        """Return the session of somebody who has been through every step."""
        _, password = self.manage.add("an", name="An", grants=[grant_of("reviewer", "79")], by="test")
        first = self.sign_in.with_password("an", password, HOME)
        changed = self.sign_in.change_password(first.token, old=password, new=OWN, client=HOME)
        self.sign_in.begin_totp(changed.token)
        full = self.sign_in.confirm_totp(changed.token, self.code(), HOME)
        self.clock.advance(60)
        return full


@pytest.fixture
def desk(pool: Pool) -> Desk:
    return Desk(pool, SetClock())


def test_the_first_sign_in_asks_for_a_password_of_ones_own_and_a_second_factor(desk: Desk) -> None:
    _, password = desk.manage.add("An@X", name="An", grants=[], by="test")

    first = desk.sign_in.with_password("an@x", password, HOME)
    changed = desk.sign_in.change_password(first.token, old=password, new=OWN, client=HOME)
    desk.sign_in.begin_totp(changed.token)
    assert (first.stage, changed.stage) == (Stage.PASSWORD, Stage.ENROLL)
    for unfinished in (first, changed):
        with pytest.raises(NotSignedIn):
            desk.sessions.authenticate(unfinished.token)


def test_password_and_code_open_a_session_with_the_persons_roles(desk: Desk) -> None:
    desk.enrolled()

    first = desk.sign_in.with_password("an", OWN, HOME)
    full = desk.sign_in.with_code(first.token, desk.code(), HOME)

    assert (first.stage, full.stage) == (Stage.SECOND_FACTOR, Stage.FULL)
    assert desk.sessions.authenticate(full.token).may("claim.decide", "79001")
    with pytest.raises(NotSignedIn):
        desk.sessions.find(first.token)  # each step has a token of its own


def test_a_password_alone_opens_nothing(desk: Desk) -> None:
    desk.enrolled()
    first = desk.sign_in.with_password("an", OWN, HOME)

    with pytest.raises(NotSignedIn):
        desk.sessions.authenticate(first.token)
    with pytest.raises(NotSignedIn):
        desk.sign_in.begin_totp(first.token)
    with pytest.raises(NotSignedIn):
        desk.sign_in.change_password(first.token, old=OWN, new="x" * 20, client=HOME)


def test_a_code_counts_once(desk: Desk) -> None:
    desk.enrolled()
    code = desk.code()
    first, second = (desk.sign_in.with_password("an", OWN, HOME) for _ in range(2))

    desk.sign_in.with_code(first.token, code, HOME)

    with pytest.raises(SignInRefused):
        desk.sign_in.with_code(second.token, code, HOME)


@pytest.mark.parametrize("code", ["", "000000", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_no_other_code_opens(desk: Desk, code: str) -> None:
    desk.enrolled()
    first = desk.sign_in.with_password("an", OWN, HOME)
    if code == desk.code():
        code = "000001"

    with pytest.raises(SignInRefused):
        desk.sign_in.with_code(first.token, code, HOME)


def test_wrong_names_and_wrong_passwords_are_refused_alike(desk: Desk) -> None:
    desk.enrolled()

    for login, password in (("an", "wrong"), ("nobody", OWN), ("an", "x" * 10_000)):
        with pytest.raises(SignInRefused) as refused:
            desk.sign_in.with_password(login, password, HOME)
        assert str(refused.value) == str(SignInRefused())


def test_a_one_time_password_ends(desk: Desk) -> None:
    _, password = desk.manage.add("an", name="An", grants=[], by="test")
    desk.clock.advance(72 * 3600)

    with pytest.raises(SignInRefused):
        desk.sign_in.with_password("an", password, HOME)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("quá ngắn", "short"),
        ("x" * 201, "long"),
        ("tôi là an nhé", "login"),
        ("abababababab", "simple"),
        ("123456789012", "simple"),
    ],
)
def test_a_weak_password_cannot_be_chosen(desk: Desk, password: str, reason: str) -> None:
    full = desk.enrolled()

    with pytest.raises(WeakPassword) as weak:
        desk.sign_in.change_password(full.token, old=OWN, new=password, client=HOME)

    assert weak.value.reason == reason


def test_the_same_letters_typed_on_another_keyboard_are_the_same_password(desk: Desk) -> None:
    desk.enrolled()

    assert desk.sign_in.with_password("an", unicodedata.normalize("NFD", OWN), HOME).token


def test_a_new_password_ends_the_other_sessions(desk: Desk) -> None:
    elsewhere = desk.enrolled()
    first = desk.sign_in.with_password("an", OWN, HOME)
    full = desk.sign_in.with_code(first.token, desk.code(), HOME)

    changed = desk.sign_in.change_password(full.token, old=OWN, new="phở bò tái lăn 9", client=HOME)

    assert desk.sessions.find(changed.token).is_complete
    for ended in (elsewhere, full):
        with pytest.raises(NotSignedIn):
            desk.sessions.find(ended.token)


def test_a_session_ends_when_it_rests_too_long(desk: Desk) -> None:
    full = desk.enrolled()

    for _ in range(3):
        desk.clock.advance(28 * 60)
        desk.sessions.find(full.token)
    desk.clock.advance(30 * 60)

    with pytest.raises(NotSignedIn):
        desk.sessions.find(full.token)


def test_a_session_ends_however_busy_it_is(desk: Desk) -> None:
    full = desk.enrolled()

    for _ in range(37):
        desk.clock.advance(16 * 60)
        desk.sessions.find(full.token)
    desk.clock.advance(16 * 60)

    with pytest.raises(NotSignedIn):
        desk.sessions.find(full.token)


@pytest.mark.parametrize("change", ["disable", "reset", "grant", "revoke"])
def test_a_change_of_what_somebody_may_ends_his_sessions(desk: Desk, change: str) -> None:
    full = desk.enrolled()
    auditor = grant_of("auditor", "")
    changes: Mapping[str, Callable[[], object]] = {
        "disable": lambda: desk.manage.disable("an"),
        "reset": lambda: desk.manage.reset("an"),
        "grant": lambda: desk.manage.grant("an", auditor, by="test"),
        "revoke": lambda: desk.manage.revoke("an", auditor, by="test"),
    }

    changes[change]()

    with pytest.raises(NotSignedIn):
        desk.sessions.find(full.token)


def test_a_closed_account_opens_nothing_until_it_is_opened_again(desk: Desk) -> None:
    desk.enrolled()

    desk.manage.disable("an")
    with pytest.raises(SignInRefused):
        desk.sign_in.with_password("an", OWN, HOME)
    desk.manage.enable("an")

    assert desk.sign_in.with_password("an", OWN, HOME).token


def test_a_reset_forgets_the_generator(desk: Desk) -> None:
    desk.enrolled()

    password = desk.manage.reset("an")

    assert desk.sign_in.with_password("an", password, HOME).stage is Stage.PASSWORD


def test_guessing_is_slowed_down_and_the_rightful_persons_browser_is_not(desk: Desk) -> None:
    full = desk.enrolled()

    for number in range(BY_NAME.most // BY_NAME_AND_NETWORK.most + 2):
        client = Client(f"198.51.100.{number}")
        with pytest.raises(TooManyAttempts) as waits:  # noqa: PT012 - until it has to wait
            for _ in range(BY_NAME_AND_NETWORK.most + 1):
                with pytest.raises(SignInRefused):
                    desk.sign_in.with_password("an", "guess", client)
        assert 0 < waits.value.retry_after_s <= 3600
    with pytest.raises(TooManyAttempts):
        desk.sign_in.with_password("an", OWN, Client("203.0.113.1"))

    known = Client("203.0.113.1", device=full.device)
    assert desk.sign_in.with_password("an", OWN, known).token


def test_somebody_elses_device_helps_nobody(desk: Desk) -> None:
    full = desk.enrolled()
    desk.manage.add("binh", name="Bình", grants=[], by="test")

    with pytest.raises(TooManyAttempts):  # noqa: PT012 - until it has to wait
        for _ in range(BY_NAME_AND_NETWORK.most + 1):
            with pytest.raises(SignInRefused):
                desk.sign_in.with_password("binh", "guess", Client("198.51.100.7", full.device))


def test_waiting_ends(desk: Desk) -> None:
    desk.enrolled()
    for _ in range(BY_NAME_AND_NETWORK.most):
        with pytest.raises(SignInRefused):
            desk.sign_in.with_password("an", "guess", STRANGER)
    with pytest.raises(TooManyAttempts):
        desk.sign_in.with_password("an", OWN, STRANGER)

    desk.clock.advance(15 * 60)

    assert desk.sign_in.with_password("an", OWN, STRANGER).token


def test_parallel_guesses_are_counted_as_well(desk: Desk) -> None:
    desk.enrolled()

    def guess(_number: int) -> type[Exception]:
        with pytest.raises((SignInRefused, TooManyAttempts)) as refused:
            desk.sign_in.with_password("an", "guess", STRANGER)
        return refused.type

    with ThreadPoolExecutor(10) as threads:
        outcomes = list(threads.map(guess, range(30)))

    assert outcomes.count(SignInRefused) == BY_NAME_AND_NETWORK.most


def test_neither_tokens_nor_secrets_lie_in_the_database(desk: Desk) -> None:
    full = desk.enrolled()
    secret = desk.manage.find("an").totp_secret

    with desk.pool.connection() as connection:
        rows = [
            connection.execute("SELECT * FROM person").fetchall(),
            connection.execute("SELECT * FROM session").fetchall(),
            connection.execute("SELECT * FROM sign_in_attempt").fetchall(),
        ]

    assert full.token not in repr(rows)
    assert secret is not None
    assert secret not in repr(rows)
    assert OWN not in repr(rows)
    assert "$argon2id$" in repr(rows)


def test_nobody_changes_his_own_roles(desk: Desk) -> None:
    desk.enrolled()
    an = desk.manage.find("an")

    with pytest.raises(AccessDenied):
        desk.manage.grant("an", grant_of("administrator", ""), by=an.id)
    with pytest.raises(AccessDenied):
        desk.manage.revoke("an", grant_of("reviewer", "79"), by=an.id)


@pytest.mark.parametrize(
    ("role", "place"),
    [("hospital", ""), ("administrator", "79"), ("submit", "99001"), ("king", ""), ("reviewer", "7%")],
)
def test_a_role_is_given_only_where_the_table_allows_it(role: str, place: str) -> None:
    with pytest.raises(IllegalGrant):
        grant_of(role, place)


def test_a_login_is_one_persons(desk: Desk) -> None:
    desk.enrolled()

    with pytest.raises(LoginTaken):
        desk.manage.add("AN", name="An", grants=[], by="test")
    with pytest.raises(ValueError, match="a login is"):
        desk.manage.add("an nguyễn", name="An", grants=[], by="test")
