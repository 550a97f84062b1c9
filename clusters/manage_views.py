"""The Manage page of a cluster: size, version, restart, suspension, deletion, each confirmed on a page of its own."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cloudconsole.accounts.services import Actor
from cloudconsole.errors import ServiceError
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters.manage_actions import ACTIONS, DELETE_SENTENCE, RESTART_SENTENCE, Action, size_changes
from clusters.manage_forms import DeleteForm, ScaleForm, UpgradeForm
from clusters.models import Cluster, Operation
from clusters.queries import cluster_of, idle_warning
from clusters.rules.changes import kind_of
from clusters.rules.lifecycle import OperationKind, Phase, may_start, refusal_sentence
from clusters.services import delete_cluster, retry_operation, update_cluster
from clusters.views import ClusterView


class ManageView(ClusterView):
    """A cluster as its Manage page shows it."""

    @property
    def actions(self) -> list[tuple[Action, str | None]]:
        """Each action with the reason why it cannot be asked for now."""
        return [(action, action.refusal(self.cluster)) for action in ACTIONS.values()]

    @property
    def change_refusal(self) -> str | None:
        """Why size and version cannot change now."""
        phase = Phase(self.cluster.phase)
        if may_start(OperationKind.SCALE, phase):
            return None
        return refusal_sentence(OperationKind.SCALE, self.cluster.name, phase)

    @property
    def failed(self) -> Operation | None:
        """The operation that can be tried again."""
        operation = self.progress.operation if self.progress else None
        if operation and operation.state == Operation.State.FAILED and operation.generation == self.cluster.generation:
            return operation
        return None

    @property
    def idle_warning(self) -> str | None:
        return idle_warning(self.cluster)


@require_safe
@account_page("read:clusters", "write:clusters")
def manage(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    return _page(request, cluster_of(request.account, cluster_id))


def _page(request: AccountRequest, cluster: Cluster, *, status: int = 200, **forms: Any) -> HttpResponse:
    context = {
        "view": ManageView(cluster),
        "cluster": cluster,
        "scale_form": ScaleForm(cluster=cluster),
        "upgrade_form": UpgradeForm(cluster=cluster),
    }
    return render_page(request, "clusters/manage.html", context | forms, fragments=("live",), status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "write:clusters")
def act(request: AccountRequest, cluster_id: UUID, slug: str) -> HttpResponse:
    """GET says what the action means, POST does it."""
    cluster, action = cluster_of(request.account, cluster_id), ACTIONS.get(slug)
    if action is None:
        raise Http404("There is no such action.")
    context = {
        "view": ClusterView(cluster),
        "cluster": cluster,
        "title": f"{action.title} {cluster.name}?",
        "consequence": action.consequence,
        "button": action.button,
        "refusal": action.refusal(cluster),
    }
    if request.method != "POST":
        return render(request, "clusters/confirm.html", context)
    try:
        action.perform(cluster=cluster, requested_by=Actor.of_user(request.user))
    except ServiceError as error:
        return render(request, "clusters/confirm.html", context | {"refusal": error.sentence}, status=409)
    return redirect("clusters:manage", cluster.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "write:clusters")
def change(request: AccountRequest, cluster_id: UUID, what: str) -> HttpResponse:
    """``size`` or ``version``: GET with the form's values says what it means and costs, POST does it."""
    cluster = cluster_of(request.account, cluster_id)
    form_class = {"size": ScaleForm, "version": UpgradeForm}.get(what)
    if form_class is None:
        raise Http404("There is no such change.")
    form = form_class(request.POST if request.method == "POST" else request.GET, cluster=cluster)
    if not form.is_valid():
        name = "scale_form" if what == "size" else "upgrade_form"
        return _page(request, cluster, status=422, **{name: form})
    changes = size_changes(cluster, form.cleaned_data)
    context = {
        "view": ClusterView(cluster),
        "cluster": cluster,
        "title": f"Change the {what} of {cluster.name}?",
        "consequence": _consequence(cluster, changes),
        "price": form.price if isinstance(form, ScaleForm) else None,
        "button": "Scale the cluster" if what == "size" else f"Upgrade to {form.cleaned_data['version']}",
        "hidden": [form[name] for name in form.fields],
        "refusal": None if changes else "The cluster is like this already.",
    }
    if request.method != "POST":
        return render(request, "clusters/confirm.html", context)
    try:
        update_cluster(cluster=cluster, changes=changes, requested_by=Actor.of_user(request.user))
    except ServiceError as error:
        return render(request, "clusters/confirm.html", context | {"refusal": error.sentence}, status=409)
    return redirect("clusters:manage", cluster.pk)


def _consequence(cluster: Cluster, changes: dict[str, Any]) -> str:
    kind = kind_of(changes, extra_before=cluster.extra_configuration)
    if kind == OperationKind.SCALE_OUT:
        return "Nothing restarts: the new size counts, and is billed, from now on."
    return RESTART_SENTENCE


@require_POST
@account_page("read:clusters", "write:clusters")
def retry(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """Take the failed operation up where it failed."""
    cluster = cluster_of(request.account, cluster_id)
    try:
        retry_operation(cluster=cluster, requested_by=Actor.of_user(request.user))
    except ServiceError as error:
        messages.error(request, error.sentence)
    return redirect("clusters:manage", cluster.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "delete:clusters")
def delete(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """GET asks for the cluster's name, POST with it deletes."""
    cluster = cluster_of(request.account, cluster_id)
    form = DeleteForm(request.POST if request.method == "POST" else None, cluster=cluster)
    context = {
        "view": ClusterView(cluster),
        "cluster": cluster,
        "title": f"Delete {cluster.name}?",
        "consequence": DELETE_SENTENCE,
        "button": "Delete the cluster for good",
        "look": "danger",
        "form": form,
    }
    if request.method != "POST" or not form.is_valid():
        return render(request, "clusters/confirm.html", context, status=422 if request.method == "POST" else 200)
    delete_cluster(cluster=cluster, force=form.cleaned_data["force"], requested_by=Actor.of_user(request.user))
    messages.success(request, f"Cluster {cluster.name} is being deleted.")
    return redirect("clusters:list")
