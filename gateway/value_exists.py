"""Tokens that hold only as long as some point exists: how their holder's rights end without a new key."""

from urllib.parse import quote

import orjson

from gateway.errors import Refused, sentence_in
from gateway.records import KeyRecord
from gateway.scope import scope_of
from gateway.upstream import Upstreams

_SENTENCE = "Invalid JWT, stateful validation failed"


async def check_value_exists(key: KeyRecord, upstreams: Upstreams) -> None:
    """Raises Refused as Qdrant does: 401 when no point matches, 403 when there is no such collection."""
    wanted = key.value_exists
    if wanted is None:
        return
    collection = quote(scope_of(key).kept_as(wanted.collection), safe="")
    question = {"filter": wanted.filter, "limit": 1, "with_payload": False, "with_vector": False}
    answer = await upstreams.ask(key.cluster, f"/collections/{collection}/points/scroll", question)
    if answer.status == 404:
        raise Refused(403, _SENTENCE)
    if not answer.ok:
        raise Refused(answer.status, scope_of(key).hide(sentence_in(answer.body) or _SENTENCE))
    if not orjson.loads(answer.body)["result"]["points"]:
        raise Refused(401, _SENTENCE)
