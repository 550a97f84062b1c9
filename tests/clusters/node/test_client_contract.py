"""The official client against a node: what it sends is understood, what it gets is what Qdrant would answer."""

import uuid

import numpy as np
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from tests.clusters.node.conftest import ids


class TestCollections:
    def test_a_new_collection_exists_and_says_what_was_asked_for(self, client: QdrantClient) -> None:
        client.create_collection(
            "told",
            vectors_config=models.VectorParams(
                size=4, distance=models.Distance.EUCLID, on_disk=True, hnsw_config=models.HnswConfigDiff(m=8)
            ),
            quantization_config=models.ScalarQuantization(
                scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99)
            ),
            optimizers_config=models.OptimizersConfigDiff(default_segment_number=2),
            on_disk_payload=False,
            metadata={"owner": "cook"},
        )
        config = client.get_collection("told").config
        assert client.collection_exists("told")
        assert "told" in [collection.name for collection in client.get_collections().collections]
        assert (config.params.vectors.size, config.params.vectors.distance) == (4, models.Distance.EUCLID)
        assert config.params.vectors.hnsw_config.m == 8
        assert config.params.on_disk_payload is False
        assert config.quantization_config.scalar.quantile == 0.99
        assert config.optimizer_config.default_segment_number == 2
        assert config.hnsw_config.ef_construct == 100
        assert config.metadata == {"owner": "cook"}

    def test_counts_are_true_after_upserts_and_deletes(self, client: QdrantClient, square: str) -> None:
        assert client.get_collection(square).points_count == 4
        client.delete(square, [1, 2])
        info = client.get_collection(square)
        assert (info.points_count, client.count(square).count) == (2, 2)
        assert info.status == models.CollectionStatus.GREEN

    def test_a_deleted_collection_is_gone(self, client: QdrantClient, square: str) -> None:
        assert client.delete_collection(square)
        assert not client.collection_exists(square)
        assert not client.delete_collection(square)
        with pytest.raises(UnexpectedResponse, match="404"):
            client.get_collection(square)

    def test_an_existing_collection_is_not_created_again(self, client: QdrantClient, square: str) -> None:
        with pytest.raises(UnexpectedResponse, match="already exists") as refusal:
            client.create_collection(square, models.VectorParams(size=3, distance=models.Distance.DOT))
        assert refusal.value.status_code == 409
        assert client.count(square).count == 4

    def test_an_update_changes_what_it_names_and_keeps_the_points(self, client: QdrantClient, square: str) -> None:
        client.update_collection(
            square,
            hnsw_config=models.HnswConfigDiff(m=32),
            vectors_config={"": models.VectorParamsDiff(on_disk=True)},
            metadata={"season": "winter"},
        )
        info = client.get_collection(square)
        assert (info.config.hnsw_config.m, info.config.hnsw_config.ef_construct) == (32, 100)
        assert info.config.params.vectors.on_disk is True
        assert info.config.metadata == {"season": "winter"}
        assert info.points_count == 4

    def test_a_payload_index_is_listed_with_its_parameters(self, client: QdrantClient, square: str) -> None:
        client.create_payload_index(
            square, "colour", models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
        )
        client.create_payload_index(square, "rank", models.PayloadSchemaType.INTEGER)
        schema = client.get_collection(square).payload_schema
        assert (schema["rank"].data_type, schema["rank"].points) == (models.PayloadSchemaType.INTEGER, 4)
        assert schema["colour"].params.is_tenant is True
        client.delete_payload_index(square, "rank")
        assert "rank" not in client.get_collection(square).payload_schema


class TestPoints:
    def test_a_vector_comes_back_as_the_same_32_bit_floats(self, client: QdrantClient) -> None:
        client.create_collection("floats", models.VectorParams(size=256, distance=models.Distance.DOT))
        vector = np.random.default_rng(7).standard_normal(256).astype(np.float32)
        client.upsert("floats", [models.PointStruct(id=1, vector=vector.tolist())])
        returned = client.retrieve("floats", [1], with_vectors=True)[0].vector
        assert np.array_equal(np.array(returned, dtype=np.float32), vector)

    def test_points_are_got_by_integer_and_uuid(self, client: QdrantClient, square: str) -> None:
        name = str(uuid.uuid4())
        client.upsert(
            square, [models.PointStruct(id=name, vector=[1, 1]), models.PointStruct(id=2**64 - 1, vector=[1, 2])]
        )
        assert ids(client.retrieve(square, [name, 2**64 - 1, 1, 77])) == [name, 2**64 - 1, 1]

    def test_the_batch_form_stores_columns(self, client: QdrantClient, hybrid: str) -> None:
        word = models.SparseVector(indices=[1], values=[1.0])
        client.upsert(
            hybrid,
            models.Batch(
                ids=[8, 9],
                vectors={"dense": [[8.0, 0.0], [9.0, 0.0]], "words": [word, word]},
                payloads=[{"id": 8}, {"id": 9}],
            ),
        )
        stored = client.retrieve(hybrid, [9], with_vectors=True)[0]
        assert stored.payload == {"id": 9}
        assert stored.vector["dense"] == [9.0, 0.0]
        assert stored.vector["words"] == word

    def test_scrolling_walks_through_all_points_once(self, client: QdrantClient, square: str) -> None:
        seen, offset = [], None
        while True:
            page, offset = client.scroll(square, limit=3, offset=offset)
            seen += ids(page)
            if offset is None:
                break
        assert sorted(seen) == [1, 2, 3, 4]

    def test_scrolling_by_a_field_needs_its_index(self, client: QdrantClient, square: str) -> None:
        with pytest.raises(UnexpectedResponse, match="No range index for `order_by` key: `rank`"):
            client.scroll(square, order_by="rank")
        client.create_payload_index(square, "rank", models.PayloadSchemaType.INTEGER)
        order = models.OrderBy(key="rank", direction=models.Direction.DESC)
        assert ids(client.scroll(square, order_by=order, limit=2)[0]) == [4, 3]

    @pytest.mark.parametrize("form", ["ids", "filter"])
    def test_points_are_deleted_by_ids_and_by_filter(self, client: QdrantClient, square: str, form: str) -> None:
        red = models.Filter(must=[models.FieldCondition(key="colour", match=models.MatchValue(value="red"))])
        client.delete(square, [1, 2] if form == "ids" else models.FilterSelector(filter=red))
        assert sorted(ids(client.scroll(square)[0])) == [3, 4]

    def test_payloads_are_merged_replaced_and_cleared(self, client: QdrantClient, square: str) -> None:
        def payload(id: int) -> dict:
            return client.retrieve(square, [id])[0].payload

        client.set_payload(square, {"size": 2}, points=[1])
        assert payload(1) == {"colour": "red", "rank": 1, "size": 2}
        client.delete_payload(square, ["rank"], points=[1])
        assert payload(1) == {"colour": "red", "size": 2}
        client.overwrite_payload(square, {"only": True}, points=[2])
        assert payload(2) == {"only": True}
        client.clear_payload(square, [3])
        assert payload(3) == {}

    def test_vectors_are_replaced_and_removed_by_name(self, client: QdrantClient, hybrid: str) -> None:
        client.update_vectors(hybrid, [models.PointVectors(id=1, vector={"dense": [7.0, 7.0]})])
        client.delete_vectors(hybrid, ["words"], [1])
        vectors = client.retrieve(hybrid, [1], with_vectors=True)[0].vector
        assert vectors["dense"] == [7.0, 7.0]
        assert "words" not in vectors
        assert "late" in vectors

    def test_a_batch_of_updates_is_applied_in_order(self, client: QdrantClient, square: str) -> None:
        results = client.batch_update_points(
            square,
            [
                models.UpsertOperation(upsert=models.PointsList(points=[models.PointStruct(id=5, vector=[1, 1])])),
                models.SetPayloadOperation(set_payload=models.SetPayload(payload={"a": 1}, points=[5])),
                models.DeleteOperation(delete=models.PointIdsList(points=[1])),
            ],
        )
        assert [result.status for result in results] == [models.UpdateStatus.COMPLETED] * 3
        assert client.retrieve(square, [5, 1])[0].payload == {"a": 1}
        assert ids(client.retrieve(square, [1])) == []

    def test_insert_only_leaves_existing_points_alone(self, client: QdrantClient, square: str) -> None:
        points = [models.PointStruct(id=id, vector=[0.5, 0.5], payload={"new": True}) for id in (1, 9)]
        client.upsert(square, points, update_mode=models.UpdateMode.INSERT_ONLY)
        old, new = client.retrieve(square, [1, 9])
        assert "new" not in old.payload
        assert new.payload == {"new": True}
