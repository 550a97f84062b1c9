from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        import billing.api  # noqa: F401 - registers its RPCs
        from billing.console_usage import LedgerUsage
        from inference import usage

        usage.source = LedgerUsage()
