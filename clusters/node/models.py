"""The REST models of Qdrant's API, as the server reads them.

They come from qdrant-client, whose package imports gRPC, fastembed and httpx first: 1.3 seconds of processor
time that every node start would pay for nothing. So the models are loaded without running the package around
them. The client forbids unknown fields; the server ignores them, except where an unknown field means that the
object is another one (an unknown condition must never be taken for an empty filter, which matches everything).
"""

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pydantic
from pydantic import BaseModel

_STRICT = {"Filter", "PayloadSelectorInclude", "PayloadSelectorExclude"}  # additionalProperties: false in OpenAPI
_PACKAGES = {"qdrant_client": "", "qdrant_client.http": "http"}


class _BuiltOnFirstUse(BaseModel, defer_build=True):
    """A model that builds its validator when it is first used; a node uses few of its models in its first seconds."""


def _load_models() -> ModuleType:
    if "qdrant_client" in sys.modules:
        return importlib.import_module("qdrant_client.http.models")
    spec = importlib.util.find_spec("qdrant_client")
    if spec is None or spec.origin is None:
        raise ImportError("qdrant-client is not installed")
    for name, folder in _PACKAGES.items():
        stand_in = ModuleType(name)
        stand_in.__path__ = [str(Path(spec.origin).parent / folder)]
        sys.modules[name] = stand_in
    pydantic.BaseModel = _BuiltOnFirstUse  # type: ignore[misc, assignment]
    try:
        return importlib.import_module("qdrant_client.http.models")
    finally:
        pydantic.BaseModel = BaseModel  # type: ignore[misc]
        for name in _PACKAGES:  # a later import of the client itself must run the real package
            del sys.modules[name]


def _ignore_unknown_fields(models: ModuleType) -> None:
    classes = [
        cls
        for _, cls in inspect.getmembers(models, inspect.isclass)
        if issubclass(cls, BaseModel) and cls.model_config.get("extra") == "forbid" and cls.__name__ not in _STRICT
    ]
    for cls in classes:
        cls.model_config["extra"] = "ignore"
    for cls in classes:
        if cls.__pydantic_complete__:
            cls.model_rebuild(force=True)


def _accept_missing_payloads(models: ModuleType) -> None:
    """The batch form takes null for a point without payload; the client's model knows only objects."""
    models.Batch.model_fields["payloads"].annotation = list[dict[str, Any] | None] | None
    models.Batch.model_rebuild(force=True)


if TYPE_CHECKING:
    from qdrant_client.http import models as m
else:
    m = _load_models()
    _accept_missing_payloads(m)
    _ignore_unknown_fields(m)
