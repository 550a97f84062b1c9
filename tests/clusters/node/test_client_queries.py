"""The official client's queries against a node: the points that Qdrant would find, in its order."""

import pytest
from qdrant_client import QdrantClient, models

from tests.clusters.node.conftest import SQUARE, ids


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
