"""What the worker must be told; whoever starts it fills this in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


def available_cores() -> int:
    """The cores this process may use: fewer than the machine has inside most containers."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory() -> int:
    """Bytes of memory of this machine, or of the container if it has less."""
    total: int = psutil.virtual_memory().total
    try:
        return min(total, int(_CONTAINER_LIMIT.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return total


@dataclass(frozen=True)
class WorkerConfig:
    """``listen`` is the path of a unix socket or ``host:port``; ``offline`` forbids every download.

    ``external_urls``: where the APIs of external providers are (by ``openai`` and so on) if not at their own address.
    ``image_http`` lets images come from plain http addresses as well as from https ones.
    ``memory``: bytes of weights that may be loaded at a time; models used longest ago make room for others.
    ``providers``: ONNX Runtime's execution providers (``cpu``, ``cuda``, …) in the order in which they are tried.
    """

    listen: str
    cache_dir: Path
    models_dir: Path | None = None  # the operator's own weights, in folders called like the models
    offline: bool = False
    external_urls: Mapping[str, str] = field(default_factory=dict)
    image_http: bool = False
    threads: int = field(default_factory=available_cores)
    memory: int = field(default_factory=lambda: available_memory() // 2)
    providers: tuple[str, ...] = ()
