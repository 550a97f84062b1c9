from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "billing.reports"

    def ready(self) -> None:
        from billing.reports.openapi import register

        register()
