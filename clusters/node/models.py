"""The REST models of Qdrant's API, as the server reads them.

They are loaded without the rest of qdrant-client. The client forbids unknown fields; the server ignores them,
except where an unknown field means that the object is another one (an unknown condition must never be taken for an
empty filter, which matches everything).
"""

import inspect
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pydantic
from pydantic import BaseModel

from clusters.client_parts import import_parts

_STRICT = {"Filter", "PayloadSelectorInclude", "PayloadSelectorExclude"}  # additionalProperties: false in OpenAPI


class _BuiltOnFirstUse(BaseModel, defer_build=True):
    """A model that builds its validator when it is first used; a node uses few of its models in its first seconds."""


def _load_models() -> ModuleType:
    pydantic.BaseModel = _BuiltOnFirstUse  # type: ignore[misc, assignment]
    try:
        [models] = import_parts(["qdrant_client.http.models"])
    finally:
        pydantic.BaseModel = BaseModel  # type: ignore[misc]
    return models


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
