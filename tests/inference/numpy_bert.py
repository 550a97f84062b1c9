"""BERT in plain NumPy, written from the paper: what the converted weights are compared with."""

import json
import math
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

_erf = np.vectorize(math.erf, otypes=[np.float64])


class NumpyBert:
    """Last hidden states of one text at a time, in float64, without padding or batches."""

    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "model.safetensors")
        self.weights = {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}

    def sentence_vector(self, ids: list[int]) -> np.ndarray:
        """The mean over all tokens, scaled to length one."""
        mean = self.hidden_states(ids).mean(axis=0)
        return mean / np.linalg.norm(mean)

    def hidden_states(self, ids: list[int]) -> np.ndarray:
        """tokens x hidden size."""
        w = self.weights
        state = w["embeddings.word_embeddings.weight"][ids].astype(np.float64)
        state = state + w["embeddings.position_embeddings.weight"][: len(ids)]
        state = self._norm(state + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for number in range(self.config["num_hidden_layers"]):
            layer = f"encoder.layer.{number}"
            attended = self._linear(
                self._attention(state, f"{layer}.attention.self"), f"{layer}.attention.output.dense"
            )
            state = self._norm(attended + state, f"{layer}.attention.output.LayerNorm")
            inner = self._linear(state, f"{layer}.intermediate.dense")
            inner = inner * 0.5 * (1 + _erf(inner / math.sqrt(2)))
            state = self._norm(self._linear(inner, f"{layer}.output.dense") + state, f"{layer}.output.LayerNorm")
        return state

    def _attention(self, state: np.ndarray, name: str) -> np.ndarray:
        size = self.config["hidden_size"] // self.config["num_attention_heads"]
        query, key, value = (self._linear(state, f"{name}.{part}") for part in ("query", "key", "value"))
        heads = []
        for start in range(0, state.shape[1], size):
            part = slice(start, start + size)
            scores = query[:, part] @ key[:, part].T / math.sqrt(size)
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            heads.append(weights / weights.sum(axis=1, keepdims=True) @ value[:, part])
        return np.concatenate(heads, axis=1)

    def _linear(self, state: np.ndarray, name: str) -> np.ndarray:
        return state @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, state: np.ndarray, name: str) -> np.ndarray:
        centred = state - state.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt(centred.var(axis=1, keepdims=True) + self.config["layer_norm_eps"])
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
