"""Models that turn images into vectors, on ONNX Runtime through fastembed's own classes.

fastembed's image processor is taken in two: what makes a picture the size the model wants runs while images are
prepared, and what makes floats of it with the batch, so that waiting images take a quarter of the memory.
"""

import hashlib
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fastembed import ImageEmbedding
from fastembed.common.onnx_model import OnnxOutputContext
from fastembed.image.transform.operators import Compose, Normalize, Rescale
from numpy.typing import NDArray
from PIL import Image

from inference.catalogue import ModelSpec
from inference.worker.devices import Devices
from inference.worker.families.onnx import RestingThreads, load_served

# An image waits like a text of so many tokens, because it costs about as much to run: eight make a batch.
_WAITS_LIKE_TOKENS = 64


@dataclass(frozen=True)
class PreparedImage:
    """One image in the model's size. ``ids``, a digest of its pixels, stands where a text has its tokens."""

    pixels: NDArray[Any]  # channels x height x width
    ids: list[int]


class ImageModel:
    """A loaded model. ``prepare`` and ``run`` may be called from different threads at the same time."""

    def __init__(self, spec: ModelSpec, folder: Path, devices: Devices) -> None:
        """Load the weights in ``folder``."""
        assert spec.weights is not None
        assert spec.tokens_per_image is not None
        self._tokens = spec.tokens_per_image
        self._model = load_served(ImageEmbedding, _TakesPixels, spec.weights, folder, devices)
        transforms = self._model.processor.transforms
        floats = (n for n, transform in enumerate(transforms) if isinstance(transform, Rescale | Normalize))
        cut = next(floats, len(transforms))
        self._shape, self._model.processor = Compose(transforms[:cut]), Compose(transforms[cut:])
        self._check_output(spec)

    def prepare(self, image: Image.Image) -> PreparedImage:
        """The picture as the model will see it."""
        [shaped] = self._shape([image])
        pixels = np.ascontiguousarray(shaped)
        digest = hashlib.shake_128(pixels.tobytes()).digest(8 * _WAITS_LIKE_TOKENS)
        return PreparedImage(pixels, array("q", digest).tolist())

    def run(self, batch: list[PreparedImage], kind: str) -> tuple[list[Any], list[int]]:
        """The vector of each image, and the tokens it counts as; ``kind`` makes no difference."""
        output = self._model.onnx_embed([image.pixels for image in batch])
        return list(self._model._post_process_onnx_output(output)), [self._tokens] * len(batch)

    def _check_output(self, spec: ModelSpec) -> None:
        """Run one image, which also allocates what the first caller would wait for."""
        [vector], _ = self.run([self.prepare(Image.new("RGB", (1, 1)))], "search")
        if len(vector) != spec.dimensions:
            raise ValueError(f"the weights give {len(vector)} dimensions, the catalogue says {spec.dimensions}")


class _TakesPixels(RestingThreads):
    """And images arrive in the model's size. The base class is fastembed's ``OnnxImageModel``."""

    model: Any
    processor: Any

    def onnx_embed(self, images: list[NDArray[Any]], **_: Any) -> OnnxOutputContext:
        encoded = np.array(self.processor(images))
        name = self.model.get_inputs()[0].name
        output = self.model.run(None, {name: encoded})[0]
        return OnnxOutputContext(model_output=output.reshape(len(images), -1))
