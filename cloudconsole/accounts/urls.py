"""Console pages of an account."""

from django.urls import path

from cloudconsole.accounts import audit_views, settings_views, views

app_name = "accounts"
urlpatterns = [
    path("account", views.choose, name="choose"),
    path("settings", settings_views.settings, name="settings"),
    path("settings/password", settings_views.password, name="password"),
    path("settings/name", settings_views.rename, name="rename"),
    path("settings/accounts/<uuid:account_id>/leave", settings_views.leave, name="leave"),
    path("access", views.members, name="members"),
    path("access/members", views.add, name="add"),
    path("access/members/<uuid:user_id>/role", views.role, name="role"),
    path("access/members/<uuid:user_id>/owner", views.owner, name="owner"),
    path("access/members/<uuid:user_id>/remove", views.remove, name="remove"),
    path("access/keys", views.keys, name="keys"),
    path("access/keys/new", views.create_key, name="create-key"),
    path("access/keys/<uuid:key_id>/revoke", views.revoke_key, name="revoke-key"),
    path("access/audit-log", audit_views.audit_log, name="audit-log"),
    path("access/audit-log/export", audit_views.export, name="export-audit-log"),
]
