"""The Celery app that worker processes run, around one service per process."""

from celery import Celery

from claims.runtime.start import open_service
from claims.runtime.wiring import Service, prepare_process

service: Service = open_service()
app: Celery = service.celery
app.set_default()
app.autodiscover_tasks(["workers"])

# What every process needs is loaded before the pool forks, so that children share its pages.
service.warm("check_terms")
prepare_process()
