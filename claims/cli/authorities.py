"""Stand-ins for authorities, for trials."""

from pathlib import Path
from typing import Annotated

import typer

from claims.cli.output import say


def mock_tsa(
    folder: Annotated[
        Path,
        typer.Option(
            "--folder",
            help="A folder that `claims keys new-demo-pki` made.",
            exists=True,
            file_okay=False,
        ),
    ],
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.", min=1, max=65535)] = 9100,
) -> None:
    """Run a time-stamping authority for trials (RFC 3161 over HTTP)."""
    from claims.authorities.mock.timestamping import MockTsaSettings, serve

    say(f"time-stamping authority for trials on http://{host}:{port}, with the key in {folder}")
    serve(MockTsaSettings(folder, host, port))
