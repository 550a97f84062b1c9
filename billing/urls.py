"""Console pages of billing."""

from django.urls import path

from billing import statement_views, views

app_name = "billing"
urlpatterns = [
    path("billing", views.billing, name="month"),
    path("billing/export", views.export, name="export"),
    path("billing/statement", statement_views.statement, name="statement"),
    path("billing/statement.pdf", statement_views.pdf, name="statement-pdf"),
]
