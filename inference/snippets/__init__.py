"""Programs to copy, one per language and kind of model, filled in for a cluster; and the same as whole projects.

``<language>/`` holds a project as it lies in a folder, each file a Jinja template: ``<%= name %>`` is a value of
``_values``, ``<% if name %>`` a condition. ``versions.toml`` pins the official clients.
"""

import io
import tomllib
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from inference.catalogue import CATALOGUE, ModelSpec

FOLDER = Path(__file__).parent
CLIENT_VERSIONS: dict[str, str] = tomllib.loads((FOLDER / "versions.toml").read_text(encoding="utf-8"))

_TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=False,  # noqa: S701  programs; what becomes HTML goes through Pygments, which escapes
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
    # Jinja's own signs stand in programs; these do not
    variable_start_string="<%=",
    variable_end_string="%>",
    block_start_string="<%",
    block_end_string="%>",
    comment_start_string="<%#",
    comment_end_string="#%>",
)


@dataclass(frozen=True)
class Language:
    """``lexer`` is Pygments' name, ``program`` the file that is shown; the rest are commands for a shell.

    ``build`` makes the downloaded project ready, ``run`` starts it, ``arguments`` says how it is told of files.
    """

    name: str
    title: str
    lexer: str
    program: str
    build: str | None
    run: str
    arguments: str = " {}"

    def run_with(self, files: str) -> str:
        return self.run + self.arguments.format(files)


LANGUAGES = {
    language.name: language
    for language in (
        Language("python", "Python", "python", "example.py", "pip install -r requirements.txt", "python example.py"),
        Language("curl", "curl", "bash", "example.sh", None, "bash example.sh"),
        Language(
            "typescript",
            "TypeScript",
            "typescript",
            "example.ts",
            "npm install && npm run build",
            "npm start --silent",
            " -- {}",
        ),
        Language("rust", "Rust", "rust", "src/main.rs", "cargo build", "cargo run --quiet", " -- {}"),
        Language(
            "java",
            "Java",
            "java",
            "src/main/java/Example.java",
            "mvn --quiet compile",
            "mvn --quiet exec:java",
            " -Dexec.args='{}'",
        ),
        Language("csharp", "C#", "csharp", "Program.cs", "dotnet build", "dotnet run", " -- {}"),
        Language("go", "Go", "go", "main.go", "go mod tidy", "go run ."),
    )
}


@dataclass(frozen=True)
class Endpoint:
    """Where a cluster answers: scheme and host without a port, and the ports of both protocols."""

    url: str
    rest_port: int
    grpc_port: int

    @property
    def rest(self) -> str:
        return f"{self.url}:{self.rest_port}"


@dataclass(frozen=True)
class Snippet:
    """A program and the same as HTML of Pygments' classes, without a frame."""

    language: Language
    text: str
    html: str


def has_snippet(spec: ModelSpec) -> bool:
    """Whether programs show this model: not the external ones, whose vectors come from somebody else's service."""
    return not spec.is_external


@lru_cache(maxsize=256)  # making one takes longer than the rest of its page
def render_snippet(*, language: Language, spec: ModelSpec, endpoint: Endpoint) -> Snippet:
    """The program for this model on a cluster. The model must have one (``has_snippet``)."""
    text = _render(language, language.program, spec, endpoint)
    formatter = HtmlFormatter(nowrap=True)
    return Snippet(language, text, highlight(text, get_lexer_by_name(language.lexer), formatter))


def project_files(*, language: Language, spec: ModelSpec, endpoint: Endpoint) -> dict[str, str]:
    """The program with its build file and a README: contents by path, ready to be built and run."""
    folder = FOLDER / language.name
    names = sorted(str(path.relative_to(folder))[: -len(".jinja")] for path in folder.rglob("*.jinja"))
    files = {name: _render(language, name, spec, endpoint) for name in names}
    takes_files = "image" in (spec.modality, _image_spec(spec).modality)
    run = language.run_with("cookies.jpg soup.jpg") if takes_files else language.run
    commands = "\n".join(filter(None, ("export QDRANT_API_KEY='your key'", language.build, run)))
    return files | {"README.md": f"# {spec.title} in {language.title}\n\n```sh\n{commands}\n```\n"}


def project_archive(*, language: Language, spec: ModelSpec, endpoint: Endpoint) -> bytes:
    """``project_files`` as a ZIP file; the same bytes every time."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as entries:
        for name, text in project_files(language=language, spec=spec, endpoint=endpoint).items():
            entries.writestr(zipfile.ZipInfo(f"{_collection(spec)}-{language.name}/{name}"), text)
    return archive.getvalue()


def _render(language: Language, name: str, spec: ModelSpec, endpoint: Endpoint) -> str:
    template = _TEMPLATES.get_template(f"{language.name}/{name}.jinja")
    return template.render(_values(spec, endpoint), client_version=CLIENT_VERSIONS.get(language.name))


def _image_spec(spec: ModelSpec) -> ModelSpec:
    """The model that makes the stored vectors: for a text model that shares a space with images, the images' one."""
    return CATALOGUE[spec.images_by] if spec.images_by else spec


def _collection(spec: ModelSpec) -> str:
    return f"demo-{_image_spec(spec).name.rsplit('/', 1)[-1]}"


def _values(spec: ModelSpec, endpoint: Endpoint) -> dict[str, Any]:
    stored = _image_spec(spec)
    images, by_text = stored.modality == "image", spec is not stored
    address = urlsplit(endpoint.url)
    return {
        "endpoint": endpoint.rest,
        "grpc_endpoint": f"{endpoint.url}:{endpoint.grpc_port}",
        "host": address.hostname,
        "grpc_port": endpoint.grpc_port,
        "tls": "true" if address.scheme == "https" else "false",
        "model": stored.name,
        "query_model": spec.name,
        "collection": _collection(spec),
        "dimensions": stored.dimensions,
        "sparse": stored.vector_type == "sparse",
        "multi": stored.vector_type == "multi",
        "images": images,
        "by_text": by_text,
        "field": "file" if images else "text",
        "question": "chocolate chip cookies"
        if by_text
        else "What ingredients are needed for baking chocolate chip cookies?",
        # BM25 leaves the rarity of a word to the collection; learned sparse models have it in their weights.
        "modifier": "idf" if spec.weights and spec.weights.family == "bm25" else "none",
    }
