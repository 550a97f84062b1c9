from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "cloudconsole.accounts"
    label = "accounts"

    def ready(self) -> None:
        import cloudconsole.accounts.api  # noqa: F401 - registers its RPCs
