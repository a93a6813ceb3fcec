"""The newest head of the log in a file beside the service's keys, so outside of the database."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger()

#: In the folder of the service's own keys.
NAME: Final = "heads.jws"
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True)
class FileOfHeads:
    """`claims.exchange.proofs.KeptHeads` as lines of a file."""

    path: Path

    def tokens(self) -> Sequence[str]:
        """Return what is kept, the newest last."""
        try:
            return self.path.read_text("ascii", "replace").split()
        except FileNotFoundError:
            return ()

    def keep(self, token: str, *, is_lost: Callable[[str], bool]) -> None:
        """Keep a head; where that cannot be, as in a mounted secret, all stays and the log says so."""
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.draft")
        try:
            lost = [each for each in self.tokens() if each != token and is_lost(each)]
            draft.touch(mode=_OWNER_ONLY)
            draft.write_text("".join(f"{each}\n" for each in [*lost, token]), "ascii")
            draft.replace(self.path)
        except OSError as error:
            log.warning("log_head.not_kept", path=str(self.path), reason=error.strerror)
