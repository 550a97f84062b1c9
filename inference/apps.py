from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InferenceConfig(AppConfig):
    name = "inference"

    def ready(self) -> None:
        import inference.api  # noqa: F401 - registers its RPCs
        from clusters import policies
        from inference import gate

        policies.inference = gate.ConfigurationPolicy()
        post_migrate.connect(_sync_catalogue, sender=self)


def _sync_catalogue(**kwargs: Any) -> None:
    from inference.services import sync_catalogue

    sync_catalogue()
