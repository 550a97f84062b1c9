"""Aliases: another name is as good as the own one, and changes happen all at once."""

import uuid
from typing import Any

import pytest
from qdrant_client import QdrantClient, models

from tests.clusters.node.running import RunningNode


@pytest.fixture
def named(node: RunningNode) -> tuple[str, str]:
    """A collection with two points, and an alias of it."""
    name, alias = f"books-{uuid.uuid4()}", f"current-{uuid.uuid4()}"
    node.ok("PUT", f"/collections/{name}", {"vectors": {"size": 2, "distance": "Dot"}})
    points = [{"id": id, "vector": [id, 1], "payload": {"n": id}} for id in (1, 2)]
    node.ok("PUT", f"/collections/{name}/points?wait=true", {"points": points})
    change(node, create_alias={"alias_name": alias, "collection_name": name})
    return name, alias


def change(node: RunningNode, **action: Any) -> None:
    assert node.ok("POST", "/collections/aliases", {"actions": [action]}) is True


def test_an_alias_stands_wherever_a_collection_may(node: RunningNode, named: tuple[str, str]) -> None:
    name, alias = named
    path = f"/collections/{alias}"
    node.ok("PUT", f"{path}/points?wait=true", {"points": [{"id": 3, "vector": [3, 1]}]})
    node.ok("POST", f"{path}/points/payload?wait=true", {"payload": {"n": 3}, "points": [3]})
    node.ok("PUT", f"{path}/index?wait=true", {"field_name": "n", "field_schema": "integer"})
    node.ok("PATCH", path, {"metadata": {"changed": True}})
    assert node.ok("POST", f"{path}/points/count", {})["count"] == 3
    assert node.ok("GET", path) == node.ok("GET", f"/collections/{name}")
    assert node.ok("GET", f"{path}/exists") == {"exists": True}
    found = node.ok("POST", f"{path}/points/query", {"query": 1, "lookup_from": {"collection": alias}})["points"]
    assert [point["id"] for point in found] == [3, 2], "a point that is looked up by an alias is not its own neighbour"


def test_aliases_are_listed_for_all_and_for_one(client: QdrantClient, named: tuple[str, str]) -> None:
    name, alias = named
    listed = models.AliasDescription(alias_name=alias, collection_name=name)
    assert listed in client.get_aliases().aliases
    assert client.get_collection_aliases(name).aliases == [listed]
    assert client.get_collection_aliases(alias).aliases == [listed]


def test_an_alias_moves_to_another_collection_in_one_request(node: RunningNode, named: tuple[str, str]) -> None:
    name, alias = named
    new = f"new-{uuid.uuid4()}"
    node.ok("PUT", f"/collections/{new}", {"vectors": {"size": 2, "distance": "Dot"}})
    actions = [
        {"delete_alias": {"alias_name": alias}},
        {"create_alias": {"alias_name": alias, "collection_name": new}},
        {"create_alias": {"alias_name": f"{alias}-old", "collection_name": name}},
        {"rename_alias": {"old_alias_name": f"{alias}-old", "new_alias_name": f"{alias}-before"}},
    ]
    node.ok("POST", "/collections/aliases", {"actions": actions})
    assert node.ok("POST", f"/collections/{alias}/points/count", {})["count"] == 0
    assert node.ok("POST", f"/collections/{alias}-before/points/count", {})["count"] == 2
    assert node.ok("GET", f"/collections/{alias}-old/exists") == {"exists": False}


def test_deleting_by_alias_deletes_nothing_and_deleting_the_collection_its_aliases(
    node: RunningNode, named: tuple[str, str]
) -> None:
    name, alias = named
    assert node.ok("DELETE", f"/collections/{alias}") is False
    assert node.ok("DELETE", f"/collections/{name}") is True
    assert node.ok("GET", f"/collections/{alias}/exists") == {"exists": False}
    assert alias not in str(node.ok("GET", "/aliases"))


def test_a_refused_action_undoes_the_ones_before_it(node: RunningNode, named: tuple[str, str]) -> None:
    name, alias = named
    cases: list[tuple[Any, int, str]] = [
        (
            {"create_alias": {"alias_name": "b", "collection_name": "gone"}},
            404,
            "Not found: Collection `gone` doesn't exist!",
        ),
        (
            {"create_alias": {"alias_name": name, "collection_name": name}},
            409,
            f"Wrong input: Collection `{name}` already exists!",
        ),
        (
            {"rename_alias": {"old_alias_name": "gone", "new_alias_name": "b"}},
            404,
            "Not found: Alias gone does not exists!",
        ),
        (
            {"create_alias": {"alias_name": "a/b", "collection_name": name}},
            422,
            'collection name cannot contain "/" char',
        ),
    ]
    for action, status, sentence in cases:
        answer = node.request(
            "POST", "/collections/aliases", {"actions": [{"delete_alias": {"alias_name": alias}}, action]}
        )
        assert answer.status_code == status
        assert sentence in answer.json()["status"]["error"]
        assert node.ok("GET", f"/collections/{alias}/exists") == {"exists": True}


def test_a_collection_cannot_take_an_alias_name(node: RunningNode, named: tuple[str, str]) -> None:
    _, alias = named
    answer = node.request("PUT", f"/collections/{alias}", {"vectors": {"size": 2, "distance": "Dot"}})
    assert answer.status_code == 400
    assert f"Can't create collection with name {alias}. Alias with the same name already exists" in answer.text
