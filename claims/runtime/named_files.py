"""Files that settings name: read at the start, and what is wrong with one told with its name."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from claims.errors import ClaimsError

T = TypeVar("T")


class UnusableFile(ClaimsError):
    """A file that a setting names cannot be read, or makes no sense."""

    def __init__(self, path: Path, error: Exception) -> None:
        why = error.strerror if isinstance(error, OSError) else error
        super().__init__(f"{path}: {why}")
        self.path = path


def read_file(path: Path, read: Callable[[str], T]) -> T:
    """Return what a file says that a setting names.

    Raises:
        UnusableFile: It cannot be read, or makes no sense; says which file.
    """
    try:
        return read(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ClaimsError) as error:
        raise UnusableFile(path, error) from error
