"""What an import will come to before it begins: tokens and list price, from a fair sample of its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import httpx
from django.conf import settings

from inference.catalogue import ModelSpec
from inference.client import open_worker
from inference.imports.models import Import
from inference.queries import OfferedModel

TIMEOUT_SECONDS = 10.0  # a model whose weights are on the disk is loaded first
_CHARACTERS_PER_TOKEN = 4  # of English; where the model's tokenizer cannot be asked
_SPECIAL_TOKENS = 2


@dataclass(frozen=True)
class Estimate:
    """``basis``: every row was counted, a sample of them, or only a sample's characters."""

    tokens: int
    millicents: Decimal
    basis: Literal["all", "sample", "characters"]


def estimate(wanted: Import, *, column: str, model: OfferedModel) -> Estimate:
    """Tokens of all rows as the model would count them, and their cost at today's list price."""
    texts = [value for row in wanted.sample if isinstance(value := row.get(column), str) and value.strip()]
    counted = _count(model.spec, texts) if texts else []
    basis: Literal["all", "sample", "characters"] = "all" if wanted.rows <= len(wanted.sample) else "sample"
    if counted is None:
        counted, basis = [_guess(model.spec, text) for text in texts], "characters"
    tokens = round(Decimal(sum(counted)) * wanted.rows / max(1, len(wanted.sample)))
    return Estimate(tokens, Decimal(tokens) * model.price_millicents_per_million / 1_000_000, basis)


def _count(spec: ModelSpec, texts: Sequence[str]) -> list[int] | None:
    """What the first worker that answers says; None when none does."""
    inputs: list[dict[str, Any]] = [{"data": text, "data_type": spec.modality} for text in texts]
    for address in settings.INFERENCE_ADDRESSES:
        try:
            with open_worker(address, timeout_seconds=TIMEOUT_SECONDS) as worker:
                answer = worker.post("/tokens", json={"model": spec.name, "inputs": inputs})
                answer.raise_for_status()
                tokens: list[int] = answer.json()["tokens"]
                return tokens
        except (httpx.HTTPError, ValueError):
            continue
    return None


def _guess(spec: ModelSpec, text: str) -> int:
    if spec.tokens_per_image is not None:
        return spec.tokens_per_image
    tokens = len(text) // _CHARACTERS_PER_TOKEN + _SPECIAL_TOKENS
    return min(tokens, spec.context_window or tokens)
