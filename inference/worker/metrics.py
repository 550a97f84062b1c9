"""What the worker measures of itself, in Prometheus' terms. Rates, such as tokens per second, are ``rate()`` of it."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LABELS = ("model", "kind")


@dataclass(frozen=True)
class QueueMetrics:
    """The measures of one model and one kind ("search" or "update")."""

    texts: Counter
    tokens: Counter
    padding: Counter
    shared: Counter
    dropped: Counter
    refused: Counter
    failed: Counter
    batch_texts: Histogram
    batch_fill: Histogram
    queue_seconds: Histogram
    tokenize_seconds: Histogram
    forward_seconds: Histogram


class Metrics:
    """All measures of one worker."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.loaded_models = Gauge("inference_loaded_models", "Models in memory.", registry=self.registry)
        self.loaded_bytes = Gauge("inference_loaded_bytes", "Bytes of their weights.", registry=self.registry)
        self.unloaded = Counter(
            "inference_unloaded_models", "Models put out of memory for others.", registry=self.registry
        )
        self._texts = self._counter("texts", "Texts and images that the model processed.")
        self._tokens = self._counter("tokens", "Tokens that the model processed, special tokens included.")
        self._padding = self._counter(
            "padding_tokens", "Tokens computed in vain: texts of a batch are filled up to its longest."
        )
        self._shared = self._counter("shared_texts", "Texts not run because an equal one was waiting or running.")
        self._dropped = self._counter("dropped_texts", "Texts not run because their caller had left.")
        self._refused = self._counter("refused_requests", "Requests refused because too much was waiting.")
        self._failed = self._counter("failed_texts", "Texts on which the model failed.")
        self._batch_texts = self._histogram("batch_texts", "Texts in a batch.", (1, 2, 4, 8, 16, 32))
        self._batch_fill = self._histogram(
            "batch_fill_ratio", "A batch's share of the largest allowed.", tuple(tenth / 10 for tenth in range(1, 11))
        )
        self._queue_seconds = self._histogram("queue_seconds", "From tokenised to the start of the batch.", _SECONDS)
        self._tokenize_seconds = self._histogram("tokenize_seconds", "Tokenising one slice of a request.", _SECONDS)
        self._forward_seconds = self._histogram("forward_seconds", "Running one batch.", _SECONDS)

    def of(self, model: str, kind: str) -> QueueMetrics:
        """The measures of this model (by its canonical name) and kind."""
        return QueueMetrics(
            texts=self._texts.labels(model, kind),
            tokens=self._tokens.labels(model, kind),
            padding=self._padding.labels(model, kind),
            shared=self._shared.labels(model, kind),
            dropped=self._dropped.labels(model, kind),
            refused=self._refused.labels(model, kind),
            failed=self._failed.labels(model, kind),
            batch_texts=self._batch_texts.labels(model, kind),
            batch_fill=self._batch_fill.labels(model, kind),
            queue_seconds=self._queue_seconds.labels(model, kind),
            tokenize_seconds=self._tokenize_seconds.labels(model, kind),
            forward_seconds=self._forward_seconds.labels(model, kind),
        )

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"inference_{name}", text, _LABELS, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"inference_{name}", text, _LABELS, registry=self.registry, buckets=buckets)
