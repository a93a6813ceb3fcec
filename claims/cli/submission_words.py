"""What is said of handing in and following, in Vietnamese and English.

What the service says comes in the language that it is asked in; states keep their names in JSON.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import typer

from claims.cli.output import say
from claims.errors import ClaimsError

_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "submitting": ("đang gửi", "submitting"),
    "watching": ("đang theo dõi {folder}", "watching {folder}"),
    "folder_gone": ("không thấy {folder}; đang thử lại", "{folder} is not there; trying again"),
    "outage": ("{said}; đang thử lại", "{said}; trying again"),
    "rests": (
        "dịch vụ tạm không nhận thêm; tiếp tục gửi sau {seconds:.0f} giây",
        "the service takes no more for now; handing in goes on in {seconds:.0f} s",
    ),
    "waits": (
        "dịch vụ yêu cầu chờ; tiếp tục sau {seconds:.0f} giây",
        "the service asks to wait; going on in {seconds:.0f} s",
    ),
    "not taken": ("không được nhận", "not taken"),
    "unreadable": ("không đọc được", "unreadable"),
    "file": ("không đọc được tệp ({error})", "{error}"),
    "receipt": (", mã giao dịch {receipt}", ", receipt {receipt}"),
    "error": ("lỗi: {said}", "error: {said}"),
    "no_key": (
        "hãy cho biết khóa API: --key-file, hoặc CLAIMS_API_KEY",
        "give an API key: --key-file, or CLAIMS_API_KEY",
    ),
    "bad_key": ("{place} không chứa khóa API ({error})", "{place} holds no API key: {error}"),
}
#: What an error says in Vietnamese, by its kind's name: to load them all takes longer than most commands.
_ERRORS: Final[Mapping[str, str]] = {
    "NotNow": "{url} chưa làm được lúc này ({reason}); hãy thử lại {later}",
    "ApiUnreachable": "không kết nối được {url} ({reason})",
    "FolderWatched": "một tiến trình khác đang theo dõi {folder}",
    "OSError": "không đọc hoặc không ghi được tệp ({error})",
}


def sentence(code: str, language: str, **facts: object) -> str:
    """Return a sentence with its facts."""
    return _SENTENCES[code][0 if language == "vi" else 1].format_map(facts)


def state_of(state: object, language: str) -> str:
    """Return the state of a submission, or of a file that is none, with what it means in Vietnamese."""
    name = str(state)
    if name in _SENTENCES:
        return sentence(name, language)
    if language != "vi":
        return name
    from claims.proof.words import describe_state

    return f"{describe_state(name, language)} ({name})"


def describe_error(error: Exception, language: str) -> str:
    """Return what an error says."""
    kind = next((one.__name__ for one in type(error).__mro__ if one.__name__ in _ERRORS), None)
    if language != "vi" or kind is None:
        return str(error)
    asked_s = getattr(error, "retry_after_s", None)
    facts = {"later": "sau" if asked_s is None else f"sau {asked_s:g} giây", **vars(error), "error": error}
    return _ERRORS[kind].format_map(facts)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say in this language what ends the block, and end the command with its exit code."""
    try:
        yield
    except (ClaimsError, OSError) as error:
        from claims.cli.failures import exit_code_of

        say(sentence("error", language, said=describe_error(error, language)))
        raise typer.Exit(exit_code_of(error)) from error
