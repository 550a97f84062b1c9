"""Every address of the console process."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import RedirectView


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="clusters:list"), name="home"),
    path("healthz", healthz, name="healthz"),
    path("", include("billing.reports.urls")),  # some of it below api/, where everything else is refused
    path("api/", include("cloudconsole.api.urls")),
    path("", include("cloudconsole.web.urls")),
    path("", include("cloudconsole.accounts.urls")),
    path("", include("clusters.urls")),
    path("", include("clusters.monitoring.urls")),
    path("", include("inference.urls")),
    path("", include("inference.imports.urls")),
    path("", include("billing.urls")),
    path("", include("billing.budgets.urls")),
]
