"""REST models to engine objects where names agree, and the tables of where they do not."""

import uuid
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Any

import qdrant_edge as edge
from pydantic import BaseModel

from clusters.node.errors import FormatError, WrongInput
from clusters.node.models import m

PointId = int | str
LARGEST_POINT_ID = 2**64 - 1

_CLASSES: dict[type[BaseModel], type] = {
    m.Range: edge.RangeFloat,
    m.DatetimeRange: edge.RangeDateTime,
    m.ScalarQuantizationConfig: edge.ScalarQuantizationConfig,
    m.ProductQuantizationConfig: edge.ProductQuantizationConfig,
    m.BinaryQuantizationConfig: edge.BinaryQuantizationConfig,
}
_ENUMS: dict[type[Enum], type] = {m.Datatype: edge.VectorStorageDatatype}
_QUANTIZATIONS = (m.ScalarQuantization, m.ProductQuantization, m.BinaryQuantization, m.TurboQuantization)


def enum_member(value: Enum) -> Any:
    """The engine's member for an enum value of the API; their spellings differ in case and underscores only."""
    engine_enum = _ENUMS.get(type(value)) or getattr(edge, type(value).__name__)
    wanted = str(value.value).replace("_", "").lower()
    for name in dir(engine_enum):
        if name.replace("_", "").lower() == wanted and not name.startswith("__"):
            return getattr(engine_enum, name)
    raise WrongInput(f"{type(value).__name__} `{value.value}` is not supported by this node")


def point_id(value: int | str | uuid.UUID) -> PointId:
    """A point id as the engine takes it: an unsigned 64-bit integer, or a UUID in its canonical text form."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, int):
        if 0 <= value <= LARGEST_POINT_ID:
            return value
    else:
        try:
            return str(uuid.UUID(value))
        except ValueError:
            pass
    raise FormatError(f"value {value} is not a valid point ID, valid values are either an unsigned integer or a UUID")


def fields(model: BaseModel, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a model that are set, converted, as keyword arguments for an engine class."""
    return {
        name: to_engine(value) for name, value in model.__dict__.items() if value is not None and name not in without
    }


def to_engine(value: Any) -> Any:
    """The engine object for a REST model, enum, date, UUID, or list of them; plain values stay as they are."""
    if isinstance(value, list):
        return [to_engine(item) for item in value]
    if isinstance(value, Enum):
        return enum_member(value)
    if isinstance(value, BaseModel):
        if isinstance(value, _QUANTIZATIONS):
            return to_engine(next(iter(value.__dict__.values())))
        convert = _CONVERSIONS.get(type(value))
        if convert is not None:
            return convert(value)
        engine_class = _CLASSES.get(type(value)) or getattr(edge, type(value).__name__)
        return engine_class(**fields(value))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def register(*models: type[BaseModel]) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Declare the conversion of models whose engine class has another form."""

    def remember(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
        for model in models:
            _CONVERSIONS[model] = convert
        return convert

    return remember


_CONVERSIONS: dict[type[BaseModel], Callable[[Any], Any]] = {}
