"""How long a body may be, by where it goes."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from claims.api.body_limits import BodyLimits
from claims.runtime.settings import Settings
from tests.in_process import TestClient

MIB = 2**20
FORM = "application/x-www-form-urlencoded"
FILES = "multipart/form-data; boundary=x"


async def _count(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def client() -> TestClient:
    settings = Settings(max_body_bytes=MIB, batch_bytes=6 * MIB, dropin=True, dropin_networks="192.0.2.0/24")
    limits = Middleware(BodyLimits, settings=settings, console=("/console/",))
    return TestClient(
        Starlette(routes=[Route("/{path:path}", _count, methods=["POST"])], middleware=[limits])
    )


@pytest.mark.parametrize(
    ("path", "content_type", "most"),
    [
        ("/v1/submissions", "application/xml", MIB),
        ("/v1/encounters", "application/json", MIB),
        ("/v1/checks", "application/xml", MIB),
        ("/v1/check-ins", "application/xml", MIB),
        ("/v1/batches", "application/zip", 6 * MIB),
        ("/api/qd130/guiHoSoXmlQD3176", FORM, 4 * MIB),
        ("/api/qd130/checkInKcbQd3176", FORM, 4 * MIB),
        ("/api/egw/guiHoSoGiamDinh4210", "application/json", 4 * MIB),
        ("/console/check", FILES, MIB),
        ("/console/signin", FORM, MIB // 4),
        ("/oauth/token", FORM, MIB // 4),
        ("/api/token/take", FORM, MIB // 4),
        ("/api/egw/nhanChiTietLoiHS4210", FORM, MIB // 4),
        ("/v1/webhooks", "application/json", MIB // 4),
        ("/v1/submissions/sub_1/withdrawal", "application/json", MIB // 4),
    ],
)
@pytest.mark.parametrize("is_declared", [True, False], ids=["declared", "streamed"])
def test_a_body_may_be_as_long_as_what_is_handed_in_there(
    client: TestClient, path: str, content_type: str, most: int, is_declared: bool
) -> None:
    def status(size: int) -> int:
        body = bytes(size)
        content = body if is_declared else iter((body[:1_000], body[1_000:]))
        return client.post(path, content=content, headers={"Content-Type": content_type}).status_code

    assert status(most) == 200
    assert status(most + 1) == 413
