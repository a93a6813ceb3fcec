"""What is looked at before anything starts."""

from pathlib import Path

import pytest

from claims.runtime.settings import Settings
from claims.runtime.start import NoTrustAnchors, require_trust
from signing.errors import TrustStoreUnreadable


def test_that_nobody_is_trusted_is_told_from_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NoTrustAnchors):
        require_trust(Settings(data_dir=tmp_path))
    with pytest.raises(TrustStoreUnreadable, match="name too long"):
        require_trust(Settings(data_dir=tmp_path, trust_dir=tmp_path / ("x" * 300)))
