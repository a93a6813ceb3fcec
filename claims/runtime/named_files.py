"""Files and folders that settings name: looked for at the start, and what is wrong told with the name."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from claims.errors import ClaimsError
from claims.runtime.settings import PREFIX, Settings
from claims.storage.store_address import is_folder

T = TypeVar("T")

#: Settings of files and folders that are made where they are missing.
_MADE: Final = {"data_dir", "batch_dir", "content_keys_dir", "evidence_keys_dir", "sealing_key_file"}
#: Settings of folders that are written to while the service runs.
WRITTEN: Final = ("batch_dir", "content_store", "archive_store")
#: Settings of files and folders that only the API uses, or only workers write to; others need not have them.
OF_THE_API: Final = frozenset({"signing_keys_dir", "batch_dir", "oidc_roles"})
OF_WORKERS: Final = frozenset({"content_store", "archive_store"})
#: Settings of what bundles are checked and reviewed by; workers that deliver or tell need none of it.
OF_CHECKS: Final = frozenset(
    {"catalogue_folder", "check_policy", "review_policy", "rules_folder", "trust_dir"}
)


class UnusableFile(ClaimsError):
    """A file that a setting names cannot be read, or makes no sense."""

    def __init__(self, path: Path, error: Exception) -> None:
        why = error.strerror if isinstance(error, OSError) else error
        super().__init__(f"{path}: {why}")
        self.path = path


class NamesNothing(ClaimsError):
    """A setting names a file or folder that is not there, or that this process may not use.

    With a folder of lists or rules that is another one nothing would fail: claims would be built and checked
    without them.
    """

    def __init__(self, places: Sequence[str]) -> None:
        listed = ", ".join(places)
        super().__init__(
            f"không có, hoặc tài khoản chạy dịch vụ không được dùng: {listed}; hãy sửa tên hoặc cấp quyền\n"
            f"not there, or not for the service's user: {listed}; correct the name, or let it in"
        )
        self.places = places


def find_unusable(settings: Settings, *, but: Collection[str] = ()) -> Iterator[str]:
    """Return the settings, but some, that name files or folders that are not there or cannot be used."""
    for name in sorted(settings.model_fields_set - set(but)):
        value = getattr(settings, name)
        if name in WRITTEN:
            is_usable = not value or not is_folder(str(value)) or _can_be_written(Path(value).absolute())
        else:
            is_usable = not isinstance(value, Path) or name in _MADE or _can_be_read(value)
        if not is_usable:
            yield f"{PREFIX}{name.upper()}={value}"


def require_named(settings: Settings, *, but: Collection[str] = ()) -> None:
    """Look for what settings name, before anything starts.

    Raises:
        NamesNothing: Something is not there or cannot be used; all of it is named.
    """
    places = list(find_unusable(settings, but=but))
    if places:
        raise NamesNothing(places)


def _can_be_read(path: Path) -> bool:
    return os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0))


def _can_be_written(folder: Path) -> bool:
    """Whether files can be put into a folder, or it can be made."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def read_file(path: Path, read: Callable[[str], T]) -> T:
    """Return what a file says that a setting names.

    Raises:
        UnusableFile: It cannot be read, or makes no sense; says which file.
    """
    try:
        return read(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ClaimsError) as error:
        raise UnusableFile(path, error) from error
