"""Running the service: the API, workers, migrations, the stand-in gateway, the doctor."""

import os
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from claims.cli.listening import Host, Port, announce
from claims.cli.output import AsJson, Exit, Language, emit, say
from claims.runtime.workers import Role, celery_arguments, server_variables, worker_programs


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
    as_json: AsJson = False,
) -> None:
    """Run the API; on the embedded servers, the whole service."""
    import uvicorn

    from claims.listening import Server, bind
    from claims.runtime.connections import BoundedConnection
    from claims.runtime.settings import load_settings
    from claims.runtime.telemetry.folder import prepare_metrics_folder

    settings = load_settings()
    bound = bind(host, port)
    prepare_metrics_folder(settings, f"api-{bound.getsockname()[1]}")
    from claims.runtime.log import configure_logging
    from claims.runtime.named_files import OF_WORKERS, require_named
    from claims.runtime.processes import Supervisor
    from claims.runtime.production import refuse_weak
    from claims.runtime.start import given_addresses, require_trust, servers
    from claims.storage.roles import prepare

    configure_logging(settings.log_level)
    refuse_weak(settings)
    is_embedded = given_addresses(settings) is None
    runs_workers = is_embedded if with_workers is None else with_workers
    require_named(settings, but=() if runs_workers else OF_WORKERS)
    require_trust(settings)
    with ExitStack() as stack:
        addresses = stack.enter_context(servers(settings))
        if is_embedded:
            prepare(addresses.database_url)
        if runs_workers:
            supervisor = stack.enter_context(Supervisor())
            for program in worker_programs(addresses, has_roles=settings.has_database_roles):
                supervisor.start(program)
        os.environ |= server_variables(addresses, has_roles=settings.has_database_roles)
        # By name: this package and the web do not know each other. A stopping server lets running
        # requests finish; what they stored is safe in any case.
        config = uvicorn.Config(
            "claims.web:from_environment",
            factory=True,
            log_config=None,
            access_log=False,
            server_header=False,
            http=BoundedConnection,
            ws="none",
            proxy_headers=False,  # whose word on an address counts, CLAIMS_TRUSTED_PROXIES says
            timeout_graceful_shutdown=10,
        )
        config.load()  # what is wrong with it is said here, and not through an event loop
        where = f", data in {settings.data_dir}" if is_embedded else ""
        on_ready = announce(lambda url: f"serving on {url}{where}", as_json=as_json)
        with suppress(KeyboardInterrupt):
            Server(config, bound, on_ready).run()


def worker(
    role: Annotated[
        Role, typer.Option(help="check: one process per core; deliver: threads, mostly waiting.")
    ],
) -> None:
    """Run one kind of worker until it is stopped. Run as many as you like, on any number of hosts."""
    from claims.runtime.named_files import OF_CHECKS, OF_THE_API, require_named
    from claims.runtime.production import refuse_weak
    from claims.runtime.settings import load_settings
    from claims.runtime.telemetry.folder import prepare_metrics_folder

    settings = load_settings()
    refuse_weak(settings)
    require_named(settings, but=OF_THE_API if role is Role.CHECK else OF_THE_API | OF_CHECKS)
    prepare_metrics_folder(settings, role.value)
    if role is Role.CHECK:
        from claims.runtime.start import require_trust

        require_trust(settings)
    celery = ["-m", "celery", *celery_arguments(role, settings)]
    # Celery takes this process over, so that signals reach it and not a parent in between.
    os.execv(sys.executable, [sys.executable, *celery])  # noqa: S606 - our own interpreter, no shell


def migrate(
    roles: Annotated[
        bool,
        typer.Option("--roles", help="Make the processes' own roles as well (CLAIMS_DATABASE_ROLES)."),
    ] = False,
    language: Language = "vi",
) -> None:
    """Bring the database to the shape this version needs. Safe to run from several places at once."""
    from claims.cli.admin_words import sentence
    from claims.runtime.settings import load_settings
    from claims.runtime.start import servers
    from claims.storage.migrations import newest_revision, upgrade
    from claims.storage.pool import connect
    from claims.storage.roles import API, CONSOLE, WORKER, make_roles

    with servers(load_settings()) as addresses:
        upgrade(addresses.database_url)
        if roles:
            with connect(addresses.database_url, name="claims migrate") as connection:
                make_roles(connection)
            say(sentence("database.roles", language, roles=f"{API}, {CONSOLE}, {WORKER}"))
    say(sentence("database.revision", language, revision=newest_revision()))


def restored(
    days: Annotated[
        int, typer.Option(min=1, max=365, help="For how long what comes in is looked for before it is sent.")
    ] = 30,
    language: Language = "vi",
) -> None:
    """Say that the database was restored from a backup: from now on nothing is sent unseen.

    What the backup does not know to be with the gateway may be there all the same. Run this before any worker
    starts; running it again does no harm.
    """
    from claims.cli.admin_words import sentence
    from claims.runtime.settings import load_settings
    from claims.runtime.start import open_service
    from claims.storage.migrations import upgrade
    from claims.storage.restoration import note_restoration

    service = open_service(load_settings())
    upgrade(service.database_url)
    doubtful = note_restoration(service.pool, days=days)
    say(sentence("database.restored", language, doubtful=doubtful, days=days))
    say(sentence("database.start_workers", language))


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
    time_scale: Annotated[
        float,
        typer.Option(min=0.000001, help="How long an hour of the law is: 1 as it is, 0.001 for 3.6 seconds."),
    ] = 1.0,
    token_lifetime: Annotated[float, typer.Option(min=1, help="Seconds that a session lasts.")] = 1800.0,
    per_second: Annotated[
        float | None, typer.Option(min=0.001, help="Requests of an account in a second. Default: any number.")
    ] = None,
    chaos: Annotated[
        int | None, typer.Option(help="Seed of a chaos profile: every passing fault, 2 % of requests each.")
    ] = None,
    http_errors: Annotated[
        bool, typer.Option("--http-errors", help="Errors have an HTTP status too.")
    ] = False,
    with_lookup: Annotated[
        bool, typer.Option("--with-lookup/--without-lookup", help="Offer our extension: look-up by SHA-256.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Run a stand-in for the insurer's gateway that misbehaves on demand; its switches are at /mock."""
    from claims.gateway.mock.faults import make_chaos
    from claims.gateway.mock.options import MockOptions, MockSettings
    from claims.gateway.mock.server import serve as serve_mock

    options = MockOptions(
        time_scale=time_scale,
        token_lifetime_s=token_lifetime,
        rate_per_s=per_second,
        errors_as_http_status=http_errors,
        offers_lookup=with_lookup,
        faults=() if chaos is None else make_chaos(chaos),
    )
    serve_mock(
        MockSettings(folder, folder / "received", host=host, port=port, options=options),
        on_ready=announce(
            lambda url: (
                f"stand-in gateway on {url}, keeping what it receives in {folder}\n  switches: {url}/mock"
            ),
            as_json=as_json,
        ),
    )


def doctor(as_json: AsJson = False) -> int:
    """Check settings, servers, gateway, clocks, certificates, keys, disk; say what to do about each fault."""
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
