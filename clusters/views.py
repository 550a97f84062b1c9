"""Console pages of clusters: creating one, and a cluster's overview."""

from functools import cached_property
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from cloudconsole.accounts.services import Actor
from cloudconsole.errors import ServiceError
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters.endpoints import grpc_url, rest_url
from clusters.forms import ClusterForm
from clusters.models import Cluster
from clusters.presentation import Badge, Progress, inference_badge, phase_badge, progress_of
from clusters.queries import cluster_of, current_operation
from clusters.services import create_cluster


class ClusterView:
    """A cluster as its pages show it; what a page or fragment does not show is not read."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    @cached_property
    def progress(self) -> Progress | None:
        operation = current_operation(self.cluster)
        return progress_of(operation) if operation else None

    @property
    def working(self) -> bool:
        return self.progress is not None and self.progress.operation.unfinished

    @cached_property
    def phase(self) -> Badge:
        return phase_badge(self.cluster)

    @cached_property
    def inference(self) -> Badge:
        return inference_badge(self.cluster)

    @property
    def rest_url(self) -> str:
        return rest_url(self.cluster)

    @property
    def grpc_url(self) -> str:
        return grpc_url(self.cluster)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "write:clusters")
def create(request: AccountRequest) -> HttpResponse:
    """The form. GET with choices in the query shows what they come to (the fragments ``offer``, or ``quote`` alone
    while a number is typed), POST creates.

    Without a script the Review button shows it: a POST that changes nothing.
    """
    if request.method != "POST" or "review" in request.POST:
        form = ClusterForm(account=request.account, initial=(request.POST or request.GET).dict())
        return render_page(request, "clusters/create.html", {"form": form}, fragments=("offer", "quote"))
    form = ClusterForm(request.POST, account=request.account)
    if form.is_valid():
        try:
            cluster = create_cluster(
                account=request.account,
                specification=form.specification,
                requested_by=Actor.of_user(request.user),
            )
        except ServiceError as error:
            form.add_error(error.field if error.field in form.fields else None, error.sentence)
        else:
            messages.success(request, f"Cluster {cluster.name} is being created.")
            return redirect("clusters:overview", cluster.pk)
    return render(request, "clusters/create.html", {"form": form}, status=422)


@require_safe
@account_page("read:clusters", "write:clusters")
def overview(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    view = ClusterView(cluster_of(request.account, cluster_id))
    context = {"view": view, "cluster": view.cluster}
    return render_page(request, "clusters/overview.html", context, fragments=("live",))
