"""``./run screenshots``: a picture of every screen into docs/images, from the world of the browser tests."""

import io
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from claims.emr.synthetic import generate_encounters
from claims.exchange.access.keys import Scope
from claims.exchange.access.places import EVERYWHERE, Place
from claims.exchange.errors import GatewayRefused, GatewayUnavailable
from claims.exchange.lifecycle import State
from claims.exchange.replay import NewReplay
from claims.exchange.review.review import Cut, Decision, Order, Review, ReviewFilter, Verdict
from claims.exchange.submission import FacilityCode, SubmissionFilter
from claims.localtime import local_date
from claims.runtime.embedded import embedded_services
from claims.storage.migrations import upgrade
from tests.browser.serving import CHROMIUM_FLAGS, cookies_of, serve
from tests.browser.world import COMMON_FINDING, World, a_world
from tests.fakes import ScriptedGateway

HOSPITAL: Final = FacilityCode("79001")
FOLDER: Final = Path(__file__).parents[2] / "docs" / "images"
#: No picture may be larger: they are read by people who clone the project.
MOST_BYTES: Final = 150_000
#: Name of the picture: who looks, at what, in which language and colours, how wide.
SHOTS: Final = {
    "sign-in": (None, "/signin", "vi", "light", 1280),
    "help": ("dung", "/help", "vi", "dark", 1280),
    # Reviewers.
    "inbox": ("dung", "/claims", "vi", "light", 1280),
    "inbox-dark": ("dung", "/claims?lane=must_see", "en", "dark", 1280),
    "inbox-phone": ("dung", "/claims", "vi", "light", 390),
    "findings": ("dung", "/same", "vi", "light", 1280),
    "same-finding": ("dung", f"/same?code={COMMON_FINDING}", "vi", "light", 1280),
    "confirmations": ("dung", "/confirmations", "vi", "light", 1280),
    "claim": ("dung", "{claim}", "vi", "light", 1280),
    "claim-table": ("dung", "{claim}?tab=XML2&cut=XML2-1#at-XML2-1-HAM_LUONG", "vi", "light", 1280),
    "claim-xml": ("dung", "{claim}?tab=xml&table=XML2", "en", "dark", 1280),
    "claim-signature": ("dung", "{claim}?tab=signature", "en", "light", 1280),
    "claim-thread": ("dung", "{asked}?tab=thread", "vi", "light", 1280),
    "claim-versions": ("dung", "{late}?tab=versions", "en", "dark", 1280),
    "claim-phone": ("dung", "{claim}", "vi", "dark", 390),
    "compare": ("dung", "{late}/compare?old={early}", "en", "light", 1280),
    "person": ("dung", "{claim}/person", "vi", "light", 1280),
    # Operators and auditors.
    "overview": ("van", "/overview", "vi", "light", 1280),
    "overview-phone": ("van", "/overview", "en", "dark", 390),
    "failures": ("van", "/failures", "vi", "light", 1280),
    "submissions": ("van", "/submissions", "vi", "light", 1280),
    "story": ("van", "/submissions/{early}", "en", "dark", 1280),
    "plan": ("van", "/replays/plans/{plan}", "vi", "light", 1280),
    "replay": ("van", "/replays/{replay}", "vi", "light", 1280),
    "replays": ("van", "/replays", "en", "dark", 1280),
    "queues": ("van", "/queues", "vi", "light", 1280),
    "holdings": ("van", "/holdings", "vi", "light", 1280),
    "readings": ("kiem", "/readings", "vi", "light", 1280),
    "people": ("quan", "/people", "vi", "light", 1280),
    "account": ("quan", "/people/{account}", "en", "dark", 1280),
    "facilities": ("quan", "/facilities", "vi", "light", 1280),
    "facility": ("quan", "/facilities/79001", "en", "dark", 1280),
    "clients": ("quan", "/clients?facility=79001", "vi", "light", 1280),
    "retention": ("kiem", "/retention", "vi", "light", 1280),
    "retention-of-one": ("kiem", "/retention/{held}", "en", "dark", 1280),
    "due": ("quan", "/retention/due?by={far}", "vi", "light", 1280),
    "access-events": ("kiem", "/readings/access", "en", "light", 1280),
    # Hospitals.
    "send": ("hoa", "/send", "vi", "light", 1280),
    "check-phone": ("hoa", "/check", "vi", "dark", 390),
    "deadlines": ("hoa", "/deadlines", "vi", "light", 1280),
    "questions": ("hoa", "/questions", "vi", "light", 1280),
    "not-paid": ("hoa", "{reduced}", "vi", "light", 1280),
    "set-up": ("quynh", "/setup", "vi", "light", 1280),
}


def main() -> None:
    """Take every picture; say which are too large."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("screenshots need Chromium: apt install chromium")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ehoso-screens-") as folder:
        data = Path(folder, "data")
        data.mkdir()
        with embedded_services(Path(folder)) as addresses:
            upgrade(addresses.database_url)
            made = a_world(
                addresses.database_url, addresses.broker_url, data, gateway_url="http://127.0.0.1:9"
            )
            with made as world, serve(world) as url:
                places = places_of(world) | live_through_a_day(world)
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
                    for name, shot in SHOTS.items():
                        take(browser, world, url, places, name, shot)
                    browser.close()
    too_large = [file.name for file in FOLDER.glob("*.png") if file.stat().st_size > MOST_BYTES]
    if too_large:
        sys.exit(f"larger than {MOST_BYTES} bytes: {', '.join(too_large)}")


def places_of(world: World) -> dict[str, str]:
    """Return addresses of claims that show something: one with a finding, one with an earlier version."""
    which = ReviewFilter(reach=("",), code=COMMON_FINDING)
    (found,) = world.service.reviews.list_page(which, order=Order.OLDEST, limit=1, cursor=None).items
    return {
        "claim": f"/claims/{found.submission_id}/{found.ordinal}",
        "late": f"/claims/{world.corrected}/1",
        "early": str(world.superseded),
        "account": world.people["binh"].id,
    }


def live_through_a_day(world: World) -> dict[str, str]:
    """Let things go wrong, be asked, decided and replayed; return where that is seen."""
    service, today = world.service, local_date(datetime.now(UTC))
    made = generate_encounters(seed=11, count=20, facilities=["79001"], on=today)
    gateway = service.gateway
    assert isinstance(gateway, ScriptedGateway)
    answers = [GatewayRefused("gateway.205")] * 7 + [GatewayRefused("gateway.403")] * 2
    gateway.failures = [*answers, *([GatewayUnavailable("gateway.timeout")] * 4)]
    world.submit(dict(one) for one in made)
    broken = [f"<GIAMDINHHS>{number}</GIAMDINHHS>".encode() for number in range(5)]
    service.check([service.receive(one, facility=HOSPITAL, actor="test").submission.id for one in broken])

    def waiting(facility: str) -> Review:
        which = ReviewFilter(reach=("",), facility=facility)
        page = service.reviews.list_page(which, order=Order.AMOUNT, limit=1, cursor=None)
        return page.items[0]

    def decide(review: Review, decision: Decision) -> None:
        who = service.sessions.find(world.session_of("binh")).principal
        service.decide_reviews.decide(review, version=review.version, decision=decision, who=who)

    decide(waiting("01001"), Decision(Verdict.ACCEPTED))
    which = ReviewFilter(reach=("",), facility=HOSPITAL, most=Decimal(500_000))
    reduced, asked, *_ = [
        one
        for one in service.reviews.list_page(which, order=Order.AMOUNT, limit=9, cursor=None).items
        if not one.classes
    ]
    cuts = (Cut(Decimal(61_000), "PRICE", "XML3", 1), Cut(Decimal(20_000), "QUANTITY", note="vượt 2 ngày"))
    decide(reduced, Decision(Verdict.REDUCED, cuts))
    service.reviews.announce(now=datetime.now(UTC) + timedelta(seconds=60), limit=100)
    dung, hoa = (service.sessions.find(world.session_of(one)).principal for one in ("dung", "hoa"))
    service.talk_about_review.ask(asked, text="Vì sao chỉ định hai lần cùng một xét nghiệm?", who=dung)
    again = service.reviews.get(asked.submission_id, asked.ordinal)
    service.talk_about_review.answer(again, text="Lần đầu mẫu máu bị vỡ hồng cầu.", who=hoa)
    again = service.reviews.get(asked.submission_id, asked.ordinal)
    service.talk_about_review.ask(again, text="Xin gửi kết quả lần thứ hai.", who=dung)
    van = world.people["van"].id
    refused = SubmissionFilter(within=EVERYWHERE, states=(State.REFUSED,))
    plans = [
        service.draft_replay(NewReplay(refused, actor=van, reason="", place=Place(""))) for _ in range(2)
    ]
    reason = "Cổng đã sửa lỗi nhận hồ sơ lúc 14:00"
    service.draft_replay.start(plans[1], within=EVERYWHERE, reason=reason, per_minute=60)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    service.manage_clients.register(
        key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        facility=HOSPITAL,
        scopes=frozenset({Scope.SUBMIT, Scope.READ}),
        label="HIS khoa Khám bệnh",
        is_bound=False,
    )
    kiem = world.people["kiem"].id
    for one, why in ((reduced, "Cơ quan điều tra yêu cầu, công văn 112"), (asked, "Đang tranh chấp")):
        service.retain.hold(one.submission_id, within=EVERYWHERE, actor=kiem, reason=why)
    return {
        "far": today.replace(year=today.year + 15, month=12, day=31).isoformat(),
        "asked": f"/claims/{asked.submission_id}/{asked.ordinal}",
        "reduced": f"/questions/{reduced.submission_id}/{reduced.ordinal}",
        "held": reduced.submission_id,
        "plan": plans[0],
        "replay": plans[1],
    }


def take(
    browser: Browser,
    world: World,
    url: str,
    places: dict[str, str],
    name: str,
    shot: tuple[str | None, str, str, str, int],
) -> None:
    """Take one picture."""
    who, path, language, scheme, width = shot
    context = browser.new_context(
        viewport={"width": width, "height": 720 if width > 600 else 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.add_cookies(cookies_of(world, url, who, language))
    page = context.new_page()
    page.goto(f"{url}/console{path.format(**places)}")
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        # A page has few colours: a quarter of the bytes, and nobody sees it.
        picture.convert("RGB").quantize(128).save(FOLDER / f"{name}.png", optimize=True)
    context.close()


if __name__ == "__main__":
    main()
