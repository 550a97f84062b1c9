"""What the weights can do on this machine without us: ONNX Runtime at its best settings, and fastembed as it comes."""

import time
from pathlib import Path

import numpy as np
import onnxruntime
from fastembed import TextEmbedding
from tokenizers import Tokenizer

_BATCH = 8  # of the sorted texts; larger ones gain nothing


class BareModel:
    """A session and a tokenizer, driven by hand."""

    def __init__(self, folder: Path, window: int, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.force_spinning_stop", "1")  # for those who run in turns with it
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(window)

    def token_lists(self, texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]

    def run(self, batch: list[list[int]]) -> None:
        """One forward pass over texts given as tokens."""
        longest = max(len(ids) for ids in batch)
        padded = np.array([ids + [0] * (longest - len(ids)) for ids in batch], np.int64)
        mask = np.array([[1] * len(ids) + [0] * (longest - len(ids)) for ids in batch], np.int64)
        inputs = {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}
        self._session.run(None, inputs)

    def tokens_per_second(self, texts: list[str]) -> float:
        """Forward passes alone over texts sorted by length, tokenised beforehand."""
        lists = sorted(self.token_lists(texts), key=len)
        batches = [lists[start : start + _BATCH] for start in range(0, len(lists), _BATCH)]
        self.run(batches[-1])
        begun = time.perf_counter()
        for batch in batches:
            self.run(batch)
        return sum(map(len, lists)) / (time.perf_counter() - begun)

    def search_seconds(self, texts: list[str]) -> list[float]:
        """How long each text takes on its own, tokenising included."""
        seconds = []
        for text in texts:
            begun = time.perf_counter()
            self.run(self.token_lists([text]))
            seconds.append(time.perf_counter() - begun)
        return seconds


def fastembed_tokens_per_second(fastembed_id: str, folder: Path, tokens: int, texts: list[str], threads: int) -> float:
    """fastembed's own ``embed()`` with its default batches over texts of so many ``tokens``."""
    model = TextEmbedding(fastembed_id, cache_dir=str(folder), specific_model_path=str(folder), threads=threads)
    list(model.embed(texts[:8]))
    begun = time.perf_counter()
    for _ in model.embed(texts):
        pass
    return tokens / (time.perf_counter() - begun)
