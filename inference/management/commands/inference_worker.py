"""``manage.py inference_worker``: load the models and answer requests for embeddings until told to stop."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from inference.worker.config import WorkerConfig
from inference.worker.devices import UnknownProvider
from inference.worker.server import AlreadyRunning, run_worker


class Command(BaseCommand):
    help = "Run the inference worker on INFERENCE_LISTEN (a unix socket or host:port)."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        config = WorkerConfig(
            listen=settings.INFERENCE_LISTEN,
            cache_dir=settings.INFERENCE_CACHE_DIR,
            models_dir=settings.INFERENCE_MODELS_DIR,
            offline=settings.INFERENCE_OFFLINE,
            external_urls=settings.INFERENCE_EXTERNAL_URLS,
            image_http=settings.INFERENCE_IMAGE_HTTP,
            providers=settings.INFERENCE_PROVIDERS,
            **({"memory": settings.INFERENCE_MEMORY_MB * 1_000_000} if settings.INFERENCE_MEMORY_MB else {}),
        )
        try:
            run_worker(config)
        except (AlreadyRunning, UnknownProvider) as error:
            raise CommandError(str(error)) from error
