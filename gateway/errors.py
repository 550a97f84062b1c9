"""What the data plane says when it does not do what was asked, in the shape Qdrant's clients know."""

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(eq=False)  # exceptions are told apart by identity
class Refused(Exception):
    """A request that is not carried out: an HTTP status, a sentence for people, and seconds to wait if that helps.

    ``not_begun``: the cluster has certainly not begun with it, so that it may be asked again.
    """

    status: int
    sentence: str
    retry_after: int | None = None
    not_begun: bool = False

    def __str__(self) -> str:
        return self.sentence


class ClientGone(Exception):
    """The client closed the connection; nobody waits for an answer any more."""


def error_body(sentence: str, seconds: float) -> bytes:
    """Qdrant's error answer; ``seconds`` is the time spent on the request."""
    return orjson.dumps({"status": {"error": sentence}, "time": seconds})


def sentence_in(body: bytes) -> str | None:
    """The sentence of an error answer that Qdrant made, if it is one."""
    try:
        answer: Any = orjson.loads(body)
        sentence = answer["status"]["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return sentence if isinstance(sentence, str) else None
