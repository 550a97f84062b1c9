"""The Inference tab of a cluster: state and toggle, models and their usage, snippets, trying models."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from cloudconsole.accounts.services import Actor
from cloudconsole.errors import ServiceError
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters.models import Cluster
from clusters.queries import cluster_of
from inference.downloads import request_download
from inference.forms import EXAMPLES, TryForm
from inference.presentation import InferenceView
from inference.queries import offered_models
from inference.services import set_inference
from inference.trying import resemblances, try_model

_FIRST_TRY = {
    "texts": "\n".join(EXAMPLES),
    "models": ["sentence-transformers/all-minilm-l6-v2", "qdrant/bm25"],
    "kind": "update",
}


@require_safe
@account_page("read:clusters", "write:clusters")
def tab(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """The tab. ``model`` and ``language`` in the query choose the snippet."""
    return _render_tab(request, cluster_of(request.account, cluster_id))


@require_safe
@account_page("read:clusters", "write:clusters")
def usage_now(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """The chart, and as fragments the numbers of the table of models; nothing while they are as ``seen`` says."""
    if not request.htmx:
        return redirect(reverse("inference:tab", args=[cluster_id]))
    view = InferenceView(cluster_of(request.account, cluster_id))
    if view.seen == request.GET.get("seen"):
        return HttpResponse(status=204)
    context = {"view": view, "cluster": view.cluster, "seen": view.seen}
    return render(request, "inference/usage.html", context)


@require_safe
@account_page("read:clusters", "write:clusters")
def project(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """The chosen snippet with its build file, as a ZIP file."""
    view = _chosen(request, cluster_of(request.account, cluster_id))
    name = f"{view.cluster.name}-{view.chosen_language.name}.zip"
    return HttpResponse(
        view.project_archive,
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "write:clusters")
def try_it(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """Texts and images to embed with chosen models; what came of it is in the fragment ``tried``."""
    cluster = cluster_of(request.account, cluster_id)
    form = TryForm(request.POST, request.FILES) if request.method == "POST" else TryForm(initial=_FIRST_TRY)
    context: dict[str, Any] = {"view": InferenceView(cluster), "cluster": cluster, "form": form}
    status = 200
    if request.method == "POST":
        if form.is_valid():
            context |= _tried(cluster, form)
        else:
            status = 422
    return render_page(request, "inference/try.html", context, fragments=("try",), status=status)


def _tried(cluster: Cluster, form: TryForm) -> dict[str, Any]:
    chosen = [model for model in offered_models() if model.spec.name in form.cleaned_data["models"]]
    kind = form.cleaned_data["kind"]
    tried = [try_model(cluster=cluster, model=model, inputs=form.inputs, kind=kind) for model in chosen]
    return {"tried": tried, "resemblances": resemblances(tried)}


def _chosen(request: AccountRequest, cluster: Cluster) -> InferenceView:
    chosen = request.POST or request.GET
    return InferenceView(cluster, model=chosen.get("model"), language=chosen.get("language"))


def _render_tab(
    request: AccountRequest, cluster: Cluster, *, problem: str | None = None, status: int = 200
) -> HttpResponse:
    view = _chosen(request, cluster)
    seen = None if request.htmx else view.seen  # fragments show no usage
    context = {"view": view, "cluster": view.cluster, "problem": problem, "seen": seen}
    return render_page(request, "inference/tab.html", context, fragments=("live", "snippets"), status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "write:clusters")
def weights(request: AccountRequest, cluster_id: UUID, model_id: UUID) -> HttpResponse:
    """GET shows how the weights of one model are, for its cell in the table; POST asks for their download."""
    cluster = cluster_of(request.account, cluster_id)
    row = next((row for row in InferenceView(cluster).rows if row.model.id == model_id), None)
    if row is None:
        raise Http404("There is no such model.")
    if request.method == "POST":
        actor = Actor.of_user(request.user)
        try:
            download = request_download(spec=row.model.spec, account=request.account, requested_by=actor)
        except ServiceError as error:
            return _render_tab(request, cluster, problem=error.sentence, status=409)
        row = replace(row, download=download)
    if not request.htmx:
        return redirect(reverse("inference:tab", args=[cluster_id]))
    return render(request, "inference/weights.html", {"row": row, "cluster": cluster})


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "write:clusters")
def switch(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """GET asks for confirmation of what ``to`` (``on`` or ``off``) means, POST does it."""
    cluster = cluster_of(request.account, cluster_id)
    to = (request.POST if request.method == "POST" else request.GET).get("to")
    if to not in {"on", "off"}:
        raise Http404("Inference can be switched on or off.")
    if request.method != "POST":
        context = {"view": InferenceView(cluster), "cluster": cluster, "to": to}
        return render_page(request, "inference/switch.html", context, fragments=("switch",))
    try:
        set_inference(cluster=cluster, enabled=to == "on", requested_by=Actor.of_user(request.user))
    except ServiceError as error:
        return _render_tab(request, cluster, problem=error.sentence, status=409)
    if request.htmx:
        return _render_tab(request, cluster_of(request.account, cluster_id))
    return redirect(reverse("inference:tab", args=[cluster_id]))
