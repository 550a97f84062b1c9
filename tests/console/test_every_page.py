"""What holds for every page of the console."""

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, get_resolver, resolve

from clusters.models import Cluster, DatabaseApiKey
from tests.console.conftest import make_operation, record_usage
from tests.console.html import parse
from tests.pages import NO_PAGES, NOTHING_THERE, PAGES


@pytest.fixture(params=[*PAGES.values(), NOTHING_THERE], ids=[*PAGES, "nothing there"])
def page(request: pytest.FixtureRequest, console: Client, make_cluster: Callable[..., Cluster]) -> object:
    cluster = make_cluster("new-us", inference=True)
    make_operation(cluster, "running", steps_done=1, error="The node agent does not answer.")
    record_usage(cluster, "mixedbread-ai/mxbai-embed-large-v1", 1234)
    return console.get(request.param.format(id=cluster.pk))


def test_every_address_is_among_the_pages(console: Client, make_cluster: Callable[..., Cluster]) -> None:
    cluster = make_cluster()
    listed = {resolve(path.format(id=cluster.pk).partition("?")[0]).view_name for path in PAGES.values()}
    for name, pattern in _console_addresses():
        if name in listed | NO_PAGES:
            continue
        path = re.sub(r"<[^>]*>", str(cluster.pk), f"/{pattern}")
        assert console.get(path).status_code == 405, f"{name} answers GET: list it in tests/pages.py"


def _console_addresses() -> list[tuple[str, str]]:
    """Named addresses and their patterns, without those of the API."""
    found, waiting = [], [("", one) for one in get_resolver().url_patterns]
    while waiting:
        namespace, one = waiting.pop()
        if isinstance(one, URLResolver):
            inside = f"{one.namespace}:" if one.namespace else namespace
            waiting += [(inside, child) for child in one.url_patterns if str(one.pattern) != "api/"]
        elif not str(one.pattern).startswith("api/"):
            found.append((f"{namespace}{one.name}", str(one.pattern)))
    return found


def test_it_has_one_heading_a_skip_link_and_a_live_region(page: object) -> None:
    html = parse(page)
    assert len(html.all("h1")) == 1
    assert html.one("a", class_="skip-link").attributes["href"] == "#main"
    assert html.one("main", id="main")
    assert html.one(id="announcement").attributes["aria-live"] == "polite"
    assert html.one("html").attributes["lang"] == "en"


def test_it_carries_no_script_or_style_of_its_own(page: object) -> None:
    html = parse(page)
    for element in html.descendants():
        assert element.tag != "style"
        assert not [name for name in element.attributes if name == "style" or name.startswith(("on", "hx-on"))]
        if element.tag == "script":
            assert element.attributes["src"].startswith("/static/")
            assert element.text == ""
        for address in (element.attributes.get("src"), element.attributes.get("href")):
            assert address is None or re.match(r"[/#]", address), f"{address} is not on our own origin"


def test_its_policy_allows_nothing_inline(page: object) -> None:
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_every_control_has_a_name(page: object) -> None:
    html = parse(page)
    labels = {label.attributes.get("for"): label.text for label in html.all("label")}
    for control in [*html.all("input"), *html.all("select")]:
        if control.attributes.get("type") != "hidden":
            assert labels[control.attributes["id"]]
    for button in html.all("button"):
        assert button.text
    for icon in html.all("svg"):
        assert icon.attributes["aria-hidden"] == "true"


def test_ids_are_unique(page: object) -> None:
    ids = [element.attributes["id"] for element in parse(page).descendants() if "id" in element.attributes]
    assert sorted(ids) == sorted(set(ids))


def test_times_are_machine_readable(page: object) -> None:
    for time in parse(page).all("time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time.attributes["datetime"])


@pytest.mark.parametrize("path", PAGES.values())
def test_a_stranger_is_sent_to_sign_in_and_comes_back(
    path: str, client: Client, make_cluster: Callable[..., Cluster]
) -> None:
    answer = client.get(path.format(id=make_cluster().pk))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in?next=/")


def test_a_fragment_asked_for_after_the_session_ended_sends_the_browser_to_sign_in(
    client: Client, make_cluster: Callable[..., Cluster]
) -> None:
    path = f"/clusters/{make_cluster().pk}/inference"
    answer = client.get(path, headers=_htmx("live", path))
    assert answer.headers["HX-Redirect"] == f"/sign-in?next={path}"
    assert answer.content == b""


def test_foreign_and_unknown_clusters_do_not_exist(console: Client, foreign_cluster: Cluster) -> None:
    for path in ("/clusters/{id}", "/clusters/{id}/inference", "/clusters/{id}/inference/switch?to=on"):
        for cluster_id in (foreign_cluster.pk, "6f0c7d3a-0000-5c55-9d0e-1f6a3c1f0009"):
            answer = console.get(path.format(id=cluster_id))
            assert answer.status_code == 404
            assert "foreign" not in parse(answer).one("main").text
    for path in ("/clusters/{id}/inference/switch", "/clusters/{id}/api-keys"):
        assert console.post(path.format(id=foreign_cluster.pk), {"to": "on", "name": "key"}).status_code == 404
    assert not DatabaseApiKey.objects.exists()
    foreign_cluster.refresh_from_db()
    assert not foreign_cluster.inference_enabled


def test_foreign_clusters_are_not_listed(console: Client, foreign_cluster: Cluster) -> None:
    assert "No clusters yet" in parse(console.get("/clusters")).text


@pytest.mark.parametrize(
    "path",
    [
        "/clusters",
        "/clusters?costs",
        "/clusters/{id}",
        "/clusters/{id}/inference",
        "/clusters/{id}/inference/imports",
        "/billing",
        "/billing/exports",
        "/billing/budgets",
        "/clusters/new",
    ],
)
def test_more_rows_do_not_mean_more_queries(
    path: str, console: Client, make_cluster: Callable[..., Cluster], django_assert_num_queries: Callable
) -> None:
    first = make_cluster("first", inference=True)
    path = path.format(id=first.pk)
    _fill(first, 1)
    console.get(path)
    with CaptureQueriesContext(connection) as few:
        console.get(path)
    for number in range(4):
        _fill(make_cluster(f"more-{number}", provider="gcp", region="us-east4"), number)
    _fill(first, 9)
    with django_assert_num_queries(len(few)):
        console.get(path)
    assert len(few) <= 20


def test_each_page_asks_as_many_queries_as_its_baseline_says(
    console: Client, make_cluster: Callable[..., Cluster], settings: object
) -> None:
    """More need a reason. Written anew with WRITE_QUERY_COUNTS=1."""
    cluster = make_cluster("first", inference=True)
    _fill(cluster, 1)
    counts = {}
    for name, path in PAGES.items():
        console.get(path.format(id=cluster.pk))
        with CaptureQueriesContext(connection) as captured:
            console.get(path.format(id=cluster.pk))
        counts[name] = len(captured)
    baseline = settings.BASE_DIR / "tests" / "query_counts.json"
    if "WRITE_QUERY_COUNTS" in os.environ:
        baseline.write_text(json.dumps(counts, indent=2) + "\n")
    assert counts == json.loads(baseline.read_text())


def _fill(cluster: Cluster, number: int) -> None:
    cluster.generation = number + 2
    make_operation(cluster, "succeeded", steps_done=4)
    DatabaseApiKey.objects.create(
        cluster=cluster, name=f"key-{number}", prefix="ccd_", secret_hash=f"{cluster.pk}{number}"
    )
    for model in ("qdrant/bm25", "sentence-transformers/all-minilm-l6-v2"):
        record_usage(cluster, model, 10)


def test_a_page_is_never_kept_by_the_browser(console: Client, make_cluster: Callable[..., Cluster]) -> None:
    answer = console.get(f"/clusters/{make_cluster().pk}")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "HX-Request" in answer.headers["Vary"]


def test_where_nothing_is_the_account_is_still_shown(console: Client) -> None:
    assert "Acme" in parse(console.get(NOTHING_THERE)).one("header").text


def test_a_form_without_a_token_is_refused_in_the_layout(user: object) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    answer = strict.post("/clusters/new", {"name": "x"})
    assert answer.status_code == 403
    assert "too old" in parse(answer).one("h1").text


def test_an_error_of_ours_has_a_page_too(console: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    console.raise_request_exception = False
    monkeypatch.setattr("clusters.list_views.clusters_of", lambda account: 1 / 0)
    answer = console.get("/clusters")
    assert answer.status_code == 500
    assert "not your fault" in parse(answer).one("main").text


def _htmx(target: str, path: str) -> dict[str, str]:
    return {"HX-Request": "true", "HX-Target": target, "HX-Current-URL": f"http://testserver{path}"}


def _contrast(one: str, other: str) -> float:
    """WCAG 2 contrast of two colours such as ``#1c2026``."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


ON_EVERY_GROUND = ("ink", "quiet", "accent", "good", "busy", "bad")
PAIRS = [
    *[(text, ground) for text in ON_EVERY_GROUND for ground in ("ground", "surface", "inset")],
    *[(text, f"{text}-tint") for text in ("good", "busy", "bad", "accent")],
    *[("ink", f"{tint}-tint") for tint in ("good", "busy", "bad", "accent")],
    ("on-accent", "accent"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_enough_contrast(theme: str, settings: object) -> None:
    css = (settings.BASE_DIR / "static/css/base.css").read_text()
    tokens = {
        name: light if theme == "light" else dark
        for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", css)
    }
    for text, ground in PAIRS:
        assert _contrast(tokens[text], tokens[ground]) >= 4.5, f"{text} on {ground}"


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_lines_of_charts_stand_out(theme: int, settings: object) -> None:
    css = (settings.BASE_DIR / "static/css/base.css").read_text()
    tokens = {name: pair for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", css)}
    lines = [pair[theme] for name, pair in tokens.items() if name.startswith("series-")]
    assert len(set(lines)) == 6
    assert all(_contrast(line, tokens["surface"][theme]) >= 3 for line in lines)


def test_the_icons_in_use_are_the_icons_there_are(settings: object) -> None:
    root = settings.BASE_DIR
    sources = [*root.glob("templates/**/*.html"), root / "clusters/presentation.py"]
    used = {name for source in sources for name in re.findall(r'"([a-z]+(?:-[a-z]+)*)"', source.read_text())}
    there = {path.stem for path in root.glob("static/icons/*.svg")}
    assert there <= used
    assert _icons_named(sources) <= there


def _icons_named(sources: list) -> set[str]:
    return {name for source in sources for name in re.findall(r'{% icon "([\w-]+)"', source.read_text())}


MOST_SCRIPT_BYTES = 60 * 1024


def test_all_script_of_the_console_is_small(console: Client, make_cluster: Callable[..., Cluster]) -> None:
    """Compressed, as it travels; the documentation of the API, which others made, has a page of its own."""
    cluster = make_cluster(inference=True)
    pages = [parse(console.get(path.format(id=cluster.pk))) for path in PAGES.values()]
    addresses = {script.attributes["src"].partition("?")[0] for page in pages for script in page.all("script")}
    assert len(addresses) >= 4
    files = [finders.find(address.removeprefix("/static/")) for address in addresses]
    assert sum(len(gzip.compress(Path(file).read_bytes())) for file in files) < MOST_SCRIPT_BYTES
