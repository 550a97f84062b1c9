"""Payload indexes: their schemas, in both directions."""

from typing import Any

import qdrant_edge as edge
from pydantic import BaseModel

from clusters.node.engine.conversion import enum_member, fields
from clusters.node.models import m


def index_schema(schema: m.PayloadSchemaType | BaseModel) -> Any:
    """The engine's schema for a field index: a type, or a type with its parameters."""
    if not isinstance(schema, BaseModel):
        return enum_member(schema)
    given = fields(schema, without=("type", "stopwords", "stemmer", "scoring"))
    if isinstance(schema, m.TextIndexParams):
        given |= {"tokenizer": given.get("tokenizer") or edge.TokenizerType.Word, **_text_options(schema)}
    return getattr(edge, type(schema).__name__)(**given)


def index_type(info: Any) -> str:
    """The type of a field index, as the API names it."""
    return _name(info.data_type)


def reported_index(info: Any) -> dict[str, Any]:
    """A field index as the API reports it: ``{"data_type", "points", "params"?}``."""
    data_type = index_type(info)
    report: dict[str, Any] = {"data_type": data_type, "points": info.points}
    if info.params is not None:
        model = getattr(m, f"{type(info.params).__name__}")
        names = [name for name in model.model_fields if name not in ("type", "stopwords", "stemmer", "scoring")]
        values = {name: _plain(getattr(info.params, name)) for name in names}
        given = {name: value for name, value in values.items() if value is not None}
        if given:
            report["params"] = {"type": data_type, **given}
    return report


def _text_options(schema: m.TextIndexParams) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if isinstance(schema.stopwords, m.StopwordsSet):
        languages = {enum_member(language) for language in schema.stopwords.languages or []}
        options["stopwords"] = edge.StopwordsSet(languages=languages, custom=set(schema.stopwords.custom or []))
    elif schema.stopwords is not None:
        options["stopwords"] = enum_member(schema.stopwords)
    if isinstance(schema.stemmer, m.SnowballParams):
        options["stemmer"] = edge.SnowballParams(enum_member(schema.stemmer.language))
    elif schema.stemmer is not None:
        options["stemmer"] = edge.DisabledStemmer()
    if isinstance(schema.scoring, m.TextScoringParams):
        options["scoring"] = edge.TextScoringParams(enum_member(schema.scoring.type))
    elif schema.scoring is not None:
        options["scoring"] = schema.scoring
    return options


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else _name(value)


def _name(member: Any) -> str:
    return str(member).rsplit(".", 1)[-1].lower()
