"""The Inference tab's programs: the one that is chosen, its project, and every other."""

import ast
import html
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from importlib import metadata

import pytest
from django.conf import settings
from django.test import Client

from clusters.models import Cluster
from inference.catalogue import CATALOGUE
from inference.rules import NOT_ELIGIBLE_SENTENCE
from inference.snippets import CLIENT_VERSIONS, LANGUAGES, Endpoint, Language, has_snippet, render_snippet
from tests.console.inference_tab import MINILM, tab

ENDPOINT = Endpoint("http://localhost", settings.GATEWAY_REST_PORT, settings.GATEWAY_GRPC_PORT)


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
