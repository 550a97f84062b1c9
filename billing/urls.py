"""Console pages of billing."""

from django.urls import path

from billing import views

app_name = "billing"
urlpatterns = [
    path("billing", views.billing, name="month"),
    path("billing/export", views.export, name="export"),
]
