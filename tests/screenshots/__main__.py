"""Pictures of every page, light, dark and narrow, from a running demo cloud: ``make screenshots``.

They go to ``screenshots/``; the README's three, in a smaller form, to ``docs/images/``.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from cloudconsole.paths import PROJECT_DIR
from tests.e2e.conftest import QUIET, DataPlane, Demo, find_chromium, sign_in
from tests.made_pages import walk_made_pages
from tests.pages import NOTHING_THERE, PAGES
from tests.running_cloud import RunningCloud, start_cloud

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 380, "height": 800}},
}
IN_README = {
    "inference-tab": ("inference", "light"),
    "billing": ("billing", "light"),
    "statement": ("statement", "dark"),
}
MODEL = "sentence-transformers/all-minilm-l6-v2"


def make_traffic(cloud: RunningCloud, demo: Demo) -> None:
    """A month that is made up, and a few requests that are not."""
    subprocess.run(
        [sys.executable, "-m", "tests.screenshots.usage"], cwd=PROJECT_DIR, env=cloud.environment, check=True
    )
    plane = DataPlane(demo.cluster("new-us"))
    plane.make_collection("recipes")
    for number in range(50):
        plane.upsert_text("recipes", f"Recipe {number}: flour, sugar, eggs and chocolate chips.").raise_for_status()
    plane.close()


def shoot(page: Page, demo: Demo, look: str, folder: Path) -> None:
    for name, path in {**PAGES, "nothing there": NOTHING_THERE}.items():
        page.goto(path.format(id=demo.cluster("new-us")["id"]), wait_until="networkidle")
        page.screenshot(path=folder / f"{name.replace(', ', '-').replace(' ', '-')}.{look}.png", full_page=True)
    with tempfile.TemporaryDirectory() as upload:
        for name in walk_made_pages(page, cluster_id=demo.cluster("new-us")["id"], folder=Path(upload)):
            page.screenshot(path=folder / f"{name.replace(', ', '-').replace(' ', '-')}.{look}.png", full_page=True)


def for_the_readme(browser: Browser, demo: Demo, session: Any) -> None:
    """The upper part of three pages, small enough for a repository."""
    images = PROJECT_DIR / "docs" / "images"
    for file, (name, look) in IN_README.items():
        context = browser.new_context(base_url=demo.console, storage_state=session, **LOOKS[look])
        page = context.new_page()
        page.goto(PAGES[name].format(id=demo.cluster("new-us")["id"]), wait_until="networkidle")
        page.screenshot(path=images / f"{file}.png")
        context.close()


def main() -> None:
    folder = PROJECT_DIR / "screenshots"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data, start_cloud(Path(data)) as cloud, sync_playwright() as playwright:
        demo = Demo(cloud.status)
        make_traffic(cloud, demo)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        stranger = browser.new_context(base_url=demo.console, **LOOKS["light"]).new_page()
        stranger.goto("/sign-in")
        stranger.screenshot(path=folder / "sign-in.light.png")
        sign_in(stranger, demo)
        session = stranger.context.storage_state()
        for look, options in LOOKS.items():
            context = browser.new_context(base_url=demo.console, storage_state=session, **options)
            shoot(context.new_page(), demo, look, folder)
            context.close()
        if "--readme" in sys.argv:
            for_the_readme(browser, demo, session)
        browser.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main()
