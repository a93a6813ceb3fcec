"""Of several time-stamping authorities the first counts that stamps."""

from datetime import timedelta

import pytest

from claims.authorities.timestamping import REPLY, HttpTimestampAuthority
from signing.demo_pki import DemoPki
from signing.demo_tsa import DemoTsa
from signing.errors import TimestampUnusable
from signing.timestamps.ask import ask_timestamp
from tests.fakes import NOON
from tests.unit.authorities.web import serving


def test_whoever_answers_without_a_timestamp_is_passed_over() -> None:
    tsa = DemoTsa.create(
        DemoPki.create(at=NOON), clock=lambda: NOON, valid_from=NOON, valid_to=NOON + timedelta(days=9)
    )
    with serving() as web:
        web.offer("/busy", b"busy", REPLY)
        web.answers["/tsa"] = lambda request: (200, {"Content-Type": REPLY}, tsa.answer(request))
        both = HttpTimestampAuthority([web.url("/busy"), web.url("/tsa")])

        assert ask_timestamp(both, b"data")
        with pytest.raises(TimestampUnusable, match="no time-stamp response"):
            ask_timestamp(HttpTimestampAuthority([web.url("/busy")]), b"data")
        assert web.asked == ["/busy", "/tsa", "/busy"]
