"""The worker's process: one uvicorn server on a unix socket or a TCP port, with a graceful end."""

import logging
import os
import signal
import socket
from pathlib import Path
from types import FrameType

import uvicorn

from cloudconsole.lifeline import die_with_parent
from cloudconsole.paths import link_beside
from inference.worker.app import DRAIN_SECONDS, WorkerApp
from inference.worker.config import WorkerConfig
from inference.worker.devices import Devices, providers_called
from inference.worker.embedding import Embedder
from inference.worker.external.embedder import ExternalEmbedder
from inference.worker.images.fetching import FetcherProcess
from inference.worker.images.preparation import ImagePreparation
from inference.worker.metrics import Metrics
from inference.worker.registry import ModelRegistry
from inference.worker.residency import Residency
from inference.worker.scheduler import Scheduler
from inference.worker.weights import WeightStore

log = logging.getLogger(__name__)

# Longer than clients keep an idle connection (aiohttp: 15 s), so that none is closed under a request just sent.
_KEEP_ALIVE_SECONDS = 75


class AlreadyRunning(Exception):
    """Another worker answers on the socket; the message says which."""


def run_worker(config: WorkerConfig) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight (at most 30 seconds) and return.

    Dies at once with the process that started it. Raises ``AlreadyRunning`` and ``UnknownProvider``.
    """
    die_with_parent()
    app = WorkerApp(_embedder(config), link_beside(Path(config.listen)) if "/" in config.listen else None)
    _Server(_uvicorn_config(config.listen, app), app).run()


def _embedder(config: WorkerConfig) -> Embedder:
    metrics = Metrics()
    scheduler = Scheduler(metrics)
    registry = ModelRegistry(
        Devices(config.threads, providers_called(config.providers)),
        WeightStore(config.cache_dir, config.models_dir, offline=config.offline),
        Residency(config.memory, scheduler, metrics),
    )
    fetcher = None if config.offline else FetcherProcess(allow_http=config.image_http)
    external = ExternalEmbedder(config.external_urls)
    return Embedder(registry, scheduler, external, ImagePreparation(fetcher), metrics)


class _Server(uvicorn.Server):
    """Refuses new work from the first signal on, and ends with status 0 where uvicorn would raise the signal again."""

    def __init__(self, config: uvicorn.Config, app: WorkerApp) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        log.info("%s: finishing what is in flight", signal.Signals(sig).name)
        self.force_exit = self._app.draining and sig == signal.SIGINT
        self._app.draining = True
        self.should_exit = True


def _uvicorn_config(listen: str, app: WorkerApp) -> uvicorn.Config:
    place: dict[str, str | int] = {}
    if "/" in listen:
        _clear_stale_socket(Path(listen))
        place["uds"] = listen
    else:
        host, _, port = listen.rpartition(":")
        place.update(host=host or "127.0.0.1", port=int(port))
    return uvicorn.Config(
        app.asgi(),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        **place,  # type: ignore[arg-type]
    )


def _clear_stale_socket(path: Path) -> None:
    """Remove the socket of a killed worker; binding over a living one would silently take its callers away."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except OSError:
            path.unlink(missing_ok=True)
        else:
            raise AlreadyRunning(f"An inference worker already answers on {path}.")
