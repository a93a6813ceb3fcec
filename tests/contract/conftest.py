"""Fixtures of the contract tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.mock_gateway import RunningMock, running_mock


@pytest.fixture
def mock(tmp_path: Path) -> Iterator[RunningMock]:
    """A stand-in with an empty journal."""
    with running_mock(tmp_path) as mock:
        yield mock


@pytest.fixture(scope="module")
def _module_mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMock]:
    with running_mock(tmp_path_factory.mktemp("mock")) as mock:
        yield mock


@pytest.fixture
def shared_mock(_module_mock: RunningMock) -> Iterator[RunningMock]:
    """A stand-in that other tests of the module have used: no faults in force, but counts and claims."""
    yield _module_mock
    _module_mock.call("DELETE", "/mock/faults")
