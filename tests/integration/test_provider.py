"""Signing in through an OpenID provider: a real one, in a process of its own."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from claims.console.app import create_console
from claims.console.viewer import form_token
from claims.exchange.access.errors import AccessDenied, NotSignedIn
from claims.exchange.access.places import Place
from claims.exchange.access.principal import Grant
from claims.exchange.access.provided_roles import ProvidedRoles
from claims.outbound.guard import Guard
from claims.outbound.openid import OpenIdProvider, Registration
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from tests.in_process import TestClient

pytestmark = pytest.mark.any_server

CLIENT, SECRET = "ehoso", "a-secret-of-this-test"
ROLES = """
[[grant]]
role = "reviewer"
place = "79"
when = { groups = "giam-dinh-79" }
"""
SETTINGS = """
config_version: 1
oauth:
  issuer: "{issuer}"
  clients:
    - client_id: "{client}"
      client_secret: "{secret}"
      redirect_uris: ["http://testserver/console/signin/provider/answer"]
security_profile: oauth21
"""
USERS = """
config_version: 1
users:
  binh: {password: "pw", email: "binh@example.org", groups: ["giam-dinh-79", "khac"]}
  khach: {password: "pw", email: "khach@example.org", groups: ["khac"]}
"""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("provider")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    (folder / "settings.yaml").write_text(SETTINGS.format(issuer=address, client=CLIENT, secret=SECRET))
    (folder / "users.yaml").write_text(USERS)
    command = ["-m", "nanoidp", "--config", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([sys.executable, *command], cwd=folder, stdout=log, stderr=log) as process,
    ):
        wait_for(address, folder / "log")
        yield address
        process.terminate()


def wait_for(address: str, log: Path) -> None:
    with httpx2.Client(trust_env=False) as client:
        for _ in range(1200):
            try:
                client.get(f"{address}/.well-known/openid-configuration")
            except httpx2.TransportError:
                time.sleep(0.05)
            else:
                return
    raise AssertionError(log.read_text())


@dataclass
class Browser:
    """Somebody's browser, which goes from the console to the provider and back."""

    service: Service
    console: TestClient

    def begin(self, after: str = "") -> str:
        """Return where the console sends the browser."""
        response = self.console.get("/console/signin/provider", params={"next": after})
        assert response.status_code == 303, response.text
        return response.headers["location"]

    def at_provider(self, address: str, name: str) -> str:
        """Sign in there; return the path and query that the provider sends back to."""
        with httpx2.Client(trust_env=False, timeout=60) as provider:
            page = provider.get(address)
            transaction = re.search(r'name="transaction_id" value="([^"]+)"', page.text)
            assert transaction is not None, page.text
            answer = provider.post(
                str(page.url).partition("?")[0],
                data={"transaction_id": transaction.group(1), "username": name, "password": "pw"},
            )
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["location"])
        assert back.netloc == "testserver"
        return f"{back.path}?{back.query}"

    def sign_in(self, name: str, after: str = "") -> httpx2.Response:
        return self.console.get(self.at_provider(self.begin(after), name))

    @property
    def session(self) -> str:
        return self.console.cookies.get("ehoso") or ""


@pytest.fixture
def service(issuer: str, database_url: str, broker_url: str, tmp_path: Path) -> Iterator[Service]:
    (tmp_path / "roles.toml").write_text(ROLES)
    settings = Settings(
        data_dir=tmp_path,
        public_url="http://testserver",
        oidc_issuer=issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SecretStr(SECRET),
        oidc_roles=tmp_path / "roles.toml",
        oidc_networks="127.0.0.0/8",
    )
    service = Service(settings, database_url, broker_url)
    yield service
    service.close()


@pytest.fixture
def browser(service: Service) -> Iterator[Browser]:
    app = Starlette(routes=[Mount("/console", create_console(service))])
    with TestClient(app, follow_redirects=False) as console:
        yield Browser(service, console)


def test_the_sign_in_page_offers_the_provider(browser: Browser) -> None:
    page = browser.console.get("/console/signin", params={"next": "/console/inbox"})

    assert "/console/signin/provider?next=%2Fconsole%2Finbox" in page.text


def test_whom_the_provider_gives_a_role_gets_it_and_a_second_factor_to_set_up(browser: Browser) -> None:
    response = browser.sign_in("binh", after="/console/inbox")

    assert response.headers["location"] == "/console/signin/generator?next=%2Fconsole%2Finbox"
    signed_in = browser.service.sessions.find(browser.session)
    assert signed_in.session.method == "oidc"
    assert signed_in.person.grants == {Grant("reviewer", Place("79"))}
    assert not signed_in.is_complete


def test_a_role_that_the_provider_takes_is_gone(browser: Browser) -> None:
    browser.sign_in("binh")
    token, person = browser.session, browser.service.sessions.find(browser.session).person
    browser.service.people.set_provided(
        person.id,
        name="Bình",
        grants=frozenset({Grant("auditor", Place(""))}),
        by="test",
        at=person.created_at,
    )

    browser.sign_in("binh")

    assert browser.service.sessions.find(browser.session).person.grants == {Grant("reviewer", Place("79"))}
    with pytest.raises(NotSignedIn):
        browser.service.sessions.find(token)


def test_nobody_without_a_role_gets_an_account_or_a_session(browser: Browser) -> None:
    response = browser.sign_in("khach")

    assert response.status_code == 403
    assert "chưa có vai trò" in response.text
    assert browser.session == ""
    assert list(browser.service.people.all()) == []


def test_nobody_changes_roles_that_the_provider_gives(browser: Browser) -> None:
    browser.sign_in("binh")
    (person,) = browser.service.people.all()

    with pytest.raises(AccessDenied):
        browser.service.manage_people.grant(person.login, Grant("auditor", Place("")), by="test")
    with pytest.raises(AccessDenied):
        browser.service.manage_people.reset(person.login)


def test_a_closed_account_stays_closed(browser: Browser) -> None:
    browser.sign_in("binh")
    (person,) = browser.service.people.all()
    browser.service.manage_people.disable(person.login)

    response = browser.sign_in("binh")

    assert response.status_code == 422
    assert browser.service.sessions.of(person) == []


@pytest.mark.attack
def test_an_answer_counts_once(browser: Browser) -> None:
    address = browser.begin()
    cookie = browser.console.cookies["ehoso-provider"]
    back = browser.at_provider(address, "binh")
    assert browser.console.get(back).status_code == 303

    browser.console.cookies.clear()
    browser.console.cookies.set("ehoso-provider", cookie)

    assert browser.console.get(back).status_code == 422


@pytest.mark.attack
def test_an_answer_counts_only_in_the_browser_that_asked(browser: Browser) -> None:
    back = browser.at_provider(browser.begin(), "binh")
    browser.console.cookies.clear()
    assert browser.console.get(back).status_code == 422
    browser.begin()  # a cookie of its own, but another question

    assert browser.console.get(back).status_code == 422
    assert browser.session == ""


@pytest.mark.attack
def test_a_code_of_another_sign_in_lacks_its_verifier(browser: Browser) -> None:
    stolen = parse_qs(urlsplit(browser.at_provider(browser.begin(), "binh")).query)["code"][0]
    own = parse_qs(urlsplit(browser.begin()).query)["state"][0]

    response = browser.console.get("/console/signin/provider/answer", params={"state": own, "code": stolen})

    assert response.status_code == 422


@pytest.mark.attack
@pytest.mark.parametrize(
    "after", ["https://evil.example/", "//evil.example", "/console/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_led_elsewhere_afterwards(browser: Browser, after: str) -> None:
    response = browser.sign_in("binh", after=after)

    location = urlsplit(response.headers["location"])
    assert (location.scheme, location.netloc, location.path) == ("", "", "/console/signin/generator")
    begun = go_on_from(browser, after)
    assert begun == "/console/"


def go_on_from(browser: Browser, after: str) -> str:
    """Return where a complete sign-in would lead."""
    provider = browser.service.provider
    assert provider is not None
    object.__setattr__(provider, "roles", ProvidedRoles(provider.roles.grants, {"groups": ("khac",)}))
    location: str = browser.sign_in("binh", after=after).headers["location"]
    return location


def test_whom_the_provider_asked_for_two_factors_is_not_asked_again(browser: Browser) -> None:
    assert go_on_from(browser, "/console/help") == "/console/help"
    assert browser.service.sessions.find(browser.session).is_complete


def test_who_signs_out_here_is_offered_to_sign_out_there(browser: Browser, issuer: str) -> None:
    go_on_from(browser, "")
    token = form_token(browser.session)

    left = browser.console.post("/console/signout", data={"token": token})
    page = browser.console.get(left.headers["location"])
    out = browser.console.get("/console/signin/provider/out")

    assert "/console/signin/provider/out" in page.text
    assert out.headers["location"].startswith(f"{issuer}/logout?client_id=ehoso&post_logout_redirect_uri=")
    assert browser.console.get("/console/help").status_code == 303


@pytest.mark.attack
def test_a_provider_in_this_machines_own_network_is_not_asked_unless_somebody_allows_it(
    browser: Browser,
) -> None:
    provider = browser.service.provider
    assert provider is not None
    blind = OpenIdProvider(
        Registration(provider.provider.issuer, CLIENT, None, "http://testserver/", "http://testserver/"),
        Guard(needs_tls=True),
        browser.service.clock,
    )
    object.__setattr__(provider, "provider", blind)

    response = browser.console.get("/console/signin/provider")

    assert response.status_code == 503
    assert "127.0.0.1" not in response.text
