"""The Inference tab: state and toggle, progress, models."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from clusters.models import Cluster, Operation
from clusters.queries import current_operation
from clusters.rules.lifecycle import OperationKind, Phase, refusal_sentence
from inference.catalogue import CATALOGUE
from inference.rules import NOT_ELIGIBLE_SENTENCE
from tests.console.conftest import make_operation, record_usage
from tests.console.html import parse
from tests.console.inference_tab import MINILM, tab, worker_that_says

LIVE = {"HX-Request": "true", "HX-Target": "live"}


class TestToggle:
    @pytest.mark.parametrize("refused", [{"region": "eu-central-1"}, {"paid": False}])
    def test_where_inference_is_not_available_it_is_disabled_with_the_gates_sentence(
        self, refused: dict[str, object], console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster("paid-eu", **refused)
        page = tab(console, cluster)
        assert page.one(id="reason-text").text == NOT_ELIGIBLE_SENTENCE
        assert "disabled" in page.one(id="switch").one("button").attributes
        answer = console.post(f"/clusters/{cluster.pk}/inference/switch", {"to": "on"})
        assert answer.status_code == 409
        assert parse(answer).one("p", role="alert").text == NOT_ELIGIBLE_SENTENCE
        assert not Operation.objects.exists()

    def test_in_a_phase_that_cannot_restart_it_says_so(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster("new-us", phase=Phase.SUSPENDED)
        sentence = refusal_sentence(OperationKind.RESTART, "new-us", Phase.SUSPENDED)
        assert tab(console, cluster).one(id="reason-text").text == sentence

    @pytest.mark.parametrize("to", ["on", "off"])
    def test_it_asks_first_and_names_the_restart(
        self, to: str, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster("new-us", inference=to == "off")
        link = tab(console, cluster).one("a", id="toggle").attributes["href"]
        question = parse(console.get(link)).one(id="switch")
        assert question.one("h3").text == f"Switch inference {to} for new-us?"
        assert "This restarts the cluster." in question.text
        assert question.one("input", name="to").attributes["value"] == to
        assert not Operation.objects.exists()

    @pytest.mark.parametrize("htmx", [False, True])
    def test_confirmed_it_restarts_the_cluster_and_shows_the_steps(
        self, htmx: bool, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster("legacy-us")
        path = f"/clusters/{cluster.pk}/inference/switch"
        answer = console.post(path, {"to": "on"}, headers=LIVE if htmx else {})
        if not htmx:
            assert answer.headers["Location"] == f"/clusters/{cluster.pk}/inference"
            answer = console.get(answer.headers["Location"])
        live = parse(answer).one(id="live")
        assert live.attributes["hx-trigger"] == "every 700ms"
        assert "Switching on" in live.text
        assert [step.attributes["class"] for step in live.all("li")] == ["waiting"] * 4
        assert Operation.objects.get().summary == "Switch inference on"
        assert Operation.objects.get().requested_by == "owner@acme.example"

    def test_asking_twice_restarts_once(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        cluster = make_cluster("legacy-us")
        for _ in range(2):
            console.post(f"/clusters/{cluster.pk}/inference/switch", {"to": "on"})
        assert Operation.objects.count() == 1

    def test_neither_on_nor_off_is_no_question(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        path = f"/clusters/{make_cluster().pk}/inference/switch"
        for query in ({}, {"to": "sideways"}):
            assert console.get(path, query).status_code == 404
            assert console.post(path, query).status_code == 404


class TestProgress:
    @pytest.mark.parametrize(
        ("state", "steps_done", "classes", "polls"),
        [
            ("pending", 0, ["waiting"] * 4, True),
            ("running", 1, ["done", "running", "waiting", "waiting"], True),
            ("running", 4, ["done"] * 4, True),
            ("failed", 3, ["done"] * 3 + ["failed"], False),
            ("succeeded", 4, ["done"] * 4, False),
        ],
    )
    def test_the_fragment_follows_the_operation_to_its_end(
        self,
        state: str,
        steps_done: int,
        classes: list[str],
        polls: bool,
        console: Client,
        make_cluster: Callable[..., Cluster],
    ) -> None:
        cluster = make_cluster(inference=True)
        make_operation(cluster, state, steps_done=steps_done, error="It broke." if state == "failed" else "")
        fragment = parse(console.get(f"/clusters/{cluster.pk}/inference", headers=LIVE))
        live = fragment.one(id="live")
        assert [step.attributes["class"] for step in live.all("li")] == classes
        assert ("hx-get" in live.attributes) is polls
        assert ("It broke." in live.text) is (state == "failed")
        assert fragment.one("span", id="phase").attributes["hx-swap-oob"] == "true"

    def test_an_operation_that_waits_for_its_node_agent_says_so_and_goes_on(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster(inference=True)
        make_operation(cluster, "running", steps_done=1, error="The node agent does not answer.")
        assert "The node agent does not answer. Trying again." in tab(console, cluster).one(id="live").text

    def test_a_superseded_operation_gives_way_to_the_one_that_does_its_work(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster(generation=3)
        make_operation(cluster, "superseded", generation=2)
        make_operation(cluster, "running", generation=3, summary="Switch inference off")
        assert "Switch inference off" in tab(console, cluster).one(id="progress-title").text

    @pytest.mark.parametrize(
        ("states", "shown"),
        [
            (["superseded"], None),
            (["failed", "succeeded", "superseded"], 3),
            (["succeeded", "running", "pending"], 3),
            (["pending", "superseded", "succeeded"], 2),
        ],
    )
    def test_the_operation_at_work_is_shown_else_the_one_that_ended_last(
        self, states: list[str], shown: int | None, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        for generation, state in enumerate(states, start=2):
            make_operation(cluster, state, generation=generation)
        operation = current_operation(cluster)
        assert (operation.generation if operation else None) == shown

    def test_the_fragment_asks_neither_the_worker_nor_the_ledger(
        self, console: Client, make_cluster: Callable[..., Cluster], django_assert_max_num_queries: Callable
    ) -> None:
        cluster = make_cluster(inference=True)
        make_operation(cluster, "running")
        with django_assert_max_num_queries(6) as queries:
            console.get(f"/clusters/{cluster.pk}/inference", headers=LIVE)
        assert not [query for query in queries.captured_queries if "billing_usageevent" in query["sql"]]


class TestModels:
    def test_the_table_has_every_model_with_its_facts(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        page = tab(console, make_cluster())
        rows = {
            row.attributes["data-model"]: [td.text for td in row.all("td")]
            for row in page.all("tr")
            if "data-model" in row.attributes
        }
        assert list(rows) == list(CATALOGUE)
        assert rows[MINILM][:4] == ["Dense text", "384", "256", "Free"]
        assert rows["mixedbread-ai/mxbai-embed-large-v1"][:4] == ["Dense text", "1024", "512", "$0.03"]
        assert rows["qdrant/bm25"][:4] == ["Sparse text", "–", "–", "Free"]
        assert rows["answerdotai/answerai-colbert-small-v1"][:2] == ["Multivector text", "96"]
        assert rows["qdrant/clip-vit-b-32-vision"][:4] == ["Dense image", "512", "–", "$0.05"]
        assert rows["openai/*"][3] == "By the provider"

    def test_usage_is_this_clusters_and_this_months_to_the_token(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster, other = make_cluster("one"), make_cluster("two")
        record_usage(cluster, "mixedbread-ai/mxbai-embed-large-v1", 1_234_567)
        record_usage(cluster, MINILM, 7)
        record_usage(cluster, MINILM, 1000, occurred_at=datetime(2026, 1, 1, tzinfo=UTC))
        record_usage(other, MINILM, 500)
        page = tab(console, cluster)
        row = page.one("tr", data_model="mixedbread-ai/mxbai-embed-large-v1").all("td")
        assert [cell.text for cell in row[-2:]] == ["1,234,567", "$0.03703701"]
        assert page.one("tr", data_model=MINILM).all("td")[-2].text == "7"
        assert page.one("tfoot").text == "Total this month 1,234,574 $0.03703701"

    def test_without_the_worker_the_page_works_and_says_so(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        page = tab(console, make_cluster())
        assert "The inference worker does not answer" in page.text
        assert page.one("tr", data_model=MINILM).all("td")[4].text == "Unknown"

    def test_the_state_of_weights_is_the_workers(
        self, console: Client, make_cluster: Callable[..., Cluster], settings: object
    ) -> None:
        said = [
            {"name": MINILM, "state": "ready", "progress": None, "reason": None},
            {"name": "qdrant/bm25", "state": "available", "progress": None, "reason": None},
            {"name": "intfloat/multilingual-e5-small", "state": "downloading", "progress": 0.42, "reason": None},
            {
                "name": "prithivida/splade_pp_en_v1",
                "state": "unavailable",
                "progress": None,
                "reason": "No <b>hub</b>.",
            },
        ]
        with worker_that_says(said, settings):
            page = tab(console, make_cluster())
        weights = {name: page.one("tr", data_model=name).all("td")[4].text for name in CATALOGUE}
        assert weights[MINILM] == "Ready"
        assert weights["qdrant/bm25"] == "Loads on first use"
        assert weights["intfloat/multilingual-e5-small"] == "Downloading 42 %"
        assert weights["prithivida/splade_pp_en_v1"].startswith("Unavailable Why? No <b>hub</b>.")
        assert weights["mixedbread-ai/mxbai-embed-large-v1"] == "Unknown"
        assert weights["openai/*"] == "At the provider"
        assert "does not answer" not in page.text
