"""What the worker must be told; whoever starts it fills this in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


def available_cores() -> int:
    """The cores this process may use: fewer than the machine has inside most containers."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class WorkerConfig:
    """``listen`` is the path of a unix socket or ``host:port``; ``offline`` forbids every download.

    ``external_urls``: where the APIs of external providers are (by ``openai`` and so on) if not at their own address.
    ``image_http`` lets images come from plain http addresses as well as from https ones.
    """

    listen: str
    cache_dir: Path
    models_dir: Path | None = None  # the operator's own weights, in folders called like the models
    offline: bool = False
    external_urls: Mapping[str, str] = field(default_factory=dict)
    image_http: bool = False
    threads: int = field(default_factory=available_cores)
