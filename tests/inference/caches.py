"""Fetching into a cache of weights, and what is left there."""

from pathlib import Path


def silent(progress: float | None) -> None:
    """Nobody looks at the progress."""


def leftovers(cache: Path) -> list[Path]:
    """Everything in the cache but finished models and locks."""
    return [path for path in (cache / ".unfinished").rglob("*") if path.is_file()]
