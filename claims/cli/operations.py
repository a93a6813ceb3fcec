"""Running the service: the API, workers, migrations, the stand-in gateway, the doctor."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from claims.cli.output import AsJson, Exit, emit, say
from claims.runtime.workers import Role, celery_arguments, server_variables, worker_programs

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    with_workers: Annotated[
        bool | None,
        typer.Option(
            "--with-workers/--without-workers",
            help="Run the workers too. Default: only on the embedded servers, where nobody else would.",
        ),
    ] = None,
) -> None:
    """Run the API; on the embedded servers, the whole service."""
    import uvicorn

    from claims.runtime.log import configure_logging
    from claims.runtime.processes import Supervisor
    from claims.runtime.settings import load_settings
    from claims.runtime.start import given_addresses, servers
    from claims.storage.migrations import upgrade

    settings = load_settings()
    configure_logging(settings.log_level)
    is_embedded = given_addresses(settings) is None
    with ExitStack() as stack:
        addresses = stack.enter_context(servers(settings))
        if is_embedded:
            upgrade(addresses.database_url)
        if is_embedded if with_workers is None else with_workers:
            supervisor = stack.enter_context(Supervisor())
            for program in worker_programs(addresses):
                supervisor.start(program)
        say(f"serving on http://{host}:{port}" + (f", data in {settings.data_dir}" if is_embedded else ""))
        os.environ |= server_variables(addresses)
        # By name: this package and the API do not know each other. A stopping server lets running
        # requests finish; what they stored is safe in any case.
        uvicorn.run(
            "claims.api.app:from_environment",
            factory=True,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=10,
        )


def worker(
    role: Annotated[
        Role, typer.Option(help="check: one process per core; deliver: threads; beat: the reaper's clock.")
    ],
) -> None:
    """Run one kind of worker until it is stopped. Run as many as you like, on any number of hosts."""
    from claims.runtime.settings import load_settings
    from signing.certificates import TrustStore

    settings = load_settings()
    if role is Role.CHECK:
        # Without anchors every signature would fail: better not to start, and to let claims wait.
        TrustStore.load(settings.trust_folder)
    celery = ["-m", "celery", "--app", "workers.app", "--quiet", *celery_arguments(role, settings)]
    # Celery takes this process over, so that signals reach it and not a parent in between.
    os.execv(sys.executable, [sys.executable, *celery])  # noqa: S606 - our own interpreter, no shell


def migrate() -> None:
    """Bring the database to the shape this version needs. Safe to run from several places at once."""
    from claims.runtime.settings import load_settings
    from claims.runtime.start import servers
    from claims.storage.migrations import newest_revision, upgrade

    with servers(load_settings()) as addresses:
        upgrade(addresses.database_url)
    say(f"the database is at revision {newest_revision()}")


def mock_gateway(
    folder: Annotated[
        Path,
        typer.Option(
            help="Holds accounts.csv, facilities.csv, trust/, and what the stand-in received.",
            file_okay=False,
        ),
    ],
    host: Host = "127.0.0.1",
    port: Port = 9000,
) -> None:
    """Run a stand-in for the insurer's gateway that misbehaves on demand."""
    from claims.gateway.mock.options import MockSettings
    from claims.gateway.mock.server import serve as serve_mock

    say(f"stand-in gateway on http://{host}:{port}, keeping what it receives in {folder}")
    serve_mock(MockSettings(folder=folder, journal=folder / "received", host=host, port=port))


def doctor(as_json: AsJson = False) -> int:
    """Check settings, database, broker, gateway, trust and disk; say what to do about each fault."""
    from claims.runtime.doctor import examine

    healthy = True
    for result in examine():
        healthy &= result.is_fine
        say(f"{'✓' if result.is_fine else '✗'} {result.name}: {result.detail}")
        if not result.is_fine and result.remedy:
            say(f"    → {result.remedy}")
        if as_json:
            emit(
                {
                    "check": result.name,
                    "fine": result.is_fine,
                    "detail": result.detail,
                    "remedy": result.remedy,
                }
            )
    return Exit.FINE if healthy else Exit.CONFIGURATION
