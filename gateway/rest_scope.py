"""Holding a REST request to its key's scope, and keeping the listings that answer it within that scope."""

import re
from typing import Any

import orjson

from gateway.errors import Refused, sentence_in
from gateway.exchange import JSON, Exchange
from gateway.operations import Match, match
from gateway.records import ClusterRecord
from gateway.rest_names import may_name, places_in
from gateway.scope import Scope
from gateway.upstream import Upstreams, target_of

_LABELLED = re.compile(r'[{,](?:id|collection)="((?:[^"\\]|\\.)*)"')
_LISTINGS = {"get_collections", "get_collections_aliases", "telemetry", "metrics"}


async def hold_to_scope(exchange: Exchange, scope: Scope) -> Match | None:
    """The operation that the request is for, written with the names under which things are kept.

    Returns None, with nothing looked at, for an unknown route that the cluster itself may answer. Raises Refused: 403
    for what the key may not, 404 for a route that could not be held to the scope.
    """
    found = match(exchange.method, exchange.path)
    if scope.whole:
        return found
    if found is None:
        raise Refused(404, f"Not found: there is no {exchange.method} {exchange.path}")
    scope.check(found.operation, [] if found.collection is None else [found.collection])
    if scope.sees_all:
        return found
    await _hold_body(exchange, scope, found)
    kept = {name: scope.kept_as(found.parameters[name]) for name in _NAMES if name in found.parameters}
    exchange.forwarded_path = found.path(**kept)
    exchange.hidden = scope.prefix.encode()
    return found


_NAMES = ("collection_name", "snapshot_name")


async def _hold_body(exchange: Exchange, scope: Scope, found: Match) -> None:
    operation = found.operation
    if exchange.body.absent or not may_name(operation.name, b"lookup"):
        return
    if (exchange.header(b"content-encoding") or "identity").lower() != "identity":
        raise Refused(415, "Unsupported media type: send the body of this request without compression")
    body = await exchange.body.read()
    if may_name(operation.name, body):
        document = _parse(body)
        places = list(places_in(operation.name, document))
        scope.check(operation, [place.name for place in places])
        for place in places:
            place.put(scope.kept_as(place.name))
        # Written anew even if nothing changed: of a key that stands twice the cluster might read the other one.
        body = orjson.dumps(document)
    exchange.body.put_back(body)


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, f"Format error in JSON body: {error}") from error


def is_listing(found: Match, scope: Scope) -> bool:
    """Whether the answer has to be kept within the scope before the client may see it."""
    return not scope.sees_all and found.operation.name in _LISTINGS


async def answer_listing(
    exchange: Exchange, scope: Scope, found: Match, cluster: ClusterRecord, upstreams: Upstreams
) -> str | None:
    """Answer with what of a listing is in the scope; the sentence if the cluster's answer was an error."""
    answer = await upstreams.fetch(cluster, target_of(exchange))
    if not answer.ok:
        await exchange.answer(answer.status, [JSON], answer.body)
        return sentence_in(answer.body)
    if found.operation.name == "metrics":
        lines = _metrics(answer.body.decode(), scope)
        await exchange.answer(200, [(b"content-type", b"text/plain; charset=utf-8")], lines.encode())
        return None
    document = orjson.loads(answer.body)
    if found.operation.name == "telemetry":
        listing = orjson.loads((await upstreams.fetch(cluster, "/collections")).body)
        number = len(_visible(listing["result"]["collections"], "name", scope))
        document["result"] = _telemetry(document["result"], scope, number)
    else:
        kind, field = _LISTED[found.operation.name]
        document["result"][kind] = _visible(document["result"][kind], field, scope)
    await exchange.answer(200, [JSON], orjson.dumps(document))
    return None


_LISTED = {"get_collections": ("collections", "name"), "get_collections_aliases": ("aliases", "collection_name")}


def _visible(rows: list[dict[str, Any]], field: str, scope: Scope) -> list[dict[str, Any]]:
    return [row for row in rows if scope.known_as(row[field]) is not None]


def _telemetry(result: dict[str, Any], scope: Scope, number: int) -> dict[str, Any]:
    """The collections in scope; what concerns the whole server is left out, for it tells of others."""
    collections = result.get("collections", {}).get("collections") or []
    named = [one for one in collections if isinstance(one.get("id"), str)]
    app = {name: value for name, value in result.get("app", {}).items() if name in ("name", "version")}
    return {
        "app": app,
        "collections": {"number_of_collections": number, "collections": _visible(named, "id", scope)},
    }


def _metrics(text: str, scope: Scope) -> str:
    """The lines of collections in scope, and the server's version."""
    kept = []
    for line in text.splitlines():
        labelled = _LABELLED.search(line)
        if (
            line.startswith("#")
            or line.startswith("app_info{")
            or (labelled and scope.known_as(labelled[1]) is not None)
        ):
            kept.append(line)
    return "\n".join(kept) + "\n"
