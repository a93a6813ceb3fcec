"""The Celery app that worker processes run, around one service per process."""

from functools import partial

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down

from claims.runtime.keeper import Keeper
from claims.runtime.start import open_service
from claims.runtime.telemetry.scrape import listen, process_registry
from claims.runtime.telemetry.tracing import configure_tracing
from claims.runtime.watchdog import Watchdog
from claims.runtime.wiring import Service, prepare_process
from claims.runtime.workers import Role, metrics_port
from claims.storage import roles
from workers import telemetry, watching

service: Service = open_service(database_role=roles.WORKER)
app: Celery = service.celery
app.set_default()
app.autodiscover_tasks(["workers"])

# Children that are forked later go on with an exporter of their own.
configure_tracing(service.settings, "worker")
telemetry.watch_tasks()

prepare_process()


@worker_ready.connect
def keep(**_: object) -> None:
    """Start this worker's keeper once the worker is ready."""
    role = next(each for each in Role if each in app.amqp.queues.consume_from)
    patience_s = service.settings.idle_patience_s
    watchdog = Watchdog(partial(watching.see, app, role.queues), watching.end, patience_s=patience_s)
    # A service of its own: children that are forked later must not find its connections in theirs.
    own = Service(service.settings, service.database_url, service.broker_url, service.database_role)
    keeper: Keeper = own.keeper(watchdog)
    keeper.start()
    port = metrics_port(role, service.settings)
    if port is not None:
        listen(process_registry(), host=service.settings.metrics_host, port=port)
    worker_shutting_down.connect(lambda **_: keeper.stop(), weak=False)
    if role is Role.DELIVER:
        own.let_go.of_maintenance()  # what is announced may have changed since before
