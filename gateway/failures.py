"""A failed request is one log line, a good one none."""

import logging
from typing import Protocol
from uuid import UUID

import orjson

logger = logging.getLogger(__name__)


class Request(Protocol):
    """What every transport knows of a request. ``method`` is HTTP's, ``cluster`` is None until it is known."""

    @property
    def id(self) -> UUID: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def cluster(self) -> UUID | None: ...


def log_failure(request: Request, sentence: str, status: int | str | None) -> None:
    """Write down what the caller was told, and who asked for what."""
    facts = {
        "request": str(request.id),
        "status": status,
        "cluster": request.cluster and str(request.cluster),
        "method": request.method,
        "path": request.path,
        "sentence": sentence,
    }
    logger.warning("refused %s", orjson.dumps(facts).decode())
