"""What is said of handing in, following, replaying and being told, in Vietnamese and English.

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
    "put_off": (
        "đang chờ ({cause}); thử lại lúc {next_attempt_at}",
        "waits ({cause}); tried again at {next_attempt_at}",
    ),
    "would": ("sẽ gửi lại: {number}", "would be replayed: {number}"),
    "would_item": ("sẽ gửi lại", "would be replayed"),
    "would_nothing": ("không có hồ sơ nào khớp các điều kiện", "nothing matches the conditions"),
    "would_not": ("; không gửi lại: {left}", "; would not: {left}"),
    "refused_acknowledged": ("{number} cổng đã nhận", "{number} that the gateway has"),
    "skipped_under_way": ("{number} đang xử lý", "{number} that are under way"),
    "skipped_superseded": ("{number} đã có bản mới hơn", "{number} that a later version took the place of"),
    "skipped_withdrawn": ("{number} đã rút lại", "{number} that were withdrawn"),
    "skipped_erased": ("{number} đã xóa", "{number} that were erased"),
    "replayed": ("{number} đã gửi lại", "{number} replayed"),
    "canceled": ("{number} không đến lượt", "{number} canceled"),
    "none": ("chưa có gì", "none"),
    "replay_these": ("Gửi lại những hồ sơ này?", "Replay these?"),
    "replaying": ("đang gửi lại", "replaying"),
    "replay_started": ("đợt gửi lại {id}: {total} lần gửi", "replay {id}: {total} submissions"),
    "replay": ("đợt gửi lại {id}: {state}: {counts}", "replay {id}: {state}: {counts}"),
    "running": ("đang chạy", "running"),
    "paused": ("tạm dừng", "paused"),
    "finished": ("đã xong", "finished"),
    "canceled_replay": ("đã hủy", "canceled"),
    "webhook_gone": ("đã xóa {id}", "{id} is gone"),
    "webhook_secret": (
        "{id} gửi đến {url}; khóa bí mật chỉ hiện một lần:",
        "{id} posts to {url}; its secret is not shown again:",
    ),
    "on": ("đang bật", "on"),
    "off_gone": ("tắt: nơi nhận trả lời 410", "off: its receiver answered 410"),
    "off_by the facility": ("cơ sở đã tắt", "off, by the facility"),
    "untried": ("chưa gửi", "not tried yet"),
    "delivery_waiting": ("đang chờ", "waiting"),
    "delivery_delivered": ("đã nhận", "delivered"),
    "delivery_failed": ("không gửi được", "failed"),
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
    "NotTheService": "{url} trả lời {reason}; đó không phải dịch vụ, hãy xem lại địa chỉ hoặc proxy ở giữa",
    "ApiUnreachable": "không kết nối được {url} ({reason})",
    "FolderWatched": "một tiến trình khác đang theo dõi {folder}",
    "OSError": "không đọc hoặc không ghi được tệp ({error})",
}


def sentence(code: str, language: str, **facts: object) -> str:
    """Return a sentence with its facts."""
    return _SENTENCES[code][0 if language == "vi" else 1].format_map(facts)


def word(code: str, language: str, *, otherwise: object, **facts: object) -> str:
    """Return what a word of the service means; a later version of it may have others."""
    return sentence(code, language, **facts) if code in _SENTENCES else str(otherwise)


def state_of(state: object, language: str) -> str:
    """Return the state of a submission, or of a file that is none, with what it means in Vietnamese."""
    name = str(state)
    if name in _SENTENCES:
        return sentence(name, language)
    if language != "vi":
        return name
    from claims.proof.words import STATES

    return f"{STATES[name][0]} ({name})" if name in STATES else name


def describe_error(error: Exception, language: str, errors: Mapping[str, str] = _ERRORS) -> str:
    """Return what an error says: in Vietnamese what ``errors`` has for its code, or else for its kind."""
    names = (getattr(error, "code", ""), *(one.__name__ for one in type(error).__mro__))
    kind = next((one for one in names if one in errors), None)
    if language != "vi" or kind is None:
        return str(error)
    asked_s = getattr(error, "retry_after_s", None)
    facts = {"later": "sau" if asked_s is None else f"sau {asked_s:g} giây", **vars(error), "error": error}
    return errors[kind].format_map(facts)


@contextmanager
def speaking(language: str, errors: Mapping[str, str] = _ERRORS) -> Iterator[None]:
    """Say in this language what ends the block, and end the command with its exit code."""
    try:
        yield
    except (ClaimsError, OSError) as error:
        from claims.cli.failures import exit_code_of

        say(sentence("error", language, said=describe_error(error, language, errors)))
        raise typer.Exit(exit_code_of(error)) from error
