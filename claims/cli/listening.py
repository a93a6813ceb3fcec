"""What every command that listens on a port takes, and how it says where it does."""

from collections.abc import Callable
from typing import Annotated

import typer

from claims.cli.output import emit, say

Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0: any that is free.")
]


def announce(sentence: Callable[[str], str], *, as_json: bool) -> Callable[[str], None]:
    """Return what tells people, and programs if asked to, at which address something answers."""

    def tell(url: str) -> None:
        """Tell it."""
        say(sentence(url))
        if as_json:
            emit({"url": url})

    return tell
