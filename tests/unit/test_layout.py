"""The tree looks as the contributors' guide draws it, and names nobody's machine."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import require_tool

ROOT = Path(__file__).parents[2]
FOLDERS = {".ci", "bench", "claims", "deploy", "docs", "requirements", "signing", "tests", "workers", "xsd"}
FILES = {
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "pyproject.toml",
    "run",
}
NAMELESS = {"utils", "helpers", "common", "base", "misc", "core"}
# Where packages come from is each machine's own setting, and a path of one machine helps no other.
# Written in halves, so that this file passes as well.
FOREIGN = re.compile(
    "|".join(
        [
            "py" + r"pi\.(org|python\.org)",
            "files\\.python" + "hosted",
            "registry\\.npm" + "js",
            "deb\\.debian" + "\\.org",
            "--(extra-)?index-" + "url[ =]",
            "--trusted-" + "host",
            "--find-" + "links",
            r"(?<![\w.$}/-])/(work|root|home|Users|opt/wheels|opt/py" + r"pi)/\w",
        ]
    )
)


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Every file of the project: tracked, or new and not ignored."""
    command = [require_tool("git"), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_top_level_holds_what_the_guide_says(files: list[Path]) -> None:
    folders = {file.parts[0] for file in files if len(file.parts) > 1}
    top_level_files = {file.name for file in files if len(file.parts) == 1}

    assert folders <= FOLDERS
    assert top_level_files <= FILES


def test_every_module_has_a_name_that_says_something(files: list[Path]) -> None:
    names = {part for file in files if file.suffix == ".py" for part in file.with_suffix("").parts}

    assert not names & NAMELESS


def test_every_folder_of_an_installed_package_is_a_package(files: list[Path]) -> None:
    folders = {
        file.parent for file in files if file.suffix == ".py" and file.parts[0] in {"claims", "signing"}
    }

    assert {str(folder) for folder in folders if not (ROOT / folder / "__init__.py").exists()} <= {
        "claims/storage/migrations/versions"  # which Alembic loads by path
    }


def test_no_file_names_a_package_registry_or_a_path_of_one_machine(files: list[Path]) -> None:
    found = [
        f"{file}:{number}: {match[0]}"
        for file in files
        for number, line in enumerate((ROOT / file).read_text("utf-8", "replace").splitlines(), start=1)
        if (match := FOREIGN.search(line))
    ]

    assert not found
