"""What the protos say about their services, methods, messages and fields, for documents made from them."""

import json
from functools import cache

from cloudconsole.api.generate import COMMENTS


def comment(full_name: str) -> str:
    """The comment above something in the protos, such as ``qdrant.cloud.cluster.v1.Cluster.name``, or nothing."""
    return _comments().get(full_name, "")


@cache
def _comments() -> dict[str, str]:
    comments: dict[str, str] = json.loads(COMMENTS.read_text())
    return comments
