"""One HTTP request to an authority whose address somebody configured, through the guard of all requests.

Such an authority may stand in the hospital's own network, which a certificate's or a webhook's address must
not lead to. Still its name may come to mean something else one day: what is local to this machine's network
link, such as a cloud's metadata, is asked for nobody.
"""

import ipaddress
from collections.abc import Mapping
from typing import Final

from claims.authorities.errors import AuthorityUnreachable
from claims.outbound.errors import TargetUnreachable, UnusableAddress
from claims.outbound.guard import Guard, Reply

_MAX_REPLY: Final = 256 * 1024
#: This machine and private networks (RFC 1918, RFC 4193).
_OWN_NETWORKS: Final = tuple(
    ipaddress.ip_network(one)
    for one in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


def post(url: str, content: bytes, *, headers: Mapping[str, str], timeout_s: float) -> Reply:
    """Post once, following no redirection, and return what comes back.

    Raises:
        AuthorityUnreachable: Nothing whole came back, or too much; or the address is not asked.
    """
    guard = Guard(allowed=_OWN_NETWORKS, timeout_s=timeout_s)
    try:
        return guard.post(url, content, headers=headers, max_bytes=_MAX_REPLY)
    except TargetUnreachable as error:
        raise AuthorityUnreachable(url, error.detail) from error
    except UnusableAddress as error:
        raise AuthorityUnreachable(url, "this address is not asked") from error
