"""The official client against a node: what it sends is understood, what it gets is what Qdrant would answer."""

import uuid

import numpy as np
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

SQUARE = {1: [1.0, 0.0], 2: [0.9, 0.1], 3: [0.0, 1.0], 4: [-1.0, 0.0]}


@pytest.fixture
def square(client: QdrantClient) -> str:
    """Four points around a circle; 1 and 2 are red, 3 and 4 blue."""
    name = f"square-{uuid.uuid4()}"
    client.create_collection(name, vectors_config=models.VectorParams(size=2, distance=models.Distance.COSINE))
    client.upsert(
        name,
        [
            models.PointStruct(id=id, vector=vector, payload={"colour": "red" if id < 3 else "blue", "rank": id})
            for id, vector in SQUARE.items()
        ],
    )
    return name


@pytest.fixture
def hybrid(client: QdrantClient) -> str:
    """Three points with a dense, a sparse and a multivector each."""
    name = f"hybrid-{uuid.uuid4()}"
    client.create_collection(
        name,
        vectors_config={
            "dense": models.VectorParams(size=2, distance=models.Distance.DOT),
            "late": models.VectorParams(
                size=2,
                distance=models.Distance.DOT,
                multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
            ),
        },
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    client.upsert(
        name,
        [
            models.PointStruct(
                id=id,
                vector={
                    "dense": [float(id), 0.0],
                    "late": [[float(id), 0.0], [0.0, 1.0]],
                    "words": models.SparseVector(indices=[id, 10], values=[1.0, 0.5]),
                },
                payload={"id": id},
            )
            for id in (1, 2, 3)
        ],
    )
    return name


def ids(points: list) -> list:
    return [point.id for point in points]


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


class TestQueries:
    def test_the_nearest_points_come_first_with_their_scores(self, client: QdrantClient, square: str) -> None:
        found = client.query_points(square, [1.0, 0.0], limit=2).points
        assert ids(found) == [1, 2]
        assert found[0].score == 1.0
        assert found[0].payload is None or found[0].payload["rank"] == 1

    def test_a_query_by_id_leaves_that_point_out(self, client: QdrantClient, square: str) -> None:
        assert ids(client.query_points(square, 1, limit=2).points) == [2, 3]

    def test_a_filter_an_offset_and_a_threshold_narrow_the_answer(self, client: QdrantClient, square: str) -> None:
        blue = models.Filter(must=[models.FieldCondition(key="colour", match=models.MatchValue(value="blue"))])
        assert ids(client.query_points(square, [1.0, 0.0], query_filter=blue).points) == [3, 4]
        assert ids(client.query_points(square, [1.0, 0.0], offset=1, limit=2).points) == [2, 3]
        assert ids(client.query_points(square, [1.0, 0.0], score_threshold=0.5).points) == [1, 2]

    def test_only_the_payload_and_vectors_asked_for_are_returned(self, client: QdrantClient, hybrid: str) -> None:
        point = client.query_points(
            hybrid, [1.0, 0.0], using="dense", limit=1, with_payload=["id"], with_vectors=["words"]
        ).points[0]
        assert point.payload == {"id": 3}
        assert list(point.vector) == ["words"]

    def test_sparse_and_multivectors_are_searched(self, client: QdrantClient, hybrid: str) -> None:
        sparse = models.SparseVector(indices=[2], values=[1.0])
        assert ids(client.query_points(hybrid, sparse, using="words").points) == [2]
        late = client.query_points(hybrid, [[1.0, 0.0], [0.0, 1.0]], using="late", limit=1).points[0]
        assert (late.id, late.score) == (3, 4.0)

    def test_prefetches_are_fused(self, client: QdrantClient, hybrid: str) -> None:
        found = client.query_points(
            hybrid,
            query=models.FusionQuery(fusion=models.Fusion.RRF),
            prefetch=[
                models.Prefetch(query=[1.0, 0.0], using="dense"),
                models.Prefetch(query=models.SparseVector(indices=[1], values=[1.0]), using="words"),
            ],
        ).points
        assert ids(found)[0] == 1
        assert found[0].score == pytest.approx(1 / 4 + 1 / 2)

    def test_a_prefetch_is_rescored(self, client: QdrantClient, hybrid: str) -> None:
        found = client.query_points(
            hybrid, [-1.0, 0.0], using="dense", prefetch=models.Prefetch(query=[1.0, 0.0], using="dense", limit=2)
        ).points
        assert ids(found) == [2, 3]

    @pytest.mark.parametrize("strategy", [None, *models.RecommendStrategy])
    def test_recommendations_resemble_the_positives(
        self, client: QdrantClient, square: str, strategy: models.RecommendStrategy | None
    ) -> None:
        like = models.RecommendInput(positive=[1], negative=[4], strategy=strategy)
        assert ids(client.query_points(square, models.RecommendQuery(recommend=like), limit=1).points) == [2]

    def test_discovery_and_context_take_pairs(self, client: QdrantClient, square: str) -> None:
        pair = models.ContextPair(positive=1, negative=4)
        discover = models.DiscoverQuery(discover=models.DiscoverInput(target=[0.0, 1.0], context=[pair]))
        assert ids(client.query_points(square, discover, limit=1).points) == [2]
        assert set(ids(client.query_points(square, models.ContextQuery(context=[pair])).points)) == {2, 3}

    def test_diversity_is_asked_for_and_no_vectors_come_with_it(self, client: QdrantClient, square: str) -> None:
        query = models.NearestQuery(nearest=[1.0, 0.0], mmr=models.Mmr(diversity=0.9))
        found = client.query_points(square, query, limit=2).points
        assert found[0].id == 1
        assert found[1].id != 2
        assert found[0].vector is None

    def test_a_formula_changes_scores(self, client: QdrantClient, square: str) -> None:
        twice_the_rank = models.MultExpression(mult=[2.0, "rank"])
        formula = models.FormulaQuery(formula=models.SumExpression(sum=["$score", twice_the_rank]))
        found = client.query_points(square, formula, prefetch=models.Prefetch(query=[1.0, 0.0])).points
        assert ids(found)[0] == 4
        assert found[0].score == pytest.approx(8.0 - 1.0)

    def test_points_are_ordered_by_a_field_and_sampled(self, client: QdrantClient, square: str) -> None:
        client.create_payload_index(square, "rank", models.PayloadSchemaType.INTEGER)
        assert ids(client.query_points(square, models.OrderByQuery(order_by="rank")).points) == [1, 2, 3, 4]
        sample = client.query_points(square, models.SampleQuery(sample=models.Sample.RANDOM), limit=2).points
        assert len(set(ids(sample)) & set(SQUARE)) == 2

    def test_several_queries_are_answered_in_order(self, client: QdrantClient, square: str) -> None:
        answers = client.query_batch_points(
            square, [models.QueryRequest(query=vector, limit=1) for vector in ([1.0, 0.0], [-1.0, 0.0])]
        )
        assert [ids(answer.points) for answer in answers] == [[1], [4]]

    def test_groups_hold_the_best_points_of_each_value(self, client: QdrantClient, square: str) -> None:
        answer = client.query_points_groups(
            square, "colour", query=[1.0, 0.0], limit=2, group_size=1, with_payload=["rank"]
        )
        assert [(group.id, ids(group.hits)) for group in answer.groups] == [("red", [1]), ("blue", [3])]
        assert answer.groups[0].hits[0].payload == {"rank": 1}

    def test_an_indexed_field_is_faceted(self, client: QdrantClient, square: str) -> None:
        client.create_payload_index(square, "colour", models.PayloadSchemaType.KEYWORD)
        hits = client.facet(square, "colour").hits
        assert {(hit.value, hit.count) for hit in hits} == {("red", 2), ("blue", 2)}
