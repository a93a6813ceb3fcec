"""`claims sign --remote`: a key that a service keeps, and a holder who confirms elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claims.cli.output import Exit
from tests.integration.command import Outcome, claims, serving

BUNDLE = "<GIAMDINHHS><THONGTINDONVI><MACSKCB>{}</MACSKCB></THONGTINDONVI><CHUKYDONVI/></GIAMDINHHS>"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "pki"
    assert claims("keys", "new-demo-pki", folder, "--facility", "79999").code == Exit.FINE
    bundles = folder / "bundles"
    bundles.mkdir()
    for number, facility in enumerate(("79999", "79999", "01001", "79999")):
        (bundles / f"{number}.xml").write_text(BUNDLE.format(facility))
    return folder


@pytest.fixture(scope="module")
def service(pki: Path) -> Iterator[str]:
    with serving("mock-signing-service", "--folder", pki, "--after", "0") as url:
        yield url


def sign(pki: Path, url: str, *more: str | Path) -> Outcome:
    credentials = pki / "keys" / "79999.remote.toml"
    return claims(
        "sign",
        "--remote",
        url,
        "--remote-credentials",
        credentials,
        "--trust",
        pki / "trust",
        "--language",
        "en",
        *more,
    )


def test_a_folder_is_signed_with_one_confirmation_but_for_the_bundle_of_another(
    pki: Path, service: str, tmp_path: Path
) -> None:
    done = sign(pki, service, pki / "bundles", "--profile", "xades-b", "-o", tmp_path / "signed", "--json")

    assert done.code == Exit.BLOCKED
    assert "not registered for facility 01001" in done.stderr
    assert [line["input"][-5:] for line in done.lines if line["refused"]] == ["2.xml"]
    assert done.stderr.count("waiting for the key's holder") == 1
    verified = claims("verify", tmp_path / "signed", "--trust", pki / "trust", "--json")
    assert [line["indication"] for line in verified.lines] == ["TOTAL-PASSED"] * 3


def test_the_certificate_of_a_far_key_is_shown(pki: Path, service: str) -> None:
    credentials = pki / "keys" / "79999.remote.toml"
    shown = claims(
        "keys", "show", "--remote", service, "--remote-credentials", credentials,
        "--trust", pki / "trust", "--json",
    )  # fmt: skip

    assert (shown.code, shown.lines[0]["facilities"]) == (Exit.FINE, ["79999"])


@pytest.mark.parametrize(
    ("holder", "said"),
    [("declines", "holder declined"), ("lets-lapse", "did not confirm in time"), ("ignores", "within 1 s")],
)
def test_what_is_not_confirmed_is_not_signed(pki: Path, tmp_path: Path, holder: str, said: str) -> None:
    with serving("mock-signing-service", "--folder", pki, "--after", "0", "--holder", holder) as url:
        done = sign(pki, url, pki / "bundles" / "0.xml", "--remote-wait", "1", "-o", tmp_path / "x.xml")

    assert (done.code, said in done.stderr) == (Exit.BLOCKED, True), done.stderr
    assert not (tmp_path / "x.xml").exists()


def test_a_wrong_account_and_a_service_that_is_not_there_have_their_own_exit_codes(
    pki: Path, service: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('sp_id = "trial"\nsp_password = "wrong"\nuser_id = "79999"\n')
    bundle, target = pki / "bundles" / "0.xml", tmp_path / "x.xml"

    refused = claims("sign", bundle, "--remote", service, "--remote-credentials", wrong, "-o", target)
    absent = sign(pki, "http://127.0.0.1:9", bundle, "-o", target)
    in_the_clear = sign(pki, "http://ca.example", bundle, "-o", target)

    assert (refused.code, "SP_CREDENTIAL_INVALID" in refused.stderr) == (Exit.CONFIGURATION, True)
    assert (absent.code, "http://127.0.0.1:9" in absent.stderr) == (Exit.UNREACHABLE, True)
    assert (in_the_clear.code, "must be https" in in_the_clear.stderr) == (Exit.CONFIGURATION, True)


def test_one_key_is_named_and_whole(pki: Path, service: str, tmp_path: Path) -> None:
    bundle = pki / "bundles" / "0.xml"

    alone = claims("sign", bundle, "--remote", service, "-o", tmp_path / "x.xml")
    both = sign(pki, service, bundle, "--pkcs12", pki / "keys" / "79999.p12", "-o", tmp_path / "x.xml")

    assert (alone.code, "go together" in alone.stderr) == (Exit.USAGE, True)
    assert (both.code, "give one of" in both.stderr) == (Exit.USAGE, True)
