"""The kinds of models the worker runs, by the ``family`` of their weights in the catalogue."""

from pathlib import Path
from typing import TYPE_CHECKING

from inference.catalogue import ModelSpec

if TYPE_CHECKING:
    from inference.worker.families.bm25 import Bm25Model
    from inference.worker.families.onnx import OnnxFamily

# The family "image" is not among them yet: such models are listed as unavailable.
_ONNX_FAMILIES = {"dense": "DenseModel", "splade": "SpladeModel", "colbert": "ColbertModel"}


def can_run(spec: ModelSpec) -> bool:
    """Whether this worker has the code to run the model."""
    return spec.weights is not None and (needs_no_files(spec) or spec.weights.family in _ONNX_FAMILIES)


def needs_no_files(spec: ModelSpec) -> bool:
    """Whether the model is all code."""
    return spec.weights is not None and spec.weights.family == "bm25"


def load(spec: ModelSpec, folder: Path | None, threads: int) -> "OnnxFamily | Bm25Model":
    """Load a model that ``can_run`` from its weights in ``folder``; takes seconds, raises whatever went wrong."""
    # Imported here, in the loading thread: the libraries take a second or two, and the worker answers meanwhile.
    if needs_no_files(spec):
        from inference.worker.families.bm25 import Bm25Model

        return Bm25Model()
    from inference.worker.families import onnx

    assert spec.weights is not None
    assert folder is not None
    family: type[OnnxFamily] = getattr(onnx, _ONNX_FAMILIES[spec.weights.family])
    return family(spec, folder, threads)
