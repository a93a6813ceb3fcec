"""Production: what an installation with real claims must not have, each with what to do about it.

Nothing here is a matter of taste: each weakness gives somebody claims, keys or the right to sign that he
should not have. With ``CLAIMS_PRODUCTION`` nothing starts while there is one; the doctor lists them always.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12

from claims.errors import ClaimsError
from claims.runtime.settings import PREFIX, Settings
from claims.runtime.value_forms import read_networks
from signing.demo_pki import ORGANIZATION
from signing.errors import SigningError
from signing.trust import TrustStore

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_SHORT_SECRET: Final = 16
_SHORT_PASSPHRASE: Final = 12
_SEALING_KEY_BYTES: Final = 32
#: What nobody had to think of; the first is that of the demo's key files.
_USUAL_PASSPHRASES: Final = ("demo", "changeit", "password", "secret", "123456", "12345678")
#: A network wider than these is no list of who may come.
_WIDEST: Final = {4: 8, 6: 32}


@dataclass(frozen=True, slots=True)
class Weakness:
    """One thing that is too weak for real claims."""

    what: str
    remedy: str


class NotForProduction(ClaimsError):
    """The service says that it holds real claims, and something about it is too weak for that."""

    def __init__(self, found: tuple[Weakness, ...]) -> None:
        listed = "; ".join(f"{one.what}: {one.remedy}" for one in found)
        super().__init__(f"{PREFIX}PRODUCTION is set, and nothing starts until this is put right: {listed}")
        self.found = found


def refuse_weak(settings: Settings) -> None:
    """Pass if the installation holds no real claims, or nothing about it is too weak for them.

    Raises:
        NotForProduction: Something is.
    """
    if settings.production and (found := tuple(weaknesses(settings))):
        raise NotForProduction(found)


def weaknesses(settings: Settings) -> Iterator[Weakness]:
    """Return what is too weak for real claims."""
    if os.geteuid() == 0:
        yield Weakness("it runs as root", "give it a user of its own (deploy/systemd)")
    yield from _of_servers(settings)
    yield from _of_doors(settings)
    yield from _of_key_files(settings)
    yield from _of_key_service(settings)
    yield from _of_signing_keys(settings)
    yield from _of_trust(settings)


def _of_servers(settings: Settings) -> Iterator[Weakness]:
    if settings.database_url is None:
        yield _setting(
            "DATABASE_URL", "is unset, and the embedded servers are for trying", "name a PostgreSQL"
        )
    elif not settings.has_database_roles:
        remedy = "run `claims migrate --roles`, then set it"
        yield _setting("DATABASE_ROLES", "is off: every process may read every row", remedy)
    broker = urlsplit(settings.broker_url or "")
    if broker.hostname and not broker.password and not _is_loopback(broker.hostname):
        yield _setting("BROKER_URL", "has no password", "give the broker one")
    if settings.gateway_url and not settings.gateway_url.lower().startswith("https://"):
        yield _setting(
            "GATEWAY_URL", "is not https: claims and passwords would leave in the clear", "use https"
        )
    if settings.clock_skew_s:
        yield _setting("CLOCK_SKEW_S", "makes the clock wrong on purpose", "unset it")
    if settings.log_level == "DEBUG":
        yield _setting("LOG_LEVEL", "is DEBUG, at which libraries log what they are given", "set INFO")


def _of_doors(settings: Settings) -> Iterator[Weakness]:
    if not settings.public_url.lower().startswith("https://"):
        yield _setting(
            "PUBLIC_URL", "does not say an https address", "put the proxy's in (deploy/nginx.conf)"
        )
    if not settings.trusted_proxies:
        remedy = "name the proxies in front, so that attempts are counted by caller"
        yield _setting("TRUSTED_PROXIES", "is empty", remedy)
    if settings.dropin and not settings.dropin_networks:
        yield _setting(
            "DROPIN_NETWORKS", "is empty: who has a certificate comes from anywhere", "list networks"
        )
    for name in ("dropin_networks", "trusted_proxies", "webhook_networks", "oidc_networks"):
        for network in read_networks(getattr(settings, name)):
            if network.prefixlen < _WIDEST[network.version]:
                yield _setting(name.upper(), f"has {network}, which is nearly everybody", "name smaller ones")
    if settings.oidc_issuer and urlsplit(settings.oidc_issuer).scheme != "https":
        yield _setting("OIDC_ISSUER", "is not https: anybody on the way could sign in", "use https")
    key = settings.metrics_key
    if key is not None and len(key.get_secret_value()) < _SHORT_SECRET:
        yield _setting("METRICS_KEY", f"is shorter than {_SHORT_SECRET} characters", "make a longer one")
    if settings.metrics_port is not None and not _is_loopback(settings.metrics_host):
        yield _setting(
            "METRICS_HOST", "shows metrics without a key to a network", "set 127.0.0.1, or METRICS_KEY"
        )


def _of_key_service(settings: Settings) -> Iterator[Weakness]:
    address = urlsplit(settings.content_keys_url)
    if settings.content_keys_url and address.scheme != "https" and not _is_loopback(address.hostname or ""):
        yield _setting("CONTENT_KEYS_URL", "is not https: data keys would travel in the clear", "use https")


def _of_key_files(settings: Settings) -> Iterator[Weakness]:
    sealing, signing = settings.sealing_key_path, settings.signing_keys_folder
    handed = os.environ.get("CREDENTIALS_DIRECTORY")
    files = [sealing, *_files(signing), *_files(settings.evidence_keys_folder)]
    files += _files(settings.content_keys_folder)
    for path in files:
        # Credentials of systemd are guarded by it, whatever their mode says.
        if not path.is_file() or (handed and path.is_relative_to(handed)):
            continue
        if path.stat().st_mode & _OTHERS:
            yield Weakness(f"others may read {path}", f"chmod 600 {path}")
        if path.parent.stat().st_mode & _OTHERS_WRITE:
            yield Weakness(f"others may replace {path}", f"chmod go-w {path.parent}")
    if sealing.is_file() and sealing.stat().st_size != _SEALING_KEY_BYTES:
        yield Weakness(
            f"{sealing} is no key of 32 bytes", "restore it; for a new one: openssl rand -out FILE 32"
        )


def _of_signing_keys(settings: Settings) -> Iterator[Weakness]:
    files = sorted(settings.signing_keys_folder.glob("*.p12"))
    given = settings.signing_keys_passphrase
    if files and (given is None or len(given.get_secret_value()) < _SHORT_PASSPHRASE):
        what = f"is unset or shorter than {_SHORT_PASSPHRASE} characters"
        yield _setting("SIGNING_KEYS_PASSPHRASE", what, "protect the key files with a longer one")
    for path in files:
        if path.is_file() and _opens_with_the_usual(path):
            yield Weakness(f"{path} opens with no passphrase or a usual one", "protect it with another")
        certificate = _certificate_in(path, given.get_secret_value() if given is not None else "")
        if certificate is not None and _is_demo(certificate):
            yield Weakness(f"{path} is a demo key", "remove it")


def _of_trust(settings: Settings) -> Iterator[Weakness]:
    try:
        anchors = TrustStore.load(settings.trust_folder).anchors
    except SigningError:
        return  # without anchors nothing passes; the doctor says so
    if any(_is_demo(each) for each in anchors):
        yield Weakness(
            f"{settings.trust_folder} trusts a demo authority, whose key anybody has",
            "remove it from anchors/",
        )


def _setting(name: str, what: str, remedy: str) -> Weakness:
    return Weakness(f"{PREFIX}{name} {what}", remedy)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []


def _opens_with_the_usual(path: Path) -> bool:
    data = path.read_bytes()
    return any(_opens(data, one) for one in (None, *(one.encode() for one in _USUAL_PASSPHRASES)))


def _opens(data: bytes, passphrase: bytes | None) -> bool:
    try:
        pkcs12.load_pkcs12(data, passphrase)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _certificate_in(path: Path, passphrase: str) -> x509.Certificate | None:
    try:
        found = pkcs12.load_pkcs12(path.read_bytes(), passphrase.encode() or None).cert
    except (ValueError, OSError, UnsupportedAlgorithm):
        return None
    return None if found is None else found.certificate


def _is_demo(certificate: x509.Certificate) -> bool:
    names = (*certificate.subject, *certificate.issuer)
    return any(attribute.value == ORGANIZATION for attribute in names)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
