"""An embedder without a worker process around it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from inference.catalogue import CATALOGUE, ModelSpec
from inference.worker.devices import Devices
from inference.worker.embedding import Embedder
from inference.worker.external.embedder import ExternalEmbedder
from inference.worker.images.fetching import FetcherProcess
from inference.worker.images.preparation import ImagePreparation
from inference.worker.metrics import Metrics
from inference.worker.registry import ModelRegistry
from inference.worker.residency import Residency
from inference.worker.scheduler import Scheduler
from inference.worker.weights import WeightStore


@asynccontextmanager
async def running_embedder(
    store: WeightStore,
    models: Iterable[ModelSpec] = CATALOGUE.values(),
    *,
    memory: int = 1_000_000_000,
    fetcher: FetcherProcess | None = None,
) -> AsyncIterator[Embedder]:
    """Started, and closed in the end."""
    metrics = Metrics()
    scheduler = Scheduler(metrics)
    registry = ModelRegistry(Devices(threads=1), store, Residency(memory, scheduler, metrics), models)
    embedder = Embedder(registry, scheduler, ExternalEmbedder({}), ImagePreparation(fetcher), metrics)
    embedder.start()
    try:
        yield embedder
    finally:
        await embedder.close()


def offline_store(models_dir: Path) -> WeightStore:
    """Weights from this folder and from nowhere else."""
    return WeightStore(models_dir / "none", models_dir, offline=True)
