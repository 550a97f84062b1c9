"""The kinds of models the worker runs, by the ``family`` of their weights in the catalogue."""

from collections.abc import Callable
from pathlib import Path

from inference.catalogue import ModelSpec
from inference.worker.families.bm25 import Bm25Model
from inference.worker.families.onnx import ColbertModel, DenseModel, OnnxFamily, SpladeModel

LoadedModel = OnnxFamily | Bm25Model

# No entry for "image": such models are listed as unavailable.
_ONNX_FAMILIES: dict[str, type[OnnxFamily]] = {
    "dense": DenseModel,
    "splade": SpladeModel,
    "colbert": ColbertModel,
}


def can_run(spec: ModelSpec) -> bool:
    """Whether this worker has the code to run the model."""
    return spec.weights is not None and (needs_no_files(spec) or spec.weights.family in _ONNX_FAMILIES)


def needs_no_files(spec: ModelSpec) -> bool:
    """Whether the model is all code."""
    return spec.weights is not None and spec.weights.family == "bm25"


def loader(spec: ModelSpec, folder: Path | None, threads: int) -> Callable[[], LoadedModel]:
    """What loads a model that ``can_run``, from its weights in ``folder``; takes seconds and raises whatever went wrong."""
    assert spec.weights is not None
    if needs_no_files(spec):
        return Bm25Model
    assert folder is not None
    family = _ONNX_FAMILIES[spec.weights.family]
    return lambda: family(spec, folder, threads)
