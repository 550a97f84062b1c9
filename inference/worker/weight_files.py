"""The files of one model's weights: which it needs, what was written down about them, and whether they are whole."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from inference.catalogue import ModelSpec

MANIFEST = "manifest.json"


def needed_files(spec: ModelSpec) -> list[str]:
    """What must be in a model's folder."""
    assert spec.weights is not None
    assert spec.weights.model_file is not None
    if spec.modality == "image":
        return [spec.weights.model_file, "preprocessor_config.json"]
    return [spec.weights.model_file, "tokenizer.json", "tokenizer_config.json"]


def missing_files(spec: ModelSpec, folder: Path) -> list[str]:
    """Which of them are not there."""
    return [name for name in needed_files(spec) if not (folder / name).is_file()]


def size_in_memory(spec: ModelSpec, folder: Path | None) -> int:
    """About how many bytes a loaded model takes: its ONNX graph with the data beside it; 0 without files."""
    if folder is None:
        return 0
    assert spec.weights is not None
    graph = folder / str(spec.weights.model_file)
    return sum(path.stat().st_size for path in graph.parent.glob(f"{graph.name}*"))


def set_context_window(file: Path, window: int) -> None:
    """Write the catalogue's window into a tokenizer's configuration.

    fastembed takes it from this file alone, and published ones disagree with the models' own cards.
    """
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings.pop("max_length", None)
    settings["model_max_length"] = window
    file.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def write_manifest(folder: Path, origin: str) -> None:
    """Write down size and SHA-256 of every file, and where they came from."""
    files = {
        str(path.relative_to(folder)): {"size": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    text = json.dumps({"origin": origin, "files": files}, indent=2)
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def damage(folder: Path) -> str | None:
    """What is wrong with a model's folder as far as names and sizes tell; contents are for ``changed_files``."""
    try:
        for name, wanted in _manifest(folder).items():
            size = (folder / name).stat().st_size
            if size != wanted["size"]:
                return f"{name} has {size} bytes instead of {wanted['size']}"
    except FileNotFoundError as error:
        return f"{Path(str(error.filename)).name} is missing"
    except (OSError, ValueError, KeyError, TypeError):
        return f"{MANIFEST} cannot be read"
    return None


def changed_files(folder: Path) -> list[str]:
    """What is wrong with a model's folder by the hashes of its manifest; empty when nothing is."""
    try:
        files = _manifest(folder)
    except (OSError, ValueError, KeyError):
        return [f"{folder / MANIFEST} is missing or cannot be read"]
    problems = []
    for name, wanted in files.items():
        if not (folder / name).is_file():
            problems.append(f"{name} is missing")
        elif sha256_of(folder / name) != wanted["sha256"]:
            problems.append(f"{name} has changed")
    return problems


def flush(path: Path) -> None:
    """Bring a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """In lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(folder: Path) -> dict[str, Any]:
    files: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    return files
