"""Signing many bundles with a key whose holder must confirm: as many as may be with one confirmation."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from claims.errors import ClaimsError
from signing.errors import SigningError

if TYPE_CHECKING:
    from signing.keys import Signer
    from signing.sign import PreparedBundle

Prepare = Callable[[Path], "PreparedBundle"]


def sign_in_lots(paths: Sequence[Path], prepare: Prepare, signer: "Signer") -> Iterator[bytes | Exception]:
    """Yield for each input, in order, its signed document or the error that kept it from being signed.

    An input that cannot be prepared is left out of its lot; a lot that is not signed fails as a whole.
    """
    from signing.keys import LotSigner

    size = signer.lot_size if isinstance(signer, LotSigner) else 1
    for start in range(0, len(paths), size):
        lot = [_attempt(prepare, path) for path in paths[start : start + size]]
        yield from _sign(lot, signer)


def _sign(lot: Sequence["PreparedBundle | Exception"], signer: "Signer") -> Iterator[bytes | Exception]:
    octets = [one.octets for one in lot if not isinstance(one, Exception)]
    try:
        values = iter(_values(octets, signer))
    except SigningError as error:
        yield from (one if isinstance(one, Exception) else error for one in lot)
        return
    for one in lot:
        yield one if isinstance(one, Exception) else one.complete(next(values))


def _values(octets: Sequence[bytes], signer: "Signer") -> Sequence[bytes]:
    from signing.keys import LotSigner

    if octets and isinstance(signer, LotSigner):
        return signer.sign_lot(octets)
    return [signer.sign(data) for data in octets]


def _attempt(prepare: Prepare, path: Path) -> "PreparedBundle | Exception":
    try:
        return prepare(path)
    except (ClaimsError, SigningError, OSError) as error:
        return error
