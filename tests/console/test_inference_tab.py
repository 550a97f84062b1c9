"""The Inference tab: state and toggle, models, snippets."""

import ast
import html
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from threading import Thread

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from clusters.models import Cluster, Operation
from clusters.rules.lifecycle import OperationKind, Phase, refusal_sentence
from inference.catalogue import CATALOGUE
from inference.models import ModelDownload
from inference.rules import NOT_ELIGIBLE_SENTENCE
from inference.snippets import CLIENT_VERSIONS, LANGUAGES, Endpoint, Language, has_snippet, render_snippet
from tests.console.conftest import make_operation, record_usage
from tests.console.html import Element, parse

ENDPOINT = Endpoint("http://localhost", settings.GATEWAY_REST_PORT, settings.GATEWAY_GRPC_PORT)
LIVE = {"HX-Request": "true", "HX-Target": "live"}
MINILM = "sentence-transformers/all-minilm-l6-v2"


def tab(console: Client, cluster: Cluster, **query: str) -> Element:
    return parse(console.get(f"/clusters/{cluster.pk}/inference", query))


@contextmanager
def worker_that_says(models: list[dict[str, object]], settings: object) -> Iterator[None]:
    """An inference worker, as far as this page asks it."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/models"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"models": models}).encode())

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    settings.INFERENCE_ADDRESSES = ["127.0.0.1:1", f"127.0.0.1:{server.server_port}"]
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


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
        assert rows["answerdotai/answerai-colbert-small-v1"][:2] == ["Multi text", "96"]
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


class TestUsage:
    MXBAI = "mixedbread-ai/mxbai-embed-large-v1"

    def now(self, console: Client, cluster: Cluster, seen: str) -> object:
        path = f"/clusters/{cluster.pk}/inference/usage"
        return console.get(path, {"seen": seen}, headers={"HX-Request": "true", "HX-Target": "usage"})

    def seen(self, page: Element) -> str:
        return page.one("section", id="usage").attributes["hx-get"].split("seen=")[1]

    def test_the_chart_has_a_line_for_each_model_and_a_row_for_each_of_thirty_days(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster, other = make_cluster("one"), make_cluster("two")
        today = timezone.now()
        record_usage(cluster, MINILM, 1000, today)
        record_usage(cluster, MINILM, 7, today)
        record_usage(cluster, self.MXBAI, 5000, today - timedelta(days=29))
        record_usage(cluster, self.MXBAI, 1, today - timedelta(days=30))
        record_usage(other, MINILM, 9, today)
        usage = tab(console, cluster).one("section", id="usage")
        assert "6,007 tokens" in usage.text
        head, *rows = ([cell.text for cell in row.descendants() if cell.tag in ("th", "td")] for row in usage.all("tr"))
        assert head == ["Day (UTC)", "mxbai-embed-large-v1", "all-MiniLM-L6-v2"]
        assert len(rows) == 30
        assert (rows[0][1:], rows[-1][1:]) == (["5,000", "0"], ["0", "1,007"])
        assert rows[-1][0] == f"{today.day} {today:%b %Y}"
        assert {tuple(row[1:]) for row in rows[1:-1]} == {("0", "0")}

    def test_models_beyond_five_are_summed_up(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        cluster = make_cluster()
        names = [name for name, spec in CATALOGUE.items() if not spec.is_external][:7]
        for number, name in enumerate(names):
            record_usage(cluster, name, 10**number)
        usage = tab(console, cluster).one("section", id="usage")
        assert [cell.text for cell in usage.all("th", class_="number")][-1] == "Other models"
        assert usage.all("tr")[-1].all("td")[-1].text == "11"

    def test_each_model_has_a_sparkline_with_a_bar_for_each_day_it_worked(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        for days, tokens in ((0, 1_000_000), (3, 500_000), (29, 1)):
            record_usage(cluster, MINILM, tokens, timezone.now() - timedelta(days=days))
        page = tab(console, cluster)
        bars = page.one("tr", data_model=MINILM).one("svg", class_="spark").all("rect")
        places = [tuple(int(bar.attributes[name]) for name in ("x", "y", "height")) for bar in bars]
        assert places == [(0, 19, 1), (104, 10, 10), (116, 0, 20)]
        assert "1,500,001 tokens" in page.one("tr", data_model=MINILM).text
        assert not page.one("tr", data_model=self.MXBAI).one("svg", class_="spark").all("rect")

    def test_new_usage_arrives_by_itself_and_nothing_else_does(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        page = tab(console, cluster)
        assert "No tokens yet" in page.one("section", id="usage").text
        seen = self.seen(page)
        assert self.now(console, cluster, seen).status_code == 204
        record_usage(cluster, self.MXBAI, 1_000_000)
        fragment = parse(self.now(console, cluster, seen))
        assert "1,000,000 tokens" in fragment.one("section", id="usage").text
        later = fragment.one("template")
        model = CATALOGUE[self.MXBAI].id
        assert later.one("td", id=f"tokens-{model}").attributes["data-tokens"] == "1000000"
        assert later.one("td", id=f"cost-{model}").text == "$0.03"
        assert later.one("td", id="total-tokens").text == "1,000,000"
        assert all(cell.attributes["hx-swap-oob"] == "true" for cell in later.all("td"))
        assert self.now(console, cluster, self.seen(fragment)).status_code == 204

    def test_the_cells_that_arrive_are_those_that_are_there(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster()
        there = tab(console, cluster)
        record_usage(cluster, MINILM, 5)
        ids = [cell.attributes["id"] for cell in parse(self.now(console, cluster, "old")).one("template").all("td")]
        assert all(there.one("td", id=id) for id in ids)

    def test_without_a_script_the_address_leads_to_the_tab(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        path = f"/clusters/{make_cluster().pk}/inference"
        assert console.get(f"{path}/usage").headers["Location"] == path


class TestDownloads:
    MODEL = "intfloat/multilingual-e5-small"

    def cell(self, page: Element) -> Element:
        return page.one("tr", data_model=self.MODEL).one("div")

    def said(self, state: str, progress: float | None = None) -> list[dict[str, object]]:
        return [{"name": self.MODEL, "state": state, "progress": progress, "reason": "not here"}]

    def test_what_is_not_here_can_be_asked_for_and_is_followed_to_its_end(
        self, console: Client, make_cluster: Callable[..., Cluster], settings: object
    ) -> None:
        cluster = make_cluster()
        settings.INFERENCE_OFFLINE = False
        with worker_that_says(self.said("missing"), settings):
            cell = self.cell(tab(console, cluster))
            assert cell.text == "Not downloaded Download Multilingual E5 small"
            assert "hx-get" not in cell.attributes
            path = cell.one("form").attributes["action"]
            asked = parse(console.post(path, headers={"HX-Request": "true"})).one("div")
            assert asked.text == "Waits for its download"
            assert asked.attributes["hx-get"] == path
            ModelDownload.objects.update(state="running", progress=0.426)
            running = parse(console.get(path, headers={"HX-Request": "true"})).one("div")
            assert running.one("progress").attributes["value"] == "43"
            assert running.attributes["hx-get"] == path
            ModelDownload.objects.update(state="failed", reason="No <b>hub</b>.")
            failed = parse(console.get(path, headers={"HX-Request": "true"})).one("div")
            assert failed.text == "Unavailable Why? No <b>hub</b>. Download Multilingual E5 small"
            assert "hx-get" not in failed.attributes
            assert console.post(path).headers["Location"] == f"/clusters/{cluster.pk}/inference"
            assert ModelDownload.objects.filter(state="queued").count() == 1
        with worker_that_says(self.said("available"), settings):
            ModelDownload.objects.filter(state="queued").update(state="done")
            assert self.cell(tab(console, cluster)).text == "Loads on first use"

    def test_a_download_that_the_worker_sees_is_shown_whoever_runs_it(
        self, console: Client, make_cluster: Callable[..., Cluster], settings: object
    ) -> None:
        with worker_that_says(self.said("downloading", 0.5), settings):
            cell = self.cell(tab(console, make_cluster()))
        assert cell.text == "Downloading 50 %"
        assert cell.attributes["hx-trigger"] == "every 1s"

    def test_offline_and_for_readers_there_is_no_button(
        self,
        console: Client,
        readers_console: Client,
        make_cluster: Callable[..., Cluster],
        settings: object,
    ) -> None:
        cluster = make_cluster()
        settings.INFERENCE_OFFLINE = False
        path = f"/clusters/{cluster.pk}/inference/weights/{CATALOGUE[self.MODEL].id}"
        with worker_that_says(self.said("missing"), settings):
            assert self.cell(tab(readers_console, cluster)).text == "Not downloaded"
            assert readers_console.post(path).status_code == 403
            settings.INFERENCE_OFFLINE = True
            assert self.cell(tab(console, cluster)).text == "Not downloaded"
            answer = console.post(path)
        assert answer.status_code == 409
        assert "This cloud is offline" in parse(answer).one("p", role="alert").text
        assert not ModelDownload.objects.exists()

    def test_an_unknown_model_is_not_found(self, console: Client, make_cluster: Callable[..., Cluster]) -> None:
        cluster = make_cluster()
        assert console.get(f"/clusters/{cluster.pk}/inference/weights/{cluster.pk}").status_code == 404


class TestSnippets:
    def test_the_page_shows_the_snippet_of_the_chosen_model_and_language(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        cluster = make_cluster(inference=True)
        for language in LANGUAGES.values():
            for name in ("qdrant/bm25", MINILM):
                page = tab(console, cluster, model=name, language=language.name)
                shown = page.one("code", id="snippet")
                expected = render_snippet(language=language, spec=CATALOGUE[name], endpoint=ENDPOINT).text
                assert re.sub(r"\s", "", shown.text) == re.sub(r"\s", "", expected)
                assert name in expected
                assert "export QDRANT_API_KEY=" in page.one(id="snippets").text

    def test_the_project_is_the_shown_program_with_its_build_file(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        page = tab(console, make_cluster(inference=True), model=MINILM, language="go")
        answer = console.get(html.unescape(page.one("a", id="project").attributes["href"]))
        assert answer.headers["Content-Disposition"] == 'attachment; filename="new-us-go.zip"'
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            files = {name.split("/", 1)[1]: archive.read(name).decode() for name in archive.namelist()}
        assert set(files) == {"main.go", "go.mod", "README.md"}
        assert re.sub(r"\s", "", files["main.go"]) == re.sub(r"\s", "", page.one("code", id="snippet").text)
        assert CLIENT_VERSIONS["go"] in files["go.mod"]

    def test_an_unknown_choice_falls_back_to_the_first(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        page = tab(console, make_cluster(), model="<script>", language="../../etc")
        assert page.one("code", id="snippet").attributes["data-language"] == "python"

    def test_where_the_program_would_be_refused_the_data_planes_sentence_says_so(
        self, console: Client, make_cluster: Callable[..., Cluster]
    ) -> None:
        eu, off, on = make_cluster("eu", region="eu-central-1"), make_cluster("off"), make_cluster("on", inference=True)
        assert NOT_ELIGIBLE_SENTENCE in tab(console, eu).one(id="snippet-refusal").text
        assert "switched off for cluster off" in tab(console, off).one(id="snippet-refusal").text
        assert tab(console, on).one(id="snippet-refusal").text == ""
        assert tab(console, eu, model="qdrant/bm25").one(id="snippet-refusal").text == ""

    @pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
    @pytest.mark.parametrize("name", [name for name, spec in CATALOGUE.items() if has_snippet(spec)])
    def test_every_hosted_model_has_a_whole_program_in_every_language(self, name: str, language: Language) -> None:
        spec = CATALOGUE[name]
        text = render_snippet(language=language, spec=spec, endpoint=Endpoint("https://a.example", 63, 64)).text
        assert "<%" not in text
        assert name in text
        assert "a.example" in text
        assert "QDRANT_API_KEY" in text
        if spec.dimensions:
            assert str(spec.dimensions) in text
        if language.name == "python":
            ast.parse(text)
        if language.name == "curl":
            subprocess.run(["bash", "-n"], input=text, text=True, check=True)
            for body in re.findall(r"-d '(\{.*?\})'", text, re.DOTALL):
                json.loads(body)

    def test_the_python_program_is_for_the_client_that_this_project_uses(self) -> None:
        assert CLIENT_VERSIONS["python"] == metadata.version("qdrant-client")

    def test_models_of_other_providers_have_none(self) -> None:
        assert not has_snippet(CATALOGUE["openai/*"])
