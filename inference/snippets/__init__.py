"""Programs to copy: plain files with placeholders, one per language and kind of model, filled in for a cluster.

``<language>/<kind>.txt`` holds a whole program. A placeholder is ``<<name>>``; see ``_values``.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from inference.catalogue import ModelSpec

FOLDER = Path(__file__).parent
_PLACEHOLDER = re.compile(r"<<(\w+)>>")


@dataclass(frozen=True)
class Language:
    """``lexer`` is Pygments' name; ``preparation`` what to run in a shell before the program works."""

    name: str
    title: str
    lexer: str
    preparation: str | None


LANGUAGES = {
    language.name: language
    for language in (
        Language("python", "Python", "python", "pip install qdrant-client"),
        Language("curl", "curl", "bash", None),
    )
}


@dataclass(frozen=True)
class Snippet:
    """A program and the same as HTML of Pygments' classes, without a frame."""

    language: Language
    text: str
    html: str


def snippet_kind(spec: ModelSpec) -> str | None:
    """Which file shows this model; None for external models, whose vectors come from somebody else's service."""
    if spec.is_external:
        return None
    return f"{spec.vector_type}_{spec.modality}"


def render_snippet(*, language: Language, spec: ModelSpec, endpoint: str) -> Snippet:
    """The program for this model and a cluster's REST address. The spec must have a kind (``snippet_kind``)."""
    source = (FOLDER / language.name / f"{snippet_kind(spec)}.txt").read_text(encoding="utf-8")
    values = _values(spec, endpoint)
    text = _PLACEHOLDER.sub(lambda found: values[found[1]], source)
    formatter = HtmlFormatter(nowrap=True)
    return Snippet(language, text, highlight(text, get_lexer_by_name(language.lexer), formatter))


def _values(spec: ModelSpec, endpoint: str) -> dict[str, str]:
    # BM25 leaves the rarity of a word to the collection; learned sparse models have it in their weights.
    modifier = "idf" if spec.weights and spec.weights.family == "bm25" else "none"
    return {
        "endpoint": endpoint,
        "model": spec.name,
        "collection": f"demo-{spec.name.rsplit('/', 1)[-1]}",
        "dimensions": str(spec.dimensions),
        "modifier": modifier,
        "modifier_name": modifier.upper(),
    }
