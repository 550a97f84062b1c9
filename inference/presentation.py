"""How the Inference tab shows a cluster: its state, its models with what they did, and the programs to copy."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils import timezone

from cloudconsole.errors import Refusal
from clusters.endpoints import endpoint_url
from clusters.models import Cluster
from clusters.rules.lifecycle import OperationKind, Phase, may_start, refusal_sentence
from clusters.views import ClusterView
from inference import usage
from inference.gate import availability, cluster_facts, eligibility
from inference.models import ModelDownload
from inference.queries import OfferedModel, latest_downloads, offered_models
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
from inference.usage import ModelUsage
from inference.usage_chart import DailyUsage, window
from inference.weights_status import WeightsStatus, weights_by_model


@dataclass(frozen=True)
class ModelRow:
    """A line of the table of models. ``weights`` is None when the worker does not answer or does not know it.

    ``download`` is the last one that somebody asked for; ``recent`` the tokens of the last thirty days.
    """

    model: OfferedModel
    usage: ModelUsage
    recent: int
    sparkline: str
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

    @cached_property
    def seen(self) -> str:
        """Names the usage that is shown. Asked for before the usage itself, it is too old at worst, never too new."""
        return usage.source.newest(self.cluster)

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
            ModelRow(
                model,
                used.get(model.id, ModelUsage()),
                self.daily.of(model.id),
                self.daily.sparkline(model.id),
                weights.get(model.spec.name),
                downloads.get(model.id),
            )
            for model in self.models
        ]

    @cached_property
    def daily(self) -> DailyUsage:
        today = timezone.now().date()
        return DailyUsage(usage.source.daily_tokens(self.cluster, *window(today)), today)

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
