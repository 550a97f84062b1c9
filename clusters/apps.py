from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ClustersConfig(AppConfig):
    name = "clusters"

    def ready(self) -> None:
        import clusters.api  # noqa: F401 - registers its RPCs
        from cloudconsole.accounts.payment_methods import REASONS_TO_PAY
        from clusters.queries import reason_to_pay

        REASONS_TO_PAY.append(reason_to_pay)

        post_migrate.connect(_sync_catalogue, sender=self)


def _sync_catalogue(**kwargs: Any) -> None:
    from clusters.catalogue import sync_catalogue

    sync_catalogue()
