"""Console pages of inference."""

from django.urls import path

from inference import views

app_name = "inference"
urlpatterns = [
    path("clusters/<uuid:cluster_id>/inference", views.tab, name="tab"),
    path("clusters/<uuid:cluster_id>/inference/weights/<uuid:model_id>", views.weights, name="weights"),
    path("clusters/<uuid:cluster_id>/inference/usage", views.usage_now, name="usage"),
    path("clusters/<uuid:cluster_id>/inference/switch", views.switch, name="switch"),
    path("clusters/<uuid:cluster_id>/inference/try", views.try_it, name="try"),
    path("clusters/<uuid:cluster_id>/inference/project.zip", views.project, name="project"),
]
