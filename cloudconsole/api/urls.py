"""Addresses of the admin API."""

urlpatterns: list = []
