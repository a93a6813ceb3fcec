"""Stand-ins for authorities, for trials."""

from pathlib import Path
from typing import Annotated

import typer

from claims.authorities.mock.options import Holder, MockSigningSettings
from claims.cli.listening import Host, Port, announce
from claims.cli.output import AsJson, say

Folder = Annotated[
    Path,
    typer.Option(
        "--folder",
        help="A folder that `claims keys new-demo-pki` made.",
        exists=True,
        file_okay=False,
    ),
]


def mock_tsa(folder: Folder, host: Host = "127.0.0.1", port: Port = 9100, as_json: AsJson = False) -> None:
    """Run a time-stamping authority for trials (RFC 3161 over HTTP)."""
    from claims.authorities.mock.timestamping import MockTsaSettings, serve

    serve(
        MockTsaSettings(folder, host, port),
        on_ready=announce(
            lambda url: f"time-stamping authority for trials on {url}, with the key in {folder}",
            as_json=as_json,
        ),
    )


def mock_signing_service(
    folder: Folder,
    host: Host = "127.0.0.1",
    port: Port = 9200,
    holder: Annotated[
        Holder, typer.Option("--holder", help="What the keys' holder does when asked to confirm.")
    ] = Holder.CONFIRMS,
    after: Annotated[float, typer.Option("--after", help="Seconds until the holder does it.", min=0)] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Run a remote signing service for trials, with the facility keys of a demo folder."""
    from claims.authorities.mock.remote_signing import serve, write_credentials

    settings = MockSigningSettings(folder, host, port, holder, after)
    for path in write_credentials(settings):
        say(f"credentials: {path}")
    serve(
        settings,
        on_ready=announce(
            lambda url: f"remote signing service for trials on {url}; every holder {holder.value}",
            as_json=as_json,
        ),
    )
