"""Attempts on people's doors: passwords, sessions, forms."""

import pyotp

from tests.attack.attempts import Broke, Target, attempt, expect

_AREA = "sign-in"
#: Of a session, over plain HTTP.
COOKIE = "ehoso"
_COMMON = ("123456", "password", "admin", "eHoSo2026", "matkhau", "qwerty", "iloveyou", "111111")


def _login(target: Target, name: str, password: str, **headers: str) -> tuple[int, dict[str, str]]:
    with target.client() as client:
        answer = client.post("/console/signin", data={"name": name, "password": password}, headers=headers)
        return answer.status_code, dict(client.cookies)


@attempt(_AREA, "brute force: many passwords for one name")
def brute_force(target: Target) -> str:
    people = target.people
    for password in _COMMON:
        status, cookies = _login(target, "operator", password)
        if status != 422 or any(value.startswith("ses_") for value in cookies.values()):
            raise Broke(f"{password} answered {status}")
    # The right one comes too late from here: the name has no attempts left in this network.
    status, _ = _login(target, "operator", people.password)
    if status != 422:
        raise Broke("the right password still opened after the attempts were used up")
    return f"{len(_COMMON)} wrong ones, then the right one is refused too"


@attempt(_AREA, "locking somebody else out by guessing wrongly in that person's name")
def lock_out(target: Target) -> str:
    for password in _COMMON:
        _login(target, "senior", password)
    # That the person's own browser still gets in, tests/integration/test_sign_in.py shows: here all is one
    # network, so another name in it stands for the rest.
    status, _ = _login(target, "auditor", target.people.password)
    if status != 303:
        raise Broke("another person cannot sign in any more")
    return "others in the same network still sign in"


@attempt(_AREA, "credential stuffing: one password for many names")
def stuffing(target: Target) -> str:
    refused = sum(_login(target, f"nobody{number}", "Summer2026!")[0] == 422 for number in range(12))
    if refused != 12:
        raise Broke("one of them opened")
    return "12 of 12 refused"


@attempt(_AREA, "finding out which names exist by what is answered")
def enumeration(target: Target) -> str:
    pages = []
    for name in ("reviewer", "nobody-at-all"):
        with target.client() as client:
            text = client.post("/console/signin", data={"name": name, "password": "wrong-one"}).text
        pages.append(text.replace(name, ""))
    if pages[0] != pages[1]:
        raise Broke("the pages differ")
    return "the same page for both"


@attempt(_AREA, "session fixation: a token that the attacker chose")
def fixation(target: Target) -> str:
    chosen = "ses_" + "A" * 43
    with target.client() as client:
        client.cookies.set(COOKIE, chosen)
        answer = client.post("/console/signin", data={"name": "admin", "password": target.people.password})
        expect(answer, 303)
        now = [cookie.value or "" for cookie in client.cookies.jar if cookie.name == COOKIE]
        now = [value for value in now if value != chosen]
        if not now:
            raise Broke("the chosen token was kept")
        first = now[-1]
    code = pyotp.TOTP(target.people.secret).now()
    with target.client() as client:
        client.cookies.set(COOKIE, chosen)
        expect(client.get("/console/help"), 303)
        client.cookies.set(COOKIE, first)
        # The password alone opens nothing, and its token is no full one.
        expect(client.get("/console/help"), 303)
    return f"a new token at each step; {len(code)} digits are still asked for"


@attempt(_AREA, "a session of half a sign-in used as a whole one at the API")
def half_session(target: Target) -> str:
    status, cookies = _login(target, "hospital", target.people.password)
    token = next((value for value in cookies.values() if value.startswith("ses_")), "")
    if status != 303 or not token:
        raise Broke(f"the right password answered {status}")
    with target.client() as client:
        return expect(client.get("/v1/submissions", headers={"Authorization": f"Bearer {token}"}), 401)


@attempt("cross-site", "CSRF: another site's form signs in, chooses, signs out")
def csrf(target: Target) -> str:
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    with target.client() as client:
        for path in ("/console/signin", "/console/preferences"):
            expect(client.post(path, data={"name": "a", "password": "b"}, headers=foreign), 403)
        expect(client.post("/console/signout", data={"token": ""}, headers=foreign), 303, 403)
    return "403; whoever is not signed in is sent to sign in"


@attempt("cross-site", "clickjacking: pages in a frame")
def clickjacking(target: Target) -> str:
    with target.client() as client:
        for path in ("/console/signin", "/docs", "/livez", "/nowhere"):
            headers = client.get(path).headers
            if "frame-ancestors 'none'" not in headers.get("content-security-policy", ""):
                raise Broke(f"{path} may be framed")
            if headers.get("x-content-type-options") != "nosniff":
                raise Broke(f"{path} may be sniffed")
    return "frame-ancestors 'none' on every answer"


@attempt("cross-site", "open redirect behind the sign-in")
def open_redirect(target: Target) -> str:
    places = ("https://evil.example", "//evil.example", "/\\evil.example", "/console/../..//evil.example")
    with target.client() as client:
        for place in places:
            answer = client.post("/console/preferences", data={"back": place, "language": "vi"})
            if "evil" in answer.headers.get("location", "").split("/console", 1)[0]:
                raise Broke(f"leads to {place}")
    return "only paths of the console"


@attempt("cross-site", "scripts of another origin read answers (CORS)")
def cors(target: Target) -> str:
    with target.client() as client:
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        for answer in (client.options("/v1/submissions", headers=asked), client.get("/livez", headers=asked)):
            if "access-control-allow-origin" in answer.headers:
                raise Broke("allowed")
    return "no Access-Control headers at all"
