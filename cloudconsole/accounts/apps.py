from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "cloudconsole.accounts"
    label = "accounts"
