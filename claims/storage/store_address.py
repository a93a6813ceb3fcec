"""How the address of a store of objects is written: a folder, or a bucket of what speaks S3."""

import re
from typing import Final
from urllib.parse import urlsplit

from claims.errors import ClaimsError

_BUCKET: Final = re.compile("[A-Za-z0-9][A-Za-z0-9._-]*")


class UnusableStoreAddress(ClaimsError):
    """What should name a store names none, or says more than where it is."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}: give a folder or s3://BUCKET/PREFIX; credentials go into AWS_… variables")


def is_folder(address: str) -> bool:
    """Return whether a store is a folder, not a bucket; nobody is asked whether it is there.

    Raises:
        UnusableStoreAddress: It is no address of a store, or holds credentials.
    """
    if not address.strip():
        raise UnusableStoreAddress("an empty address")
    if "://" not in address:
        return True
    try:
        parts = urlsplit(address)
    except ValueError:  # which may repeat a password
        raise UnusableStoreAddress("no address of a store") from None
    if parts.scheme != "s3":
        raise UnusableStoreAddress("no address of a store")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UnusableStoreAddress("an address with more than a bucket and a prefix")
    if not _BUCKET.fullmatch(parts.netloc):
        raise UnusableStoreAddress("no name of a bucket")
    return False
