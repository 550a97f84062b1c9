"""The documentation is kept true: examples run, settings are complete, links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cloudconsole.paths import PROJECT_DIR

PAGES = sorted([PROJECT_DIR / "README.md", *PROJECT_DIR.glob("docs/*.md"), *PROJECT_DIR.glob("[!.]*/README.md")])
PAGES = [page for page in PAGES if not page.is_relative_to(PROJECT_DIR / ".venv")]
APPS = ("cloudconsole", "clusters", "inference", "billing", "gateway")
READS_VARIABLE = re.compile(
    r'(?:environ(?:\.get)?[\[(]|_flag\()\s*"([A-Z][A-Z_]+)"|"([A-Z][A-Z_]+)" not in os\.environ'
)
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE"}  # Django's own


def code_blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def settings_in_code() -> set[str]:
    files = [file for app in APPS for file in (PROJECT_DIR / app).rglob("*.py") if "gen" not in file.parts]
    found = {name for file in files for names in READS_VARIABLE.findall(file.read_text()) for name in names if name}
    return found - NOT_SETTINGS


def test_every_setting_is_documented_and_every_documented_one_exists():
    rows = re.findall(r"^\| (`[^|]+) \|", (PROJECT_DIR / "docs/configuration.md").read_text(), re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    for_tests_only = {"CHROMIUM"}
    assert documented - for_tests_only == settings_in_code()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT_DIR)))
def test_links_within_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readmes_example_runs(cloud):
    [example] = code_blocks(PROJECT_DIR / "README.md", "python")
    cluster = cloud.cluster("new-us")
    example = example.replace("http://localhost:6333", cluster["rest"])
    run = subprocess.run(
        [sys.executable, "-c", example],
        env=os.environ | {"QDRANT_API_KEY": cluster["api_key"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert re.search(r"points=\[ScoredPoint\(id=1", run.stdout), run.stdout


def test_every_app_says_what_it_owns_and_what_always_holds():
    for app in APPS:
        text = (PROJECT_DIR / app / "README.md").read_text()
        assert "own" in text.lower()
        assert re.search(r"## (What always holds|Invariants)", text), app
