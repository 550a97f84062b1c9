"""Addresses of imports."""

import re

from django.urls import path

from inference.imports import views

app_name = "imports"
_IMPORTS = "clusters/<uuid:cluster_id>/inference/imports"
urlpatterns = [
    path(_IMPORTS, views.imports, name="imports"),
    path(f"{_IMPORTS}/<uuid:import_id>", views.one_import, name="import"),
    path(f"{_IMPORTS}/<uuid:import_id>/bad-rows.csv", views.bad_rows, name="bad-rows"),
    path(f"{_IMPORTS}/<uuid:import_id>/<slug:action>", views.act, name="act"),
]
# The one address that takes large bodies
UPLOAD_PATH = re.compile(r"/clusters/[0-9a-f-]{36}/inference/imports")
