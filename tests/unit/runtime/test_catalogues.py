"""The service uses each facility's catalogue as its files are now."""

import os
from pathlib import Path

from claims.catalogues.items import Kind
from claims.exchange.submission import FacilityCode
from claims.runtime.catalogues import FolderOfCatalogues
from tests.unit.catalogues.folders import a_folder

FACILITY = FacilityCode("79999")


def drugs(catalogues: FolderOfCatalogues) -> list[str]:
    catalogue = catalogues.find(FACILITY)
    assert catalogue is not None
    return [entry.code for entry in catalogue.tables[Kind.DRUG].entries]


def test_a_facility_without_a_folder_has_no_catalogue(tmp_path: Path) -> None:
    a_folder(tmp_path / "79999", {"drugs.csv": "code,name\n40.30,A\n"})

    assert FolderOfCatalogues(tmp_path).find(FacilityCode("01001")) is None
    assert FolderOfCatalogues(None).find(FACILITY) is None


def test_a_facility_cannot_be_named_out_of_the_folder(tmp_path: Path) -> None:
    a_folder(tmp_path, {"drugs.csv": "code,name\n40.30,A\n"})

    assert FolderOfCatalogues(tmp_path / "79999").find(FacilityCode("..")) is None


def test_a_catalogue_is_read_once_and_again_when_a_file_changes(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "79999", {"drugs.csv": "code,name\n40.30,A\n"})
    catalogues = FolderOfCatalogues(tmp_path)
    first = catalogues.find(FACILITY)

    assert catalogues.find(FACILITY) is first
    a_folder(folder, {"drugs.csv": "code,name\n40.31,A\n"})
    # A file system whose clock is coarse may not tell two writes apart.
    os.utime(folder / "drugs.csv", ns=(1, 1))
    assert drugs(catalogues) == ["40.31"]
