"""Console pages of monitoring."""

from django.urls import path

from clusters.monitoring import views

app_name = "monitoring"
urlpatterns = [
    path("clusters/<uuid:cluster_id>/metrics", views.metrics, name="metrics"),
    path("clusters/<uuid:cluster_id>/events", views.events, name="events"),
    path("clusters/<uuid:cluster_id>/logs", views.logs, name="logs"),
]
