from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        import billing.api
        import billing.invoices_api
        import billing.metering_api  # noqa: F401 - they register their RPCs
        from billing.console_tokens import LedgerTokens
        from billing.console_usage import LedgerCosts, LedgerUsage
        from clusters import costs
        from clusters.monitoring import tokens
        from inference import usage

        usage.source = LedgerUsage()
        costs.source = LedgerCosts()
        tokens.source = LedgerTokens()
        post_migrate.connect(_prepare, sender=self)


def _prepare(**kwargs: Any) -> None:
    from django.utils import timezone

    from billing.partitions import make_partitions_ahead
    from billing.prices import sync_package_prices
    from billing.rules import Month

    make_partitions_ahead(Month.of(timezone.now()))
    sync_package_prices()
