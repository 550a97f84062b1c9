"""Console pages of clusters."""

from django.urls import path

from clusters import configuration_views, key_views, list_views, manage_views, views

app_name = "clusters"
urlpatterns = [
    path("clusters", list_views.cluster_list, name="list"),
    path("clusters/new", views.create, name="create"),
    path("clusters/<uuid:cluster_id>", views.overview, name="overview"),
    path("clusters/<uuid:cluster_id>/api-keys", key_views.api_keys, name="api-keys"),
    path("clusters/<uuid:cluster_id>/api-keys/<uuid:key_id>/revoke", key_views.revoke_api_key, name="revoke-api-key"),
    path("clusters/<uuid:cluster_id>/configuration", configuration_views.configuration, name="configuration"),
    path("clusters/<uuid:cluster_id>/manage", manage_views.manage, name="manage"),
    path("clusters/<uuid:cluster_id>/manage/retry", manage_views.retry, name="retry"),
    path("clusters/<uuid:cluster_id>/manage/delete", manage_views.delete, name="delete"),
    path("clusters/<uuid:cluster_id>/manage/change/<slug:what>", manage_views.change, name="change"),
    path("clusters/<uuid:cluster_id>/manage/<slug:slug>", manage_views.act, name="act"),
]
