"""What the inference worker says of its models' weights, asked from a page that works without the answer."""

from dataclasses import dataclass
from typing import Any, Literal

import httpx
from django.conf import settings

from inference.client import open_worker

TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True)
class WeightsStatus:
    """``available`` weights are on this machine and not loaded yet, ``missing`` ones can be downloaded.

    ``progress`` is 0 to 1 while downloading.
    """

    state: Literal["ready", "available", "downloading", "missing", "unavailable"]
    progress: float | None
    reason: str | None


def weights_by_model() -> dict[str, WeightsStatus] | None:
    """The weights' state by model name from the first worker that answers; None when none does."""
    for address in settings.INFERENCE_ADDRESSES:
        try:
            models = _ask(address)
        except (httpx.HTTPError, ValueError):
            continue
        return {one["name"]: WeightsStatus(one["state"], one["progress"], one["reason"]) for one in models}
    return None


def _ask(address: str) -> list[dict[str, Any]]:
    with open_worker(address, timeout_seconds=TIMEOUT_SECONDS) as client:
        answer = client.get("/models")
        answer.raise_for_status()
        models: list[dict[str, Any]] = answer.json()["models"]
        return models
