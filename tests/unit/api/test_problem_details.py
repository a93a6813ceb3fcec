"""Every problem says in Vietnamese what happened, to what, with the facts of the English sentence."""

from datetime import UTC, date, datetime

import pytest

from claims.api.problem_details import in_vietnamese
from claims.api.problem_titles import VIETNAMESE
from claims.api.problems import KINDS
from claims.building.errors import CannotBuild
from claims.emr.errors import MalformedEncounter
from claims.exchange import errors
from claims.exchange.access import errors as access_errors
from claims.exchange.breaker import MAINTENANCE
from claims.exchange.submit_encounter import WrongFacility
from claims.outbound.errors import TargetUnreachable, UnusableAddress

#: Each with a fact of it that must be told.
ERRORS = [
    (access_errors.UnknownKey(), "Authorization"),
    (access_errors.NotSignedIn(), "đăng nhập"),
    (access_errors.AccessDenied("the right replay.start", "quyền replay.start"), "cần quyền replay.start"),
    (access_errors.KeyNotFound("key_1"), "key_1"),
    (access_errors.TooManyKeys(2), "2 khóa"),
    (access_errors.UnusableKey("weak"), "quá yếu"),
    (access_errors.ProtectedRecord("sub_1"), "sub_1"),
    (access_errors.TooManyRequests(600, 7), "7 giây"),
    (errors.UnknownFacility("79999"), "79999"),
    (errors.SubmissionNotFound("sub_1"), "sub_1"),
    (errors.CheckInRefused((), is_others=True), "cơ sở khác"),
    (errors.GatewayRefused("gateway.205", "a parameter"), "báo lỗi 205: tham số sai định dạng (gateway.205)"),
    (errors.GatewayUnavailable("gateway.timeout", "no answer"), "cổng không trả lời kịp (gateway.timeout)"),
    (errors.NothingToShow("sub_1"), "sub_1"),
    (errors.DataRequestNotFound("dreq_1"), "dreq_1"),
    (errors.DataRequestClosed("dreq_1", "it was answered"), "dreq_1"),
    (errors.NoCorrection("sub_1"), "sub_1"),
    (errors.NothingHeld(), "cơ sở"),
    (errors.TooMuchHeld(500), "500"),
    (errors.ReplayNotFound("rpl_1"), "rpl_1"),
    (errors.ReplayEnded("rpl_1"), "rpl_1"),
    (errors.BatchNotFound("bat_1"), "bat_1"),
    (errors.UnusableBatch(errors.BatchFault.TOO_MANY_ITEMS, most=9), "hơn 9 tệp"),
    (errors.ReviewNotFound(), "giám định"),
    (errors.ReviewChanged(), "đọc lại"),
    (errors.UnsoundDecision("no-reason"), "no-reason"),
    (errors.CannotErase("erase.held", "sub_1"), "sub_1: đang được giữ lại"),
    (errors.AlreadyErased("sub_1"), "sub_1"),
    (errors.HeldAgain("sub_1", datetime(2026, 10, 1, 9, 30, tzinfo=UTC)), "01/10/2026 09:30:00 +0000"),
    (errors.CannotWithdraw("acknowledged"), "acknowledged"),
    (errors.NotYetLogged("sub_1"), "sub_1"),
    (errors.NotInLog(41), "41 bản ghi"),
    (errors.InvalidCursor(), "cursor"),
    (errors.WebhookNotFound("whk_1"), "whk_1"),
    (errors.TooManyWebhooks(5), "5 webhook"),
    (errors.TwoSecretsLive("whk_1", datetime(2026, 10, 1, 9, 30, tzinfo=UTC)), "01/10/2026 09:30:00 +0000"),
    (errors.WebhookDisabled("whk_1", "gone"), "whk_1 đang tắt (nơi nhận trả lời 410)"),
    (UnusableAddress("https://h.example", "private", "mạng riêng"), "https://h.example: mạng riêng"),
    (TargetUnreachable("https://h.example", "timeout", "chờ lâu"), "https://h.example: chờ lâu"),
    (errors.IdempotencyMismatch("k", "sub_1"), "sub_1"),
    (errors.EmptyBundle(), "--data-binary"),
    (errors.EmptySelection(), "điều kiện"),
    (errors.NothingToAdjust(), "giảm trừ"),
    (errors.NoSigningKey("79001"), "79001"),
    (errors.StoreUnavailable("it is closed"), "cơ sở dữ liệu"),
    (errors.NoRoom(), "không đủ chỗ"),
    (errors.KeysUnavailable("the token is away"), "khóa chủ"),
    (errors.ContentsUnavailable("no such bucket"), "kho nội dung"),
    (WrongFacility("79001", "79002"), "79002"),
]
#: Their details are lists of what is wrong with a document.
LISTED = {MalformedEncounter, CannotBuild}


@pytest.mark.parametrize(("error", "fact"), [pytest.param(*one, id=type(one[0]).__name__) for one in ERRORS])
def test_its_facts_are_told(error: Exception, fact: str) -> None:
    said = in_vietnamese(error)

    assert fact in said
    assert said != str(error)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param("erase.under_way", "chưa xóa được sub_1: đang được xử lý", id="under-way"),
        pytest.param("erase.held", "chưa xóa được sub_1: đang được giữ lại", id="held"),
        pytest.param("erase.too_early", "chưa xóa được sub_1: phải lưu đến 01/10/2036", id="too-early"),
    ],
)
def test_why_nothing_is_erased_is_told(code: str, said: str) -> None:
    assert in_vietnamese(errors.CannotErase(code, "sub_1", date(2036, 10, 1))) == said


@pytest.mark.parametrize(
    ("cause", "fact"),
    [
        (MAINTENANCE, "cổng đã báo bảo trì"),
        ("gateway.http-502", "cổng trả lời HTTP 502"),
        ("gateway.no-receipt", "cổng trả lời không đúng giao thức"),
        ("gateway.login.401", "không đăng nhập được vào cổng: cổng tiếp nhận báo lỗi 401"),
        ("gateway.login.timeout", "không đăng nhập được vào cổng: cổng không trả lời kịp"),
    ],
)
def test_why_the_gateway_gave_no_receipt_is_told_without_english(cause: str, fact: str) -> None:
    said = in_vietnamese(errors.GatewayUnavailable(cause, "what the English sentence says"))

    assert said == f"{fact} ({cause}); hãy gửi lại sau"


@pytest.mark.parametrize("error", [pytest.param(one, id=type(one).__name__) for one, _ in ERRORS])
def test_a_detail_does_not_say_its_title_again(error: Exception) -> None:
    kind = next(KINDS[one] for one in type(error).__mro__ if one in KINDS)

    assert kind.title.removeprefix("A ").lower() not in str(error).lower()
    assert VIETNAMESE[kind.code].lower() not in in_vietnamese(error).lower()


def test_no_kind_is_left_out() -> None:
    told = {kind for error, _ in ERRORS for kind in type(error).__mro__}

    assert set(KINDS) - LISTED <= told
