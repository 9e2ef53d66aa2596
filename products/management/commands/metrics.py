"""`manage.py metrics`: answer Prometheus at METRICS_ADDRESS."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from prometheus_client import start_http_server

from products.upkeep.worker import stop_on_signals
from products.watching.scrape import registry


class Command(BaseCommand):
    help = (
        "Answer Prometheus at METRICS_ADDRESS, until SIGTERM or Ctrl-C. Runs beside the "
        "web server, on the same machine; docs/operations.md lists the metrics."
    )

    def handle(self, **options: Any) -> None:
        if settings.METRICS_ADDRESS is None:
            raise CommandError(
                "Nothing is counted. Set METRICS_ADDRESS, such as 127.0.0.1:9464, for "
                "the web server and for this command."
            )
        host, port = settings.METRICS_ADDRESS
        settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
        try:
            server, thread = start_http_server(port, host, registry())
        except OSError as err:
            raise CommandError(
                f"METRICS_ADDRESS={host}:{port} cannot be used: {err.strerror}."
            ) from err
        with stop_on_signals() as stop:
            self.stdout.write(f"Metrics at http://{host}:{port}/metrics")
            self.stdout.flush()
            stop.wait()
        server.shutdown()
        thread.join()
