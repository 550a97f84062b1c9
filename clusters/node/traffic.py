"""What the node says of its work: requests answered, and the documents behind /telemetry and /metrics."""

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from clusters.node.engine.figures import Figures


class Traffic:
    """Counts REST answers by method, path template and status; lives on the event loop's thread."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._started = datetime.now(UTC)
        self._id = str(uuid.uuid4())
        self._answers: Counter[tuple[str, str, int]] = Counter()

    def count(self, method: str, path: str, status: int) -> None:
        """One request was answered."""
        self._answers[method, path, status] += 1

    def telemetry(self, collections: list[Figures]) -> dict[str, Any]:
        """The document of ``/telemetry``; only what was measured is in it."""
        responses: dict[str, dict[str, Any]] = {}
        for (method, path, status), answers in sorted(self._answers.items()):
            responses.setdefault(f"{method} {path}", {})[str(status)] = {"count": answers}
        aggregated = [
            {
                "vectors": sum(figures.vectors.values()),
                "optimizers_status": figures.optimizer_status,
                "params": figures.parameters,
            }
            for figures in collections
        ]
        return {
            "id": self._id,
            "app": {"name": "qdrant", "version": self._version, "startup": self._started.isoformat()},
            "collections": {"number_of_collections": len(collections), "collections": aggregated},
            "cluster": {"enabled": False},
            "requests": {"rest": {"responses": responses}, "grpc": {"responses": {}}},
        }

    def metrics(self, collections: list[Figures]) -> str:
        """The document of ``/metrics``, in Prometheus's text format and under Qdrant's names."""
        points = [_line("collection_points", figures.points, id=figures.name) for figures in collections]
        vectors = [
            _line("collection_vectors", number, collection=figures.name, vector=name)
            for figures in collections
            for name, number in figures.vectors.items()
        ]
        answers = [
            _line("rest_responses_total", number, method=method, endpoint=path, status=str(status))
            for (method, path, status), number in sorted(self._answers.items())
        ]
        return "".join(
            [
                _family("app_info", "information about qdrant server", "gauge", [self._app_info()]),
                _family(
                    "collections_total",
                    "number of collections",
                    "gauge",
                    [_line("collections_total", len(collections))],
                ),
                _family("collection_points", "number of points per collection", "gauge", points),
                _family("collection_vectors", "estimated number of vectors per collection", "gauge", vectors),
                _family("rest_responses_total", "total number of responses through REST API", "counter", answers),
            ]
        )

    def _app_info(self) -> str:
        return _line("app_info", 1, name="qdrant", version=self._version)


def _family(name: str, explanation: str, kind: str, lines: Iterable[str]) -> str:
    return f"# HELP {name} {explanation}\n# TYPE {name} {kind}\n" + "".join(lines)


def _line(metric: str, value: int, /, **labels: str) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{metric}{{{pairs}}} {value}\n" if pairs else f"{metric} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
