"""Keys that a signing service keeps: only digests go to it, and the key's holder confirms on a telephone.

1. The digests of one lot are sent as one request, which the service shows to the key's holder.
2. The service is asked again and again whether the holder has confirmed, declined, or let it lapse.
3. Each value that comes back is checked with the certificate's key before anything is made of it.

Which service, and how it is spoken to, is a :class:`SigningService`.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from signing.errors import RemoteAnswerUnusable, RemoteSigningExpired, RemoteUnavailable
from signing.keys import algorithm_for, as_der, side_by_side
from signing.policy import ECDSA_SHA384, Scheme
from signing.values import has_signed

_NAME_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is known of a request that is not confirmed yet.

    Attributes:
        said: What the service says of it.
    """

    said: str


class SigningService(Protocol):
    """A service that signs digests with a key which it keeps for an account."""

    def request(self, certificate: x509.Certificate, digests: Mapping[str, bytes]) -> str:
        """Ask for a signature over each digest; return the request's number.

        ``digests`` are by names that the holder sees. Nothing is sent twice.

        Raises:
            RemoteSigningFailed: The service does not take the request.
        """
        ...

    def result(self, number: str) -> Mapping[str, bytes] | Waiting:
        """Return the values by the digests' names, or what is being waited for.

        Raises:
            RemoteUnavailable: No answer; the request is not affected.
            RemoteSigningDeclined: The holder said no.
            RemoteSigningExpired: The holder did not confirm while the service waited.
            RemoteSigningFailed: Anything else.
        """
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the key's holder has to confirm, and how often the service is asked.

    Attributes:
        wait_s: After this long we stop asking. Services let a request lapse after three to five minutes.
        interval_s: The pause between two askings.
    """

    wait_s: float = 180.0
    interval_s: float = 3.0


@dataclass(frozen=True, slots=True)
class RemoteSigner:
    """Signs with a key of a signing service; a `signing.keys.LotSigner`.

    Attributes:
        service: Who keeps the key.
        certificate: The key's certificate.
        patience: How long to wait for the holder.
        notice: Is told the names under which the holder sees what is to be confirmed.
        lot_size: For how many documents one confirmation is asked.
        clock: Seconds that only grow.
        sleep: Lets seconds pass.
    """

    service: SigningService
    certificate: x509.Certificate
    patience: Patience = Patience()
    notice: Callable[[Sequence[str]], None] = lambda _: None
    lot_size: int = 50
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Refuse a certificate whose key makes no signature of ours, before anybody is asked."""
        algorithm_for(self.certificate.public_key())

    @property
    def algorithm(self) -> str:
        """The XML Signature name of the algorithm that fits the certificate's key."""
        return algorithm_for(self.certificate.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return the signature value over the data, once the holder has confirmed it.

        Raises:
            RemoteSigningFailed: The service does not sign it; the subclass says why.
        """
        return self.sign_lot([data])[0]

    def sign_lot(self, lot: Sequence[bytes]) -> Sequence[bytes]:
        """Return the signature values over each of the data, after one confirmation.

        Raises:
            RemoteSigningFailed: The service does not sign them; the subclass says why.
        """
        named = {self._name(data): data for data in lot}
        number = self.service.request(
            self.certificate, {name: self._digest(data) for name, data in named.items()}
        )
        self.notice(tuple(named))
        values = self._wait(number)
        checked = {data: self._check(values.get(name), data) for name, data in named.items()}
        return [checked[data] for data in lot]

    def _wait(self, number: str) -> Mapping[str, bytes]:
        deadline = self.clock() + self.patience.wait_s
        while True:
            try:
                found = self.service.result(number)
            except RemoteUnavailable as error:
                # The request stands, and may be confirmed while we cannot hear of it.
                found = Waiting(str(error))
            if not isinstance(found, Waiting):
                return found
            if self.clock() + self.patience.interval_s > deadline:
                waited = f"request {number} was not confirmed within {self.patience.wait_s:g} s"
                raise RemoteSigningExpired(f"{waited}; the service says: {found.said}")
            self.sleep(self.patience.interval_s)

    def _check(self, value: bytes | None, data: bytes) -> bytes:
        if value is None:
            raise RemoteAnswerUnusable("the service left out one of the signatures")
        key = self.certificate.public_key()
        algorithm = self._hash()
        if isinstance(key, rsa.RSAPublicKey):
            if has_signed(key, Scheme.RSA_PKCS1, algorithm, value=value, data=data):
                return value
        elif isinstance(key, ec.EllipticCurvePublicKey):
            der = as_der(value, key.key_size)
            if has_signed(key, Scheme.ECDSA, algorithm, value=der, data=data):
                return side_by_side(der, key.key_size)
        raise RemoteAnswerUnusable("what the service returned is no signature of the certificate's key")

    def _hash(self) -> hashes.HashAlgorithm:
        return hashes.SHA384() if self.algorithm == ECDSA_SHA384 else hashes.SHA256()

    def _digest(self, data: bytes) -> bytes:
        return hashlib.new(self._hash().name, data).digest()

    def _name(self, data: bytes) -> str:
        # Short enough to compare on two screens; it only has to differ within one lot.
        return self._digest(data).hex()[:_NAME_DIGITS]
