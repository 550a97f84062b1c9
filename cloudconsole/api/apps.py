from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "cloudconsole.api"
