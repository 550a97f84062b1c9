"""BERT weights (``config.json`` and ``model.safetensors``) to an ONNX graph, with NumPy and onnx alone.

The graph uses standard operators only, so any ONNX runtime can run it: token ids, mask and type ids in, the last
hidden state (batch x tokens x hidden size, float32) out. Pooling stays with whoever runs it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from cloudconsole.lifeline import die_with_parent

_OPSET = 20  # the first with Gelu
_IR_VERSION = 9
# Added to the attention of padding: exp() of it is 0 in float32, and it does not overflow when scores are added.
_MASKED = np.float32(-1e30)


def convert(source: Path, target: Path) -> None:
    """Write the ONNX graph of the model in folder ``source`` to the file ``target``.

    Raises ``ValueError`` for an architecture other than BERT with GELU and absolute positions, ``KeyError`` for a
    missing tensor.
    """
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    expected = {"model_type": "bert", "hidden_act": "gelu"}
    if config.get("position_embedding_type", "absolute") != "absolute" or any(
        config.get(key) != value for key, value in expected.items()
    ):
        raise ValueError(f"{source.name} is not a BERT model with GELU and absolute positions")
    weights = {
        name.removeprefix("bert."): tensor.astype(np.float32)
        for name, tensor in load_file(source / "model.safetensors").items()
        if tensor.dtype.kind == "f"
    }
    model = _BertGraph(config, weights).build()
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


class _BertGraph:
    """Collects the nodes and constants of one graph; values are passed around by name."""

    def __init__(self, config: dict[str, Any], weights: dict[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self._hidden: int = config["hidden_size"]
        self._heads: int = config["num_attention_heads"]
        self._layers: int = config["num_hidden_layers"]
        self._epsilon: float = config["layer_norm_eps"]
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def build(self) -> onnx.ModelProto:
        state = self._embeddings()
        mask = self._attention_mask()
        for layer in range(self._layers):
            state = self._layer(f"encoder.layer.{layer}", state, mask)
        self._node("Identity", [state], output="last_hidden_state")
        tokens = ["batch", "tokens"]
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, tokens)
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ]
        output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*tokens, self._hidden])
        graph = helper.make_graph(self._nodes, "bert", inputs, [output], list(self._constants.values()))
        opsets = [helper.make_opsetid("", _OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    def _embeddings(self) -> str:
        words = self._node("Gather", [self._weight("embeddings.word_embeddings.weight"), "input_ids"])
        types = self._node("Gather", [self._weight("embeddings.token_type_embeddings.weight"), "token_type_ids"])
        length = self._node("Shape", ["input_ids"], start=1, end=2)
        zero, axis = self._integers("first_position", [0]), self._integers("position_axis", [0])
        table = self._weight("embeddings.position_embeddings.weight")
        positions = self._node("Slice", [table, zero, length, axis])
        together = self._node("Add", [self._node("Add", [words, types]), positions])
        return self._norm("embeddings.LayerNorm", together)

    def _attention_mask(self) -> str:
        """0 for a token, hugely negative for padding; to be added to batch x heads x tokens x tokens."""
        mask = self._node("Cast", ["attention_mask"], to=TensorProto.FLOAT)
        mask = self._node("Unsqueeze", [mask, self._integers("head_and_query_axes", [1, 2])])
        padding = self._node("Sub", [self._constant("one", np.float32(1)), mask])
        return self._node("Mul", [padding, self._constant("masked", _MASKED)])

    def _layer(self, name: str, state: str, mask: str) -> str:
        attended = self._attention(f"{name}.attention.self", state, mask)
        attended = self._linear(f"{name}.attention.output.dense", attended)
        state = self._norm(f"{name}.attention.output.LayerNorm", self._node("Add", [attended, state]))
        inner = self._node("Gelu", [self._linear(f"{name}.intermediate.dense", state)])
        inner = self._linear(f"{name}.output.dense", inner)
        return self._norm(f"{name}.output.LayerNorm", self._node("Add", [inner, state]))

    def _attention(self, name: str, state: str, mask: str) -> str:
        per_head = self._hidden // self._heads
        split = self._integers("split_heads", [0, 0, self._heads, per_head])
        join = self._integers("join_heads", [0, 0, self._hidden])
        scale = self._constant("attention_scale", np.float32(1 / np.sqrt(per_head)))
        orders = {"query": [0, 2, 1, 3], "key": [0, 2, 3, 1], "value": [0, 2, 1, 3]}
        heads = {
            part: self._node(
                "Transpose", [self._node("Reshape", [self._linear(f"{name}.{part}", state), split])], perm=order
            )
            for part, order in orders.items()
        }
        scores = self._node("Mul", [self._node("MatMul", [heads["query"], heads["key"]]), scale])
        attention = self._node("Softmax", [self._node("Add", [scores, mask])], axis=-1)
        mixed = self._node("MatMul", [attention, heads["value"]])
        return self._node("Reshape", [self._node("Transpose", [mixed], perm=[0, 2, 1, 3]), join])

    def _linear(self, name: str, value: str) -> str:
        # PyTorch stores a linear layer as (out, in).
        matrix = self._constant(f"{name}.weight.transposed", self._weights[f"{name}.weight"].T)
        return self._node("Add", [self._node("MatMul", [value, matrix]), self._weight(f"{name}.bias")])

    def _norm(self, name: str, value: str) -> str:
        inputs = [value, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        return self._node("LayerNormalization", inputs, axis=-1, epsilon=self._epsilon)

    def _weight(self, name: str) -> str:
        return self._constant(name, self._weights[name])

    def _integers(self, name: str, values: list[int]) -> str:
        return self._constant(name, np.array(values, np.int64))

    def _constant(self, name: str, value: Any) -> str:
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        return name

    def _node(self, operator: str, inputs: list[str], *, output: str | None = None, **attributes: Any) -> str:
        output = output or f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output


if __name__ == "__main__":
    die_with_parent()
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
