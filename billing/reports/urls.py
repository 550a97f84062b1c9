"""Addresses of exports and deliveries, in the console and in the admin API."""

from django.urls import path

from billing.reports import api, views

app_name = "reports"
_ACCOUNT = "api/billing/v1/accounts/<uuid:account_id>"
_EXPORTS = f"{_ACCOUNT}/exports"
urlpatterns = [
    path("billing/exports", views.exports, name="exports"),
    path("billing/exports/<uuid:export_id>/file", views.download, name="download"),
    path(_EXPORTS, api.ExportsView.as_view(), name="api-exports"),
    path(f"{_EXPORTS}/<uuid:export_id>", api.ExportView.as_view(), name="api-export"),
    path(f"{_EXPORTS}/<uuid:export_id>/file", api.ExportFileView.as_view(), name="api-export-file"),
    path(f"{_ACCOUNT}/deliveries", api.DeliveriesView.as_view(), name="api-deliveries"),
]
