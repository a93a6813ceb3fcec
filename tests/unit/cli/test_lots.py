"""Bundles are signed in lots where somebody must confirm, one by one where nobody must."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from claims.cli.lots import sign_in_lots
from signing.demo_pki import DemoPki
from signing.errors import MissingContainer, RemoteSigningDeclined
from signing.keys import LocalSigner
from signing.sign import PreparedBundle, prepare_bundle, sign_bundle
from tests.unit.authorities.test_smartca import NOW

BUNDLE = b"<GIAMDINHHS><X>%d</X><CHUKYDONVI/></GIAMDINHHS>"


@dataclass
class Confirmed:
    """A signer whose holder confirms each lot but those that are said."""

    key: LocalSigner
    lot_size: int = 2
    declined: frozenset[int] = frozenset()
    lots: list[int] = field(default_factory=list)

    @property
    def certificate(self) -> object:
        return self.key.certificate

    @property
    def algorithm(self) -> str:
        return self.key.algorithm

    def sign(self, data: bytes) -> bytes:
        raise AssertionError(data)

    def sign_lot(self, lot: Sequence[bytes]) -> Sequence[bytes]:
        self.lots.append(len(lot))
        if len(self.lots) - 1 in self.declined:
            raise RemoteSigningDeclined("no")
        return [self.key.sign(data) for data in lot]


@pytest.fixture(scope="module")
def key() -> LocalSigner:
    pki = DemoPki.create(at=NOW)
    return pki.leaf("79999", valid_from=NOW, valid_to=NOW + timedelta(days=1)).signer


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{number}.xml" for number in range(5)]
    for number, path in enumerate(found):
        path.write_bytes(BUNDLE % number)
    return found


def run(paths: Sequence[Path], signer: object, key: LocalSigner) -> list[bytes | Exception]:
    def prepare(path: Path) -> PreparedBundle:
        return prepare_bundle(path.read_bytes(), key)

    return list(sign_in_lots(paths, prepare, signer))  # type: ignore[arg-type]  # a fake of either kind


@pytest.mark.parametrize("in_lots", [True, False], ids=["in-lots", "one-by-one"])
def test_every_input_gives_its_own_document_in_order(
    paths: list[Path], key: LocalSigner, in_lots: bool
) -> None:
    signed = run(paths, Confirmed(key) if in_lots else key, key)

    assert signed == [sign_bundle(path.read_bytes(), key) for path in paths]


def test_a_lot_is_as_large_as_may_be(paths: list[Path], key: LocalSigner) -> None:
    signer = Confirmed(key)

    run(paths, signer, key)

    assert signer.lots == [2, 2, 1]


def test_an_input_that_cannot_be_signed_is_left_out_of_its_lot(paths: list[Path], key: LocalSigner) -> None:
    paths[2].write_text("<a/>")
    paths[3].unlink()
    signer = Confirmed(key)

    signed = run(paths, signer, key)

    assert signer.lots == [2, 1]
    assert [type(one) for one in signed] == [bytes, bytes, MissingContainer, FileNotFoundError, bytes]


def test_a_lot_that_is_declined_fails_as_a_whole_and_alone(paths: list[Path], key: LocalSigner) -> None:
    paths[1].write_text("<a/>")

    signed = run(paths, Confirmed(key, declined=frozenset({0})), key)

    assert [type(one) for one in signed] == [RemoteSigningDeclined, MissingContainer, bytes, bytes, bytes]
