"""The Inference tab of a cluster: state and toggle, models, snippets."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from cloudconsole.accounts.services import Actor
from cloudconsole.errors import Refusal, ServiceError
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters.endpoints import endpoint_url
from clusters.models import Cluster
from clusters.queries import cluster_of
from clusters.rules.lifecycle import OperationKind, Phase, may_start, refusal_sentence
from clusters.views import ClusterView
from inference import usage
from inference.downloads import request_download
from inference.forms import EXAMPLES, TryForm
from inference.gate import availability, cluster_facts, eligibility
from inference.models import ModelDownload
from inference.queries import OfferedModel, latest_downloads, offered_models
from inference.services import set_inference
from inference.snippets import (
    LANGUAGES,
    Endpoint,
    Language,
    Snippet,
    has_snippet,
    project_archive,
    project_files,
    render_snippet,
)
from inference.trying import resemblances, try_model
from inference.usage import ModelUsage
from inference.weights_status import WeightsStatus, weights_by_model

_FIRST_TRY = {
    "texts": "\n".join(EXAMPLES),
    "models": ["sentence-transformers/all-minilm-l6-v2", "qdrant/bm25"],
    "kind": "update",
}


@dataclass(frozen=True)
class ModelRow:
    """A line of the table of models. ``weights`` is None when the worker does not answer or does not know it.

    ``download`` is the last one that somebody asked for.
    """

    model: OfferedModel
    usage: ModelUsage
    weights: WeightsStatus | None
    download: ModelDownload | None

    @property
    def here(self) -> bool:
        return self.weights is not None and self.weights.state in ("ready", "available")

    @property
    def progress(self) -> float | None:
        """0 to 1 of a download that runs, whoever runs it."""
        known = (one.progress for one in (self.download, self.weights) if one is not None)
        return next((progress for progress in known if progress is not None), None)

    @property
    def waiting(self) -> bool:
        return self.download is not None and self.download.state == ModelDownload.State.QUEUED

    @property
    def downloading(self) -> bool:
        return not self.here and (
            (self.download is not None and self.download.state == ModelDownload.State.RUNNING)
            or (self.weights is not None and self.weights.state == "downloading")
        )

    @property
    def failure(self) -> str | None:
        """Why the weights are not here: what the last download said, or the worker."""
        if self.download is not None and self.download.state == ModelDownload.State.FAILED:
            return self.download.reason
        return self.weights.reason if self.weights is not None and self.weights.state == "unavailable" else None

    @property
    def fetchable(self) -> bool:
        """Whether a download could help; only a worker that answers knows what is here."""
        source = self.model.spec.weights
        somewhere = source is not None and (source.hub_repo or source.package)
        return bool(somewhere and self.weights and not self.here and not settings.INFERENCE_OFFLINE)


class InferenceView(ClusterView):
    """A cluster's inference as the tab shows it; what a fragment does not show is not read."""

    def __init__(self, cluster: Cluster, *, model: str | None = None, language: str | None = None) -> None:
        super().__init__(cluster)
        self._model_name = model
        self._language_name = language

    @property
    def wanted(self) -> bool:
        return self.cluster.inference_enabled

    @property
    def refusal(self) -> str | None:
        """Why the toggle cannot be used now, whoever asks: the gate's sentence, or the lifecycle's."""
        answer = eligibility(package=self.cluster.package, region=self.cluster.region)
        if isinstance(answer, Refusal) and not self.wanted:
            return answer.sentence
        phase = Phase(self.cluster.phase)
        if not may_start(OperationKind.RESTART, phase):
            return refusal_sentence(OperationKind.RESTART, self.cluster.name, phase)
        return None

    @cached_property
    def models(self) -> list[OfferedModel]:
        return offered_models()

    @cached_property
    def weights(self) -> dict[str, WeightsStatus] | None:
        return weights_by_model()

    @cached_property
    def rows(self) -> list[ModelRow]:
        used, weights = usage.source.used_this_month(self.cluster), self.weights or {}
        downloads = latest_downloads()
        return [
            ModelRow(model, used.get(model.id, ModelUsage()), weights.get(model.spec.name), downloads.get(model.id))
            for model in self.models
        ]

    @property
    def total(self) -> ModelUsage:
        return ModelUsage(
            tokens=sum(row.usage.tokens for row in self.rows),
            cost_millicents=sum((row.usage.cost_millicents for row in self.rows), ModelUsage().cost_millicents),
        )

    @property
    def snippet_models(self) -> list[OfferedModel]:
        return [model for model in self.models if has_snippet(model.spec)]

    @cached_property
    def chosen_model(self) -> OfferedModel:
        models = {model.spec.name: model for model in self.snippet_models}
        return models.get(self._model_name or "", self.snippet_models[0])

    @property
    def languages(self) -> list[Language]:
        return list(LANGUAGES.values())

    @property
    def snippet_refusal(self) -> str | None:
        """The sentence with which the data plane refuses the snippet now; None when the program works."""
        answer = availability(cluster_facts(self.cluster), self.chosen_model.spec)
        return answer.sentence if isinstance(answer, Refusal) else None

    @property
    def chosen_language(self) -> Language:
        return LANGUAGES.get(self._language_name or "", self.languages[0])

    @property
    def _what_to_show(self) -> dict[str, Any]:
        endpoint = Endpoint(endpoint_url(self.cluster), settings.GATEWAY_REST_PORT, settings.GATEWAY_GRPC_PORT)
        return {"language": self.chosen_language, "spec": self.chosen_model.spec, "endpoint": endpoint}

    @property
    def snippet(self) -> Snippet:
        return render_snippet(**self._what_to_show)

    @property
    def project_files(self) -> dict[str, str]:
        return project_files(**self._what_to_show)

    @property
    def project_archive(self) -> bytes:
        return project_archive(**self._what_to_show)


@require_safe
@account_page("read:clusters", "write:clusters")
def tab(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """The tab. ``model`` and ``language`` in the query choose the snippet."""
    return _render_tab(request, cluster_of(request.account, cluster_id))


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
    context = {"view": view, "cluster": view.cluster, "problem": problem}
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
