"""Errors of access: who is it, and may he.

* ClaimsError
  - UnknownKey
  - KeyNotFound
  - TooManyKeys
  - UnusableKey
  - ClientRefused
  - AccessDenied
  - ProtectedRecord
  - SignInRefused
    - ProviderRefused        who came through an OpenID provider
  - NoRoleGiven
  - ProviderUnavailable
  - TooManyAttempts
  - NotSignedIn
  - WeakPassword
  - PersonNotFound
  - LoginTaken
  - IllegalGrant
  - UsernameTaken
  - TooManyRequests
"""

from claims.errors import ClaimsError


class UnknownKey(ClaimsError):
    """A caller showed no key, or one that opens nothing."""

    def __init__(self) -> None:
        super().__init__("the API key is missing, unknown, revoked or expired")


class KeyNotFound(ClaimsError):
    """No key or client has this id, or it is another's."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"there is no key or client {key_id}")
        self.key_id = key_id


class TooManyKeys(ClaimsError):
    """As many keys are live as may be while one takes the place of another."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} keys are live: end the old one first")
        self.most = most


class UnusableKey(ClaimsError):
    """A client's public key is none that counts.

    Attributes:
        why: ``unreadable``, ``private`` or ``weak``.
    """

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the key does not count: {why}; give a public RSA (2048 on), P-256, P-384 or Ed25519 key"
        )
        self.why = why


class ClientRefused(ClaimsError):
    """A client gets no token.

    Attributes:
        code: What RFC 6749 (5.2) calls it; more is not said.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class AccessDenied(ClaimsError):
    """A caller is known but may not do this.

    Attributes:
        lacks: What it would need: a right, or a facility of its own.
        needs: The same in Vietnamese.
    """

    def __init__(self, lacks: str, needs: str) -> None:
        super().__init__(f"the caller lacks {lacks}")
        self.lacks = lacks
        self.needs = needs


class ProtectedRecord(ClaimsError):
    """A record belongs to a protected class; to which one, its refusal must not tell."""

    def __init__(self, submission_id: str) -> None:
        super().__init__(
            f"to see {submission_id} takes a right of its own, or an opening for a stated reason"
        )
        self.submission_id = submission_id


class SignInRefused(ClaimsError):
    """Somebody could not prove who he is; what was wrong is not said."""

    def __init__(self) -> None:
        super().__init__("the name, the password or the code is wrong, or the account is closed")


class ProviderRefused(SignInRefused):
    """What an OpenID provider, or somebody in its name, says does not count.

    Attributes:
        reason: What was wrong with it, for the log: one of a few words, never what was said.
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class NoRoleGiven(ClaimsError):
    """An OpenID provider vouches for somebody who has no role here."""

    def __init__(self) -> None:
        super().__init__("the provider says nothing of this person that gives a role here")


class ProviderUnavailable(ClaimsError):
    """The OpenID provider does not answer, or not as its standard says; later may help.

    Attributes:
        detail: What is wrong, for operators.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(f"the OpenID provider cannot be used: {detail}")
        self.detail = detail


class TooManyAttempts(ClaimsError):
    """Somebody tried to sign in too often.

    Attributes:
        retry_after_s: When he may try again.
        is_first: Whether this is the attempt that used the last one up.
    """

    def __init__(self, retry_after_s: int, *, is_first: bool = False) -> None:
        super().__init__(f"too many attempts; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s
        self.is_first = is_first


class NotSignedIn(ClaimsError):
    """There is no session, it has ended, or something is still missing for what was asked."""

    def __init__(self) -> None:
        super().__init__("sign in first")


class WeakPassword(ClaimsError):
    """A password that may not be chosen.

    Attributes:
        reason: A stable code: ``short``, ``long``, ``login``, ``simple`` or ``same``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"this password cannot be chosen: {reason}")
        self.reason = reason


class PersonNotFound(ClaimsError):
    """No such person."""

    def __init__(self, who: str) -> None:
        super().__init__(f"there is nobody called {who}")
        self.who = who


class LoginTaken(ClaimsError):
    """Somebody else signs in by this name."""

    def __init__(self, login: str) -> None:
        super().__init__(f"somebody signs in as {login} already")
        self.login = login


class IllegalGrant(ClaimsError):
    """A role that does not exist, or not for such a place."""

    def __init__(self, role: str, place: str) -> None:
        super().__init__(f"the role {role} cannot be given for {place or 'the nation'}")
        self.role = role
        self.place = place


class UsernameTaken(ClaimsError):
    """A drop-in account was to have the name of another facility's."""

    def __init__(self, username: str) -> None:
        super().__init__(f"another facility's account is called {username}")
        self.username = username


class TooManyRequests(ClaimsError):
    """A facility asks faster than it may.

    Attributes:
        limit: Requests that it may make in a window.
        retry_after_s: Seconds until it may ask again.
    """

    def __init__(self, limit: int, retry_after_s: int) -> None:
        super().__init__(f"more than {limit} requests in a window; go on in {retry_after_s} s")
        self.limit = limit
        self.retry_after_s = retry_after_s
