"""`claims webhook`: what people read of webhooks and deliveries, in either language."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from claims.cli import webhooks
from claims.cli.submission_words import state_of, word
from claims.client import Document
from claims.exchange.webhooks import GONE, DeliveryState

HOOK: Document = {"id": "whk_1", "url": "https://h.example", "description": ""}


class Listing:
    """A service with webhooks in every standing, and deliveries in every state."""

    def webhooks(self) -> Sequence[Document]:
        whys: Sequence[str | None] = (None, GONE, "by the facility")
        return [{**HOOK, "enabled": why is None, "disabled_why": why} for why in whys]

    def webhook_deliveries(self, _webhook_id: str, *, state: str | None) -> Iterator[Document]:
        assert state is None
        for one in DeliveryState:
            tries: Sequence[Mapping[str, object]] = [{"status": 503, "error": None}]
            yield {
                "id": "msg_1",
                "type": "webhook.ping",
                "submission_id": None,
                "state": one.value,
                "tries": [] if one is DeliveryState.WAITING else tries,
            }


@pytest.mark.parametrize(
    ("language", "standings", "states"),
    [
        pytest.param(
            "vi",
            ["đang bật", "tắt: nơi nhận trả lời 410", "cơ sở đã tắt"],
            ["đang chờ  chưa gửi", "đã nhận  503", "không gửi được  503"],
            id="vi",
        ),
        pytest.param(
            "en",
            ["on", "off: its receiver answered 410", "off, by the facility"],
            ["waiting  not tried yet", "delivered  503", "failed  503"],
            id="en",
        ),
    ],
)
def test_webhooks_and_deliveries_are_told_in_the_readers_language(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
    standings: list[str],
    states: list[str],
) -> None:
    @contextmanager
    def open_api(_url: str | None, _key_file: Path | None, _language: str) -> Iterator[Listing]:
        yield Listing()

    monkeypatch.setattr(webhooks, "open_api", open_api)

    webhooks.list_webhooks(language=language)
    webhooks.deliveries("whk_1", most=50, language=language)

    told = capsys.readouterr().err.splitlines()
    assert [line.strip() for line in told] == [
        *(f"whk_1  {one}  https://h.example" for one in standings),
        *(f"msg_1  webhook.ping  –  {one}" for one in states),
    ]


def test_words_of_a_later_service_are_told_as_they_are() -> None:
    assert word("off_asleep", "vi", otherwise="asleep") == "asleep"
    assert state_of("pondering", "vi") == "pondering"
    assert state_of("acknowledged", "vi") == "cổng giám định đã nhận (acknowledged)"
