"""The kinds of models the worker runs, by the ``family`` of their weights in the catalogue."""

from pathlib import Path
from typing import TYPE_CHECKING

from inference.catalogue import ModelSpec
from inference.worker.devices import Devices

if TYPE_CHECKING:
    from inference.worker.families.bm25 import Bm25Model
    from inference.worker.families.image import ImageModel
    from inference.worker.families.onnx import OnnxFamily

_TEXT_FAMILIES = {"dense": "DenseModel", "splade": "SpladeModel", "colbert": "ColbertModel"}


def needs_no_files(spec: ModelSpec) -> bool:
    """Whether the model is all code."""
    return spec.weights is not None and spec.weights.family == "bm25"


def load(spec: ModelSpec, folder: Path | None, devices: Devices) -> "OnnxFamily | ImageModel | Bm25Model":
    """Load a hosted model from its weights in ``folder``; takes seconds, raises whatever went wrong."""
    # Imported here, in the loading thread: the libraries take a second or two, and the worker answers meanwhile.
    if needs_no_files(spec):
        from inference.worker.families.bm25 import Bm25Model

        return Bm25Model()
    assert spec.weights is not None
    assert folder is not None
    if spec.weights.family == "image":
        from inference.worker.families.image import ImageModel

        return ImageModel(spec, folder, devices)
    from inference.worker.families import onnx

    family: type[OnnxFamily] = getattr(onnx, _TEXT_FAMILIES[spec.weights.family])
    return family(spec, folder, devices)
