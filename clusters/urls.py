"""Console pages of clusters."""

from django.urls import path
from django.views.generic import TemplateView

app_name = "clusters"
urlpatterns = [path("clusters", TemplateView.as_view(template_name="x.html"), name="list")]
