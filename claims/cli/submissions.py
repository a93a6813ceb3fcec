"""Submitting to a running service and following what becomes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypedDict, Unpack

import typer

from claims.cli.inputs import Reason, read_text
from claims.cli.output import AsJson, Exit, Language, console, emit, say
from claims.cli.submission_words import sentence, speaking, state_of

if TYPE_CHECKING:
    from claims.client import ApiClient, Document, NotNow

Url = Annotated[str | None, typer.Option("--url", help="The API's address; otherwise CLAIMS_API_URL.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file", help="File with the API key; otherwise CLAIMS_API_KEY.", dir_okay=False, exists=True
    ),
]

_LONG_WAIT_S: Final = 5.0


def status(
    ids: Annotated[list[str], typer.Argument(help="Submission ids, sub_….", show_default=False)],
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow until nothing more happens by itself.")
    ] = False,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Show where submissions stand, with their history.

    Exit code 1 if one of them was rejected, refused or has failed.
    """
    from claims.client import SETTLED

    failed = 0
    with speaking(language), open_api(url, key_file, language) as api:
        for submission_id in ids:
            submission = _watch(api, submission_id, language) if watch else api.submission(submission_id)
            failed += submission["state"] in SETTLED - {"acknowledged", "superseded", "withdrawn"}
            _show(api, submission, language)
            if as_json:
                emit(submission)
    return Exit.BLOCKED if failed else Exit.FINE


def withdraw(
    ids: Annotated[list[str], typer.Argument(help="Submission ids, sub_….", show_default=False)],
    reason: Reason,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Take back submissions that the gateway does not have.

    What it has is taken back by a later version of the claim with MA_DOITUONG_KCB 8.
    Exit code 1 if one stays.
    """
    from claims.client import ApiRefused

    stayed = 0
    with speaking(language), open_api(url, key_file, language) as api:
        for submission_id in ids:
            try:
                submission = api.withdraw(submission_id, reason=reason)
            except ApiRefused as refusal:
                stayed += 1
                submission = {"id": submission_id, "error": str(refusal), "problem": refusal.problem}
            said = submission["error"] if "error" in submission else state_of(submission["state"], language)
            say(f"{submission_id}: {said}")
            if as_json:
                emit(submission)
    return Exit.BLOCKED if stayed else Exit.FINE


@contextmanager
def open_api(url: str | None, key_file: Path | None, language: str = "en") -> Iterator[ApiClient]:
    """Return a client of the API at the given or the set address, with the given or the set key."""
    from claims.client import ApiClient
    from claims.runtime.settings import InvalidSettings, load_settings

    settings = load_settings()
    if key_file is not None:
        key = read_text(key_file).strip()
    elif settings.api_key is not None:
        key = settings.api_key.get_secret_value()
    else:
        raise InvalidSettings((sentence("no_key", language),))
    try:
        api = ApiClient(url or settings.api_url, key, pause=Patience(language=language), language=language)
    except ValueError as error:
        place = key_file or "CLAIMS_API_KEY"
        raise InvalidSettings((sentence("bad_key", language, place=place, error=error),)) from None
    with api:
        yield api


class Patience:
    """Waits as long as the service asks; a long wait is told, once for all who wait at the same time."""

    def __init__(self, sleep: Callable[[float], object] = time.sleep, *, language: str = "en") -> None:
        self._sleep = sleep
        self._language = language
        self._told_until = 0.0
        self._lock = threading.Lock()

    def __call__(self, seconds: float) -> None:
        """Wait."""
        now = time.monotonic()
        with self._lock:
            is_news = seconds >= _LONG_WAIT_S and now >= self._told_until
            if is_news:
                self._told_until = now + seconds
        if is_news:
            say(sentence("waits", self._language, seconds=seconds))
        self._sleep(seconds)


class HowOften(TypedDict, total=False):
    """How often something is tried; otherwise as often as the client does."""

    attempts: int


def submit_body(
    api: ApiClient, body: bytes, *, key: str | None = None, **often: Unpack[HowOften]
) -> Document:
    """Submit an encounter, which is a JSON object, or else a bundle.

    Args:
        api: Where.
        body: What.
        key: Under which an encounter goes, so that it may come again before the first one has been checked.
        often: How often it is tried.

    Raises:
        ApiRefused: It is not taken, be it by something in between that has nothing against other requests.
    """
    from claims.client import ApiRefused, NotTheService

    try:
        return _submit(api, body, key, **often)
    except NotTheService as answer:
        # A firewall may refuse this one; at a wrong address nobody knows the service's other answers.
        if not _is_there(api):
            raise
        raise ApiRefused(answer.problem) from answer


def _submit(api: ApiClient, body: bytes, key: str | None, **often: Unpack[HowOften]) -> Document:
    # XML may begin with a byte order mark or blanks.
    is_encounter = body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    if is_encounter:
        return api.submit_encounter(body, idempotency_key=key, **often)
    return api.submit_bundle(body, **often)


def _is_there(api: ApiClient) -> bool:
    from claims.client import ApiRefused, ApiUnreachable, NotFound

    try:
        api.limits()
    except (ApiUnreachable, NotFound):
        return False
    except ApiRefused:
        pass  # that, too, is an answer of the service
    return True


def pace_asked(error: NotNow) -> float | None:
    """Return in how many seconds more is taken of a facility that hands in too fast; None: it does not."""
    return error.retry_after_s if error.problem["code"] == "too-many-requests" else None


#: The service answers as soon as there is news; otherwise the state is shown anew.
_LOOK_AGAIN_S: Final = 2.0


def _watch(api: ApiClient, submission_id: str, language: str) -> Document:
    from claims.client import SETTLED

    with console().status("") as spinner:
        while True:
            submission = api.submission(submission_id, wait_s=_LOOK_AGAIN_S)
            if submission["state"] in SETTLED:
                return submission
            spinner.update(f"{submission_id}: {state_of(submission['state'], language)}")


def _show(api: ApiClient, submission: Document, language: str) -> None:
    receipt = sentence("receipt", language, **submission) if submission["receipt"] else ""
    say(f"{submission['id']}: {state_of(submission['state'], language)}{receipt}")
    if submission["cause"] and submission["next_attempt_at"]:
        say("  " + sentence("put_off", language, **submission))
    for event in api.events(str(submission["id"])):
        say(f"  {event['at']}  {event['kind']}" + (f"  {event['cause']}" if event["cause"] else ""))
