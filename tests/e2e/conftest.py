"""A real Chromium looking at a real running cloud."""

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.running_cloud import RunningCloud

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MILLISECONDS = 20_000  # a restart takes two seconds on a quiet machine


def find_chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ends with this package: Playwright's event loop would make Django refuse the database to later tests."""
    chromium = find_chromium()
    if not chromium:
        pytest.skip("no Chromium: set CHROMIUM to its program or put chromium on PATH")
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield browser
        browser.close()


class Demo:
    """What somebody who tries the cloud has in hand. Read once: asking for the status takes seconds."""

    def __init__(self, status: dict[str, Any]) -> None:
        self.console: str = status["urls"]["console"]
        self.email: str = status["demo"]["email"]
        self.password: str = status["demo"]["password"]
        self._clusters = {cluster["name"]: cluster for cluster in status["clusters"]}
        self.session: Any = None  # cookies of a browser that has signed in

    def cluster(self, name: str) -> dict[str, Any]:
        return self._clusters[name]


def sign_in(page: Page, demo: Demo) -> None:
    """Through the form, as a person does."""
    page.goto("/")
    page.get_by_label("Email").fill(demo.email)
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/clusters")


@pytest.fixture(scope="package")
def demo(browser: Browser, request: pytest.FixtureRequest) -> Demo:
    # Asked for only now: as an argument the cloud would start before a missing browser is noticed.
    cloud: RunningCloud = request.getfixturevalue("cloud")
    demo = Demo(cloud.status)
    context = browser.new_context(base_url=demo.console)
    sign_in(context.new_page(), demo)
    demo.session = context.storage_state()
    context.close()
    return demo


def _is_complaint(said: ConsoleMessage, wanted: Collection[int]) -> bool:
    return said.type in ("error", "warning") and not any(f"status of {status}" in said.text for status in wanted)


@pytest.fixture
def open_page(demo: Demo, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Pages of browsers of their own. At the end none of them may have complained."""
    complaints: list[str] = []
    with ExitStack() as stack:

        def open_one(*, wanted: Collection[int] = (), **options: Any) -> Page:
            """``wanted``: statuses of failure that are no fault of the console's, such as 404 for what is not there."""
            context = browser.new_context(base_url=demo.console, viewport={"width": 1280, "height": 900}, **options)
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MILLISECONDS)
            page = context.new_page()
            # Violations of the content security policy arrive as console errors.
            page.on("console", lambda said: _is_complaint(said, wanted) and complaints.append(said.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            return page

        yield open_one
    assert complaints == []


@pytest.fixture
def page(open_page: Callable[..., Page], demo: Demo) -> Page:
    """A browser whose user has signed in, on the list of clusters."""
    page = open_page(storage_state=demo.session)
    page.goto("/clusters")
    return page


class DataPlane:
    """Requests to one cluster, as a client without an SDK makes them."""

    def __init__(self, cluster: dict[str, Any]) -> None:
        self._http = httpx.Client(base_url=cluster["rest"], headers={"api-key": cluster["api_key"]}, timeout=30)

    def make_collection(self, name: str) -> None:
        self._http.delete(f"/collections/{name}")
        answer = self._http.put(f"/collections/{name}", json={"vectors": {"size": 384, "distance": "Cosine"}})
        answer.raise_for_status()

    def upsert_text(self, collection: str, text: str) -> httpx.Response:
        document = {"text": text, "model": "sentence-transformers/all-minilm-l6-v2"}
        points = {"points": [{"id": 1, "vector": document}]}
        return self._http.put(f"/collections/{collection}/points?wait=true", json=points)

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def data_plane(demo: Demo) -> Iterator[Callable[[str], DataPlane]]:
    with ExitStack() as stack:

        def of(name: str) -> DataPlane:
            plane = DataPlane(demo.cluster(name))
            stack.callback(plane.close)
            return plane

        yield of
