"""Models that run on ONNX Runtime through fastembed's own classes: dense, SPLADE and ColBERT.

fastembed loads the weights, prepares the inputs and turns the outputs into vectors. Tokenising is taken apart from
it, because batches are formed by length and across requests, and the token counts come from the very masks the
model sees.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from fastembed import LateInteractionTextEmbedding, SparseTextEmbedding, TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType
from numpy.typing import NDArray

from inference.catalogue import ModelSpec, Weights
from inference.worker.devices import Devices
from inference.worker.families.tokens import WindowTokenizer
from inference.worker.protocol import SparseEmbedding


@dataclass(frozen=True)
class TokenizedText:
    """One text as the model will see it. ``kept``: from and up to which character it does; None for all of it."""

    ids: list[int]
    attention_mask: list[int]
    kept: tuple[int, int] | None


class OnnxFamily(ABC):
    """A loaded model. ``tokenize`` and ``run`` may be called from different threads at the same time."""

    _markers = 0  # tokens that are put in after tokenising
    embeddings_class: Any  # fastembed's front door for this family; it knows which class runs which model

    def __init__(self, spec: ModelSpec, folder: Path, devices: Devices) -> None:
        """Load the weights in ``folder``."""
        assert spec.weights is not None
        self.spec = spec
        if spec.weights.pooling is not None:
            _register(spec.weights)
        self._model = load_served(self.embeddings_class, _TakesTokens, spec.weights, folder, devices)
        self._pad_id: int = self._model.tokenizer.padding["pad_id"]
        self._set_up_tokenizers(spec)
        self._check_output(spec)

    def tokenize(self, texts: list[str], kind: str) -> list[TokenizedText]:
        """The texts as tokens, with the prefix the model wants for this kind ("update" or "search")."""
        prefixes = self.spec.prefixes
        prefix = prefixes.query if kind == "search" else prefixes.passage
        known = tuple(text for text in (prefixes.query, prefixes.passage) if text)
        prefixed = [text if text.startswith(known) else prefix + text for text in texts]
        tokenizer = self._tokenizer_for(kind)
        tokenized = []
        for text, whole, encoding in zip(texts, prefixed, tokenizer.encode(prefixed), strict=True):
            kept = tokenizer.kept(whole, encoding)
            if kept is not None:
                added = len(whole) - len(text)
                kept = max(kept[0] - added, 0), max(kept[1] - added, 0)
            tokenized.append(TokenizedText(encoding.ids, encoding.attention_mask, kept))
        return tokenized

    def count_tokens(self, texts: list[str]) -> list[int]:
        """The tokens that ``run`` would process of each text to be stored."""
        return [sum(text.attention_mask) + self._markers for text in self.tokenize(texts, "update")]

    def run(self, batch: list[TokenizedText], kind: str) -> tuple[list[Any], list[int]]:
        """The vector and the number of processed tokens of each text; the batch is padded to its longest."""
        output = self._model.onnx_embed(self._padded(batch), is_doc=kind != "search")
        # Before post-processing: ColBERT's clears the mask of punctuation in place.
        tokens = output.attention_mask.sum(axis=1).tolist()
        return self._vectors(output, batch, kind), tokens

    @abstractmethod
    def _vectors(self, output: Any, batch: list[TokenizedText], kind: str) -> list[Any]:
        """The vector of each text of the batch, out of the model's output."""

    def _set_up_tokenizers(self, spec: ModelSpec) -> None:
        assert spec.context_window is not None
        self._model.tokenizer.no_padding()
        self._tokenizer = WindowTokenizer(self._model.tokenizer, spec.context_window)

    def _tokenizer_for(self, kind: str) -> WindowTokenizer:
        return self._tokenizer

    def _padded(self, batch: list[TokenizedText]) -> list[TokenizedText]:
        longest = max(len(text.ids) for text in batch)
        padded = []
        for text in batch:
            missing = longest - len(text.ids)
            padded.append(
                TokenizedText(text.ids + [self._pad_id] * missing, text.attention_mask + [0] * missing, text.kept)
            )
        return padded

    def _check_output(self, spec: ModelSpec) -> None:
        """Run one text, which also allocates what the first caller would wait for."""
        vectors, _ = self.run(self.tokenize(["warm-up"], "search"), "search")
        if spec.dimensions is not None and vectors[0].shape[-1] != spec.dimensions:
            got, wanted = vectors[0].shape[-1], spec.dimensions
            raise ValueError(f"the weights give {got} dimensions, the catalogue says {wanted}")


class DenseModel(OnnxFamily):
    """One vector per text."""

    embeddings_class = TextEmbedding

    def _vectors(self, output: Any, batch: list[TokenizedText], kind: str) -> list[NDArray[np.float32]]:
        return list(self._model._post_process_onnx_output(output))


class SpladeModel(OnnxFamily):
    """One weight per word of the vocabulary, nearly all of them zero."""

    embeddings_class = SparseTextEmbedding

    def _vectors(self, output: Any, batch: list[TokenizedText], kind: str) -> list[SparseEmbedding]:
        # fastembed takes the logarithm of batch x tokens x 30,522 numbers; it is monotonic, so the maximum over the
        # tokens can go first and leaves batch x 30,522. ``initial`` also cuts negative values, as its relu does.
        mask = output.attention_mask[:, :, np.newaxis].astype(bool)
        weights = np.log1p(np.max(output.model_output, axis=1, where=mask, initial=0.0))
        rows = [(row.nonzero()[0], row) for row in weights.astype(np.float32)]
        return [SparseEmbedding(indices.astype(np.uint32), row[indices]) for indices, row in rows]


class ColbertModel(OnnxFamily):
    """One vector per token. Queries are filled up with mask tokens, which ColBERT uses to expand them."""

    embeddings_class = LateInteractionTextEmbedding

    def _set_up_tokenizers(self, spec: ModelSpec) -> None:
        assert spec.context_window is not None
        self._markers = self._model.RESERVED_MARKER_TOKENS
        window = spec.context_window - self._markers
        self._model.tokenizer.no_padding()
        self._tokenizer = WindowTokenizer(self._model.tokenizer, window)
        self._query_tokenizer = WindowTokenizer(self._model.query_tokenizer, window)

    def _tokenizer_for(self, kind: str) -> WindowTokenizer:
        return self._query_tokenizer if kind == "search" else self._tokenizer

    def _vectors(self, output: Any, batch: list[TokenizedText], kind: str) -> list[NDArray[np.float32]]:
        rows = list(self._model._post_process_onnx_output(output, is_doc=kind != "search"))
        if kind == "search":  # rows beyond a query's own length belong to its longer neighbours
            rows = [row[: len(text.ids) + self._markers] for row, text in zip(rows, batch, strict=True)]
        return rows


class RestingThreads:
    """Mixed into fastembed's class of a model: threads rest between runs."""

    @classmethod
    def add_extra_session_options(
        cls, session_options: onnxruntime.SessionOptions, extra_options: dict[str, Any]
    ) -> None:
        # Threads that go on spinning after a run take the cores from the other models: one query went from 3.6 to
        # 13.8 ms. Within a run spinning saves half a millisecond.
        session_options.add_session_config_entry("session.force_spinning_stop", "1")


class _TakesTokens(RestingThreads):
    """And texts arrive tokenised and padded."""

    def tokenize(self, documents: list[TokenizedText], **_: Any) -> list[TokenizedText]:
        return documents


def load_served(front_door: Any, mixin: type[RestingThreads], weights: Weights, folder: Path, devices: Devices) -> Any:
    """fastembed's model for these weights, of the class that ``front_door`` knows for it, with ``mixin`` in front."""
    wanted = str(weights.fastembed_id).lower()
    for candidate in front_door.EMBEDDINGS_REGISTRY:
        if any(description.model.lower() == wanted for description in candidate._list_supported_models()):
            served = type(f"Served{candidate.__name__}", (mixin, candidate), {})
            return served(
                weights.fastembed_id,
                cache_dir=str(folder),  # unused; without it, fastembed makes itself a folder in /tmp
                threads=devices.threads,
                cuda=False,
                providers=list(devices.providers),
                specific_model_path=str(folder),
            )
    raise ValueError(f"fastembed does not know {weights.fastembed_id}")


def _register(weights: Weights) -> None:
    known = {model["model"] for model in TextEmbedding.list_supported_models()}
    if weights.fastembed_id not in known:
        TextEmbedding.add_custom_model(
            model=weights.fastembed_id,
            pooling=PoolingType[str(weights.pooling).upper()],
            normalization=True,
            # fastembed wants a place to fetch it from, and never asks there: the files are in our folder.
            sources=ModelSource(hf=weights.hub_repo or weights.fastembed_id),
            dim=0,
            model_file=weights.model_file,
        )
