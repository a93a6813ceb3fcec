"""What a setting's value must look like; one that cannot work stops the start, not the work of a later day.

A refusal says what is allowed, and repeats no value: an address may hold a password.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

import limits
import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, Field

from claims.exchange.breaker import read_windows
from claims.exchange.quota import read_size_limits
from claims.storage.store_address import UnusableStoreAddress, is_folder

#: How addresses of brokers begin that have been tried.
_BROKERS: Final = frozenset({"redis", "rediss", "redis+socket", "amqp", "amqps", "pyamqp"})
_WEB: Final = frozenset({"http", "https"})
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
_PORTS: Final = range(1, 65_536)
#: RFC 9110, 5.6.2.
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: What a key service takes as a key's name, which is a part of an address.
_KEY_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
#: A year: what is longer is a mistake of units, and ends in a time that no clock knows.
LONGEST_S: Final = 366 * 24 * 3600
_A_CENTURY_D: Final = 36_525
A_CENTURY_S: Final = _A_CENTURY_D * 24 * 3600


def read_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read networks separated by commas.

    Raises:
        ValueError: One is no network.
    """
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _networks(text: str) -> str:
    read_networks(text)
    return text


def _windows(text: str) -> str:
    read_windows(text)
    return text


def _size_limits(text: str) -> str:
    read_size_limits(text)
    return text


def _postgresql_address(text: str) -> str:
    try:
        port = conninfo_to_dict(text).get("port")
        is_one = port is None or all(not one or int(one) in _PORTS for one in str(port).split(","))
    except (psycopg.Error, ValueError):  # which repeats the address, with the password in it
        is_one = False
    if not is_one:
        raise ValueError("no address such as postgresql://claims@db.example.vn/claims")
    return text


def _broker_address(text: str) -> str:
    address = _split(text)
    if "://" not in text or address is None or address.scheme not in _BROKERS:
        raise ValueError("no address such as redis://broker.example.vn:6379/0 or amqp://broker.example.vn//")
    return text


def _web_address(text: str) -> str:
    address = _split(text)
    if text and not (address is not None and address.scheme in _WEB and _is_host(address.hostname or "")):
        raise ValueError("no address such as https://example.vn")
    return text


def _web_base(text: str) -> str:
    _web_address(text)
    if "?" in text or "#" in text:
        raise ValueError("an address to which a path is added has no ? and no #")
    return text


def _web_addresses(text: str) -> str:
    for one in text.split(","):
        _web_address(one.strip())
    return text


def _split(text: str) -> SplitResult | None:
    try:
        address = urlsplit(text)
        return None if address.port == 0 else address
    except ValueError:  # which may repeat a password
        return None


def _is_host(name: str) -> bool:
    try:
        if ":" in name:
            return bool(ip_address(name))
        # As the look-up of its address does.
        return _HOST.fullmatch(name.encode("idna").decode()) is not None
    except ValueError:
        return False


def _store_address(text: str) -> str:
    if text:
        try:
            is_folder(text)
        except UnusableStoreAddress as error:
            raise ValueError(str(error)) from None
    return text


def _rate(text: str) -> str:
    if text:
        try:
            (rate,) = limits.parse_many(text)
            is_one = rate.amount > 0
        except ValueError:
            is_one = False
        if not is_one:
            raise ValueError("no rate such as 600/minute or 20/second")
    return text


def _header(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("no name of a header such as X-Client-Cert")
    return text


def _key_name(text: str) -> str:
    if not _KEY_NAME.fullmatch(text):
        raise ValueError("no name of a key: letters, digits, - _ and .")
    return text


Networks = Annotated[str, AfterValidator(_networks)]
Windows = Annotated[str, AfterValidator(_windows)]
SizeLimits = Annotated[str, AfterValidator(_size_limits)]
PostgresqlAddress = Annotated[str, AfterValidator(_postgresql_address)]
BrokerAddress = Annotated[str, AfterValidator(_broker_address)]
#: To which paths are added.
WebBase = Annotated[str, AfterValidator(_web_base)]
WebAddresses = Annotated[str, AfterValidator(_web_addresses)]
StoreAddress = Annotated[str, AfterValidator(_store_address)]
Rate = Annotated[str, AfterValidator(_rate)]
HeaderName = Annotated[str, AfterValidator(_header)]
KeyName = Annotated[str, AfterValidator(_key_name)]
Seconds = Annotated[float, Field(gt=0, le=LONGEST_S)]
WholeSeconds = Annotated[int, Field(gt=0, le=LONGEST_S)]
Days = Annotated[int, Field(ge=0, le=_A_CENTURY_D)]
