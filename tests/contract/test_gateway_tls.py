"""Over TLS the client keeps the same promises, and trusts nobody without reason."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from claims.exchange.errors import GatewayUnavailable, OutcomeUnknown
from claims.gateway.mock.faults import Fault, FaultKind, FaultRule
from tests.contract.mock_gateway import HERE, PATIENT, QUICK, RunningMock, running_mock, signed_bundle


@pytest.fixture
def secure_mock(tmp_path: Path) -> Iterator[RunningMock]:
    pem = tmp_path / "server.pem"
    pem.write_bytes(self_signed("127.0.0.1"))
    with running_mock(tmp_path, certificate=pem) as mock:
        yield mock


def self_signed(address: str) -> bytes:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)


def address_of(mock: RunningMock) -> str:
    return mock.server.base_url.replace("http:", "https:")


def test_a_trusted_gateway_is_sent_to_over_one_kept_connection(secure_mock: RunningMock) -> None:
    trusting = ssl.create_default_context(cafile=str(secure_mock.certificate))
    client = secure_mock.client(PATIENT, base_url=address_of(secure_mock), tls=trusting)

    numbers = [client.send(HERE, signed_bundle(f"A{n}", rows=300)).ma_giao_dich for n in range(3)]

    assert numbers == ["1000000001", "1000000002", "1000000003"]
    assert len(secure_mock.server.server_state.connections) == 1


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        pytest.param(FaultKind.DRIP, "gateway.timeout", id="drip"),
        pytest.param(FaultKind.TIMEOUT_AFTER, "gateway.timeout", id="silence"),
        pytest.param(FaultKind.RESET_AFTER, "gateway.disconnected", id="reset"),
    ],
)
def test_trouble_over_tls_leaves_the_same_doubt(tmp_path: Path, fault: FaultKind, cause: str) -> None:
    pem = tmp_path / "server.pem"
    pem.write_bytes(self_signed("127.0.0.1"))
    with running_mock(tmp_path, certificate=pem, faults=(FaultRule(Fault(fault)),)) as mock:
        trusting = ssl.create_default_context(cafile=str(pem))
        client = mock.client(QUICK, base_url=address_of(mock), tls=trusting)

        with pytest.raises(OutcomeUnknown) as raised:
            client.send(HERE, signed_bundle("A"))

    assert raised.value.cause == cause


def test_an_unknown_authority_is_not_spoken_to(secure_mock: RunningMock) -> None:
    client = secure_mock.client(base_url=address_of(secure_mock))

    with pytest.raises(GatewayUnavailable, match="SSLCertVerificationError"):
        client.send(HERE, signed_bundle("A"))
