"""Weights that are not here, asked for and followed on the Inference tab."""

from collections.abc import Callable

from django.test import Client

from clusters.models import Cluster
from inference.catalogue import CATALOGUE
from inference.models import ModelDownload
from tests.console.html import Element, parse
from tests.console.inference_tab import tab, worker_that_says


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
