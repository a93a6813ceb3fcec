"""What cannot work stops the start with the setting's name and what is allowed; no later day finds out."""

from pathlib import Path

import pytest

from claims.runtime.settings import InvalidSettings, load_settings

STORE = "give a folder or s3://BUCKET/PREFIX; credentials go into AWS_… variables"
WEB = "no address such as https://example.vn"
POSTGRESQL = "no address such as postgresql://claims@db.example.vn/claims"
BROKER = "no address such as redis://broker.example.vn:6379/0 or amqp://broker.example.vn//"
HEADER = "no name of a header such as X-Client-Cert"
RATE = "no rate such as 600/minute or 20/second"
NO_NUMBER = "Input should be a valid integer, unable to parse string as an integer"
A_YEAR = "Input should be less than or equal to 31622400"


def refusal(**given: str) -> str:
    with pytest.raises(InvalidSettings) as refused:
        load_settings({f"CLAIMS_{name}": value for name, value in given.items()})
    return str(refused.value)


@pytest.mark.parametrize("setting", ["ARCHIVE_STORE", "CONTENT_STORE"])
@pytest.mark.parametrize(
    ("address", "why"),
    [
        pytest.param("http://x", "no address of a store", id="http"),
        pytest.param("gs://bucket/x", "no address of a store", id="another-kind"),
        pytest.param("file:///srv", "no address of a store", id="file"),
        pytest.param("s3://[", "no address of a store", id="unreadable"),
        pytest.param("s3:///prefix", "no name of a bucket", id="no-bucket"),
        pytest.param("s3://a b/x", "no name of a bucket", id="no-name"),
        pytest.param("s3://bucket:80/x", "no name of a bucket", id="port"),
        pytest.param("s3://me:s3cret@b/x", "an address with more than a bucket and a prefix", id="secret"),
        pytest.param("s3://b/x?region=1", "an address with more than a bucket and a prefix", id="query"),
    ],
)
def test_a_store_that_is_none_stops_the_start(setting: str, address: str, why: str) -> None:
    assert refusal(**{setting: address}) == f"CLAIMS_{setting}: {why}: {STORE}"


def test_a_store_that_is_one_is_taken_and_nobody_makes_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "archives"

    settings = load_settings(
        {
            "CLAIMS_CONTENT_STORE": "s3://claims/contents-of-2026",
            "CLAIMS_ARCHIVE_STORE": str(folder),
            "CLAIMS_TIMESTAMP_URLS": "http://tsa.example.vn/?policy=1",
        }
    )

    assert (settings.content_store, settings.archive_store) == ("s3://claims/contents-of-2026", str(folder))
    assert not folder.exists()


@pytest.mark.parametrize(
    ("setting", "value", "why"),
    [
        pytest.param("GATEWAY_URL", "https://a b", WEB, id="host-with-a-space"),
        pytest.param("GATEWAY_URL", f"https://{'a' * 64}.vn", WEB, id="host-that-no-look-up-takes"),
        pytest.param("GATEWAY_URL", "https://[::g]", WEB, id="no-ip-address"),
        pytest.param(
            "GATEWAY_URL",
            "https://egw.example.vn/?x=",
            "an address to which a path is added has no ? and no #",
            id="query",
        ),
        pytest.param("DATABASE_URL", "postgresql://db:abc/claims", POSTGRESQL, id="database-port"),
        pytest.param("DATABASE_URL", "host=a,b port=5432,70000", POSTGRESQL, id="second-database-port"),
        pytest.param("BROKER_URL", "redis://broker:abc/0", BROKER, id="broker-port"),
        pytest.param("BROKER_URL", "redis:6379", BROKER, id="broker-without-slashes"),
        pytest.param("INTAKE_RATE", "0/minute", RATE, id="rate-of-nothing"),
        pytest.param("INTAKE_RATE", "5/second;60/minute", RATE, id="two-rates"),
        pytest.param("INTAKE_RATE", "often", RATE, id="no-rate"),
        pytest.param("DROPIN_CERTIFICATE_HEADER", "X Cert:", HEADER, id="header"),
        pytest.param("CONTENT_KEYS_NAME", "a/../b", "no name of a key: letters, digits, - _ and .", id="key"),
        pytest.param("GATEWAY_TIMEOUT_S", "inf", "Input should be a finite number", id="for-ever"),
        pytest.param("GATEWAY_PER_S", "inf", "Input should be a finite number", id="any-number"),
        pytest.param("RETRY_CAP_S", "1e300", A_YEAR, id="seconds-without-end"),
        pytest.param("CHECK_LEASE_S", "99999999999999", A_YEAR, id="lease-without-end"),
        pytest.param(
            "RENEW_WITHIN_DAYS", "999999999999", "Input should be less than or equal to 36525", id="days"
        ),
        pytest.param(
            "CLOCK_SKEW_S", "1e300", "Input should be less than or equal to 3155760000", id="another-age"
        ),
        pytest.param("CHECK_BATCH", "", NO_NUMBER, id="empty"),
    ],
)
def test_a_value_that_fails_only_later_stops_the_start(setting: str, value: str, why: str) -> None:
    assert refusal(**{setting: value}) == f"CLAIMS_{setting}: {why}"


@pytest.mark.parametrize(
    "given",
    [
        "https://egw.example.vn",
        "http://127.0.0.1:9000/",
        "https://[::1]:8443/x",
        "https://cổng.vn",
        "http://mock_gateway:1",
    ],
)
def test_an_address_that_is_one_is_taken(given: str) -> None:
    assert load_settings({"CLAIMS_GATEWAY_URL": given}).gateway_url == given


def test_archives_that_nobody_could_renew_stop_the_start(tmp_path: Path) -> None:
    assert refusal(ARCHIVE_STORE=str(tmp_path)) == "CLAIMS_ARCHIVE_STORE needs CLAIMS_TIMESTAMP_URLS"


def test_an_empty_line_leaves_open_what_may_be_left_open() -> None:
    empty = (
        "GATEWAY_URL",
        "DATABASE_URL",
        "DATA_DIR",
        "TRUST_DIR",
        "METRICS_KEY",
        "METRICS_PORT",
        "PUBLIC_URL",
    )

    settings = load_settings({f"CLAIMS_{name}": "" for name in empty})

    assert settings == load_settings({})
