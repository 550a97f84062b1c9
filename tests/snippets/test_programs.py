"""Every program of the Inference tab, built and run as a user does it, against a running cloud.

A language whose toolchain is not on this machine is skipped and named. Models whose weights are not at hand are tiny
ones of the tests' own; what those answer is checked for its shape, what the real ones answer for its sense.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.catalogue import CATALOGUE
from inference.snippets import CLIENT_VERSIONS, LANGUAGES, Endpoint, Language, project_files
from tests.inference.conftest import tiny_models_dir
from tests.inference.pictures import picture
from tests.running_cloud import RunningCloud, start_cloud

__all__ = ["tiny_models_dir"]

# What each language needs on the machine, and a question to where its packages come from.
NEEDS = {
    "python": ("python3", "pip download --quiet --no-deps qdrant-client=={}"),
    "curl": ("curl", "true"),
    "typescript": ("npm", "npm view @qdrant/js-client-rest@{} version"),
    "rust": ("cargo", "cargo info qdrant-client@{}"),
    "java": ("mvn", "mvn --quiet dependency:get -Dartifact=io.qdrant:client:{}"),
    "csharp": ("dotnet", "dotnet package search Qdrant.Client --exact-match"),
    "go": ("go", "go list -m github.com/qdrant/go-client@v{}"),
}
TRUE_MODELS = ("sentence-transformers/all-minilm-l6-v2", "qdrant/bm25")
MODELS = (
    *TRUE_MODELS,
    "prithivida/splade_pp_en_v1",
    "answerdotai/answerai-colbert-small-v1",
    "qdrant/clip-vit-b-32-vision",
    "qdrant/clip-vit-b-32-text",
)
COOKIES = "Recipe for baking chocolate chip cookies"
PICTURES = {"red.png": "red", "blue.png": "blue"}


@pytest.fixture(scope="session")
def snippet_cloud(
    tmp_path_factory: pytest.TempPathFactory, tiny_models_dir: Path
) -> Iterator[tuple[RunningCloud, Endpoint, str]]:
    """A cloud whose models all answer, the endpoint of its cluster new-us and a key of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFERENCE_MODELS_DIR", str(tiny_models_dir))
        with start_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
            ports = (int(cloud.environment[f"GATEWAY_{protocol}_PORT"]) for protocol in ("REST", "GRPC"))
            yield cloud, Endpoint("http://localhost", *ports), cloud.cluster("new-us")["api_key"]


@pytest.fixture(scope="module", params=LANGUAGES.values(), ids=LANGUAGES)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Language, Path]:
    """A language and a folder that its projects share, so that a client is fetched and built once."""
    language: Language = request.param
    tool, question = NEEDS[language.name]
    if not shutil.which(tool):
        pytest.skip(f"{language.title}: there is no {tool} on this machine")
    folder = tmp_path_factory.mktemp(language.name)
    asked = shell(question.format(CLIENT_VERSIONS.get(language.name)), folder, timeout=180)
    if asked.returncode != 0:
        pytest.skip(f"{language.title}: its client cannot be fetched here: {asked.stderr[-200:]}")
    return language, folder


@pytest.mark.timeout(600)  # the first build of a language fetches and compiles its client
@pytest.mark.parametrize("model", MODELS)
def test_the_program_builds_runs_and_answers(
    model: str, project: tuple[Language, Path], snippet_cloud: tuple[RunningCloud, Endpoint, str]
) -> None:
    language, folder = project
    _, endpoint, key = snippet_cloud
    for name, text in project_files(language=language, spec=CATALOGUE[model], endpoint=endpoint).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name, colour in PICTURES.items():
        (folder / name).write_bytes(picture(colour=colour))

    if language.build:
        in_shell(language.build, folder, key)
    takes_files = "clip" in model
    said = in_shell(language.run_with(" ".join(PICTURES)) if takes_files else language.run, folder, key)

    answers = points_of(language, said)
    assert answers, said
    if model in TRUE_MODELS:
        assert answers[0][1].startswith(COOKIES)
        assert answers[0][0] > 0
    elif takes_files:
        assert {stored for _, stored in answers} <= set(PICTURES)
    if model == "qdrant/clip-vit-b-32-vision":
        assert answers[0] == (pytest.approx(1, abs=0.001), "red.png")


def shell(command: str, folder: Path, *, timeout: int, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def in_shell(command: str, folder: Path, key: str) -> str:
    """Run it in the project's folder with the key in the environment; what it says, once it ends well."""
    ran = shell(command, folder, timeout=580, QDRANT_API_KEY=key)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def points_of(language: Language, said: str) -> list[tuple[float, str]]:
    """The found points, best first: score and what is stored."""
    if language.name == "curl":
        points = json.loads(said.splitlines()[-1])["result"]["points"]
        return [(point["score"], next(iter(point["payload"].values()))) for point in points]
    return [(float(score), stored) for score, stored in re.findall(r"^(-?\d+\.\d{3})  (.+)$", said, re.MULTILINE)]
