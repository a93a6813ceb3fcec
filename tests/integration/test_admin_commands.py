"""Administrators' commands speak Vietnamese, and English when asked to; JSON stays the same."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from claims.runtime.wiring import Service
from tests.integration.command import claims


def test_administrators_are_told_in_their_language(service: Service, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    env = {"CLAIMS_DATABASE_URL": service.database_url, "CLAIMS_BROKER_URL": service.broker_url}

    def told(*arguments: str) -> list[str]:
        done = [claims(*arguments, *extra, env=env) for extra in ((), ("--language", "en"))]
        return [one.stderr.strip() for one in done]

    assert told("facility", "add", "79001", "--name", "Một") == [
        "đã đăng ký cơ sở 79001",
        "facility 79001 is registered",
    ]
    assert told("facility", "end-drop-in-account", "79001") == [
        "cơ sở 79001 không có tài khoản tại đây",
        "facility 79001 has no drop-in account",
    ]
    assert told("user", "disable", "nobody") == [
        "lỗi: không có ai tên nobody",
        "error: there is nobody called nobody",
    ]
    claims("user", "add", "lan", "--name", "Lan", env=env)
    vietnamese, english = told("user", "list")
    assert vietnamese.endswith("mật khẩu dùng một lần  chưa có yếu tố thứ hai")
    assert english.endswith("one-time password  no second factor")
    client = claims("client", "register", "--public-key", key, "--label", "HIS", "--scope", "read", env=env)
    vietnamese, english = told("client", "list")
    assert ("còn hiệu lực" in vietnamese, vietnamese.endswith("chưa dùng lần nào")) == (True, True)
    assert ("live" in english, english.endswith("last used never")) == (True, True)
    assert client.stdout.startswith(b"cli_")
