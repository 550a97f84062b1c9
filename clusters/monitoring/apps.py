from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "clusters.monitoring"

    def ready(self) -> None:
        import clusters.monitoring.api  # noqa: F401 - registers its RPCs
