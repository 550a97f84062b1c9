"""A failed request is one log line, in the gateway's log and in its cluster's; a good one is none."""

import logging
from typing import Protocol
from uuid import UUID

import orjson

from gateway.traffic import Traffic

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


def log_failure(request: Request, sentence: str, status: int | str | None, traffic: Traffic) -> None:
    """Write down what the caller was told, and who asked for what."""
    if request.cluster is not None:
        traffic.note(request.cluster, _line(request, sentence, status))
    facts = {
        "request": str(request.id),
        "status": status,
        "cluster": request.cluster and str(request.cluster),
        "method": request.method,
        "path": request.path,
        "sentence": sentence,
    }
    logger.warning("refused %s", orjson.dumps(facts).decode())


def _line(request: Request, sentence: str, status: int | str | None) -> str:
    """The line for the people of the cluster; ``request`` is the id that the answer carries."""
    path = orjson.dumps(request.path).decode()
    facts = f"status={status} method={request.method} path={path} request={request.id}"
    return f"level=warning source=gateway {facts} message={orjson.dumps(sentence).decode()}"
