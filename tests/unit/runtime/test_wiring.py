"""The wiring makes what the settings ask for."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki


@pytest.mark.parametrize(
    ("settings", "are_read"),
    [
        pytest.param({"gateway_url": "http://gateway.example"}, True, id="a-gateway"),
        pytest.param(
            {"gateway_url": "http://gateway.example", "gateway_results": False}, False, id="not-wanted"
        ),
        pytest.param({}, False, id="no-gateway"),
    ],
)
def test_results_are_read_back_wherever_there_is_a_gateway(
    settings: dict[str, object], are_read: bool, tmp_path: Path
) -> None:
    # Nothing listens there: a pool opens without its database, and a key that is there is not asked about.
    (tmp_path / "seal.key").write_bytes(bytes(32))
    read = Settings.model_validate({"data_dir": tmp_path, **settings})
    service = Service(read, "postgresql://127.0.0.1:1/none", "memory://")

    assert (service.follow_up is not None) == are_read
    service.close()


def test_what_is_loaded_before_a_worker_forks_leaves_no_connection(tmp_path: Path) -> None:
    DemoPki.create(at=datetime.now(UTC)).write(tmp_path / "trust")
    (tmp_path / "seal.key").write_bytes(bytes(32))
    service = Service(Settings(data_dir=tmp_path), "postgresql://127.0.0.1:1/none", "memory://")

    service.warm("check_terms", "watched_trust")

    # Children that share a connection read each other's answers.
    assert "pool" not in vars(service)
